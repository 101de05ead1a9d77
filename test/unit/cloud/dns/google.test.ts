import { describe, expect, it } from 'vitest'
import { google } from '../../../../cloud/dns/hosted/google.ts'
import { parseKeyFile } from '../../../../cloud/dns/hosted/google-account.ts'
import { parseName, type RRset } from '../../../../shared/rrset.ts'
import { createGoogleFake, googleSettings } from '../../../fakes/dns/google.ts'
import { createHttpRig } from '../../../fakes/dns/hosted-rig.ts'

describe('Google Cloud DNS', () => {
  it('tells when a change is live', async () => {
    const rig = createHttpRig(google, googleSettings, await createGoogleFake())
    try {
      const name = parseName(`www.${rig.zone}`)
      const set: RRset = { name, type: 'AAAA', ttl: 60, values: ['2001:db8::1'] }
      const place = await rig.provider.findZone(name)
      const result = await rig.provider.apply(place, [{ name, type: 'AAAA', set }])
      expect(result.receipt?.id).toMatch(/^\d+\/\d+$/)
      const states: unknown[] = []
      for (let poll = 0; poll < 2; poll += 1) {
        states.push(await rig.provider.settled?.(result.receipt ?? { id: '' }))
      }
      expect(states).toEqual(['pending', 'live'])
    } finally {
      await rig.close()
    }
  })

  it('fetches another token when the one it has is not taken', async () => {
    const fake = await createGoogleFake()
    const { provider, zone, inject, requests, close } = createHttpRig(google, googleSettings, fake)
    try {
      await provider.findZone(zone)
      const errors = [{ reason: 'authError' }]
      const body = { error: { code: 401, message: 'Invalid Credentials', errors } }
      inject({ on: 'read', times: 1, fault: { kind: 'answer', answer: { status: 401, body } } })
      await expect(provider.findZone(zone)).rejects.toMatchObject({ kind: 'auth' })
      const before = requests()
      await provider.findZone(zone)
      expect(requests() - before).toBe(2)
    } finally {
      await close()
    }
  })

  it('does not choose between public zones of one name', async () => {
    const fake = await createGoogleFake()
    const { provider, zone, inject, close } = createHttpRig(google, googleSettings, fake)
    try {
      const twin = (id: string) => ({ id, dnsName: `${zone}.`, visibility: 'public' })
      const body = { managedZones: [twin('1'), twin('2')] }
      inject({
        on: 'read',
        times: 1,
        skip: 1,
        fault: { kind: 'answer', answer: { status: 200, body } },
      })
      await expect(provider.findZone(zone)).rejects.toMatchObject({ kind: 'invalid' })
    } finally {
      await close()
    }
  })

  it('calls a key that cannot sign by its name, and does not show it', async () => {
    const broken = JSON.parse(googleSettings.secret)
    broken.private_key = broken.private_key.replace(/MII/, 'XXX')
    const settings = { ...googleSettings, secret: JSON.stringify(broken) }
    const { provider, zone, requests, close } = createHttpRig(
      google,
      settings,
      await createGoogleFake(),
    )
    try {
      const attempt = provider.findZone(zone)
      await expect(attempt).rejects.toMatchObject({ kind: 'auth' })
      await expect(attempt).rejects.toThrow(/^(?!.*XXX).*holds no key that can sign/)
      expect(requests()).toBe(0)
    } finally {
      await close()
    }
  })

  it.each(['', '{}', '{"type":"authorized_user","private_key":"hunter22"}', 'hunter22'])(
    'does not take %j for a key file, and does not show it',
    (text) => {
      expect(() => parseKeyFile(text)).toThrow(/^is not the JSON key file of a service account$/)
    },
  )
})
