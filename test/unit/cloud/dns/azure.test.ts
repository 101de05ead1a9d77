import { describe, expect, it } from 'vitest'
import { azure } from '../../../../cloud/dns/hosted/azure.ts'
import { parseName, type RRset } from '../../../../shared/rrset.ts'
import { azureSettings, createAzureFake } from '../../../fakes/dns/azure.ts'
import { createHttpRig } from '../../../fakes/dns/hosted-rig.ts'

const URL_BASE =
  'https://management.azure.com/subscriptions/SUBSCRIPTION_ID/resourceGroups/dns-test/providers/Microsoft.Network/dnsZones'
const ALIAS = '/subscriptions/x/resourceGroups/y/providers/Microsoft.Network/publicIPAddresses/z'

describe('Azure DNS', () => {
  it('does not take the alias of a resource for a name without records', async () => {
    const fake = await createAzureFake()
    const { provider, zone, inject, writes, close } = createHttpRig(azure, azureSettings, fake)
    try {
      const place = await provider.findZone(zone)
      const name = parseName(`alias.${zone}`)
      const set: RRset = { name, type: 'A', ttl: 60, values: ['192.0.2.1'] }
      const alias = {
        ...{ name: 'alias', type: 'Microsoft.Network/dnszones/A', etag: 'e' },
        properties: { TTL: 60, targetResource: { id: ALIAS } },
      }
      const fault = { kind: 'answer', answer: { status: 200, body: { value: [alias] } } } as const
      inject({ on: 'read', times: 1, fault })
      const { outcomes } = await provider.apply(place, [{ name, type: 'A', set, expect: null }])
      expect(outcomes).toMatchObject([{ kind: 'failed', error: { kind: 'conflict' } }])
      expect(writes()).toBe(0)
    } finally {
      await close()
    }
  })

  it('fetches another token when the one it has is not taken', async () => {
    const fake = await createAzureFake()
    const { provider, zone, inject, requests, close } = createHttpRig(azure, azureSettings, fake)
    try {
      await provider.findZone(zone)
      const body = { error: { code: 'ExpiredAuthenticationToken', message: 'expired' } }
      inject({ on: 'read', times: 1, fault: { kind: 'answer', answer: { status: 401, body } } })
      await expect(provider.findZone(zone)).rejects.toMatchObject({ kind: 'auth' })
      const before = requests()
      await provider.findZone(zone)
      expect(requests() - before).toBe(2)
    } finally {
      await close()
    }
  })

  it('refuses a wrong secret by its name, and does not show it', async () => {
    const secret = 'wrong-0123456789~secret'
    const fake = await createAzureFake()
    const { provider, zone, close } = createHttpRig(azure, { ...azureSettings, secret }, fake)
    try {
      const attempt = provider.findZone(zone)
      await expect(attempt).rejects.toMatchObject({ kind: 'auth' })
      await expect(attempt).rejects.toThrow(/^(?!.*wrong-0123).*check tenant, client and secret/)
    } finally {
      await close()
    }
  })

  it('writes long texts in pieces that are not cut inside a character', async () => {
    const fake = await createAzureFake()
    const { provider, zone, close } = createHttpRig(azure, azureSettings, fake)
    try {
      const name = parseName(`t.${zone}`)
      const set: RRset = { name, type: 'TXT', ttl: 60, values: [`${'x'.repeat(254)}üy`] }
      const place = await provider.findZone(zone)
      await provider.apply(place, [{ name, type: 'TXT', set }])
      const url = `${URL_BASE}/${zone}/TXT?api-version=2018-05-01`
      const listed = await fake.api.fetch(url, fake.authorise({ method: 'GET', url, body: '' }))
      expect(await listed.json()).toMatchObject({
        value: [{ properties: { TXTRecords: [{ value: ['x'.repeat(254), 'üy'] }] } }],
      })
      expect(await provider.read(place, [{ name, type: 'TXT' }])).toEqual([set])
    } finally {
      await close()
    }
  })
})
