import { Resolver } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { powerdns } from '../../cloud/dns/hosted/powerdns.ts'
import { createBudgetKeeper } from '../../cloud/dns/http/request-budget.ts'
import type { ProviderDependencies } from '../../cloud/dns/provider-type.ts'
import type { Change, ChangeOutcome } from '../../cloud/domain/dns-provider.ts'
import { parseName, type RRset } from '../../shared/rrset.ts'
import { describeDnsProvider, type ProviderRig } from '../contract/dns-provider.ts'
import { presentTxt } from '../fakes/dns/presentation.ts'
import { type PowerDnsServer, SCHEMA, startPowerDns } from './powerdns-server.ts'
import { describeServer, look } from './update-rig.ts'

const NEEDED = {
  pdns_server: 'pdns-server',
  [SCHEMA]: 'pdns-backend-sqlite3',
  sqlite3: 'sqlite3',
}
const zoneOf = (server: PowerDnsServer) => ({ name: parseName(server.zone), id: `${server.zone}.` })

describeServer('the HTTP API of PowerDNS', NEEDED, () => {
  describeDnsProvider('PowerDNS', openRig)

  let server: PowerDnsServer
  beforeAll(async () => {
    server = await startPowerDns()
  })
  afterAll(() => server?.stop())

  const provider = (token = server.token) => create(server, token, (url, init) => fetch(url, init))
  const put = (label: string, ...values: string[]): Change => {
    const name = parseName(`${label}.${server.zone}`)
    return { name, type: 'AAAA', set: { name, type: 'AAAA', ttl: 60, values } }
  }
  const kinds = (outcomes: readonly ChangeOutcome[]) =>
    outcomes.map((one) => (one.kind === 'failed' ? one.error.kind : one.kind))
  const held = async (name: string) => {
    const { rrsets } = (await server.ask('GET', `/zones/${server.zone}.`)) as {
      readonly rrsets: readonly { readonly name: string; readonly records: object[] }[]
    }
    return rrsets.find((one) => one.name === `${name}.`)
  }

  it('keeps comments and disabled records, whatever becomes of the rest', async () => {
    const { name } = put('kept')
    const disabled = { content: '2001:db8::66', disabled: true }
    const comments = [{ account: 'me', content: 'left there', modified_at: 1_700_000_000 }]
    const before = { name: `${name}.`, type: 'AAAA', ttl: 60, comments }
    const records = [{ content: '2001:db8::1', disabled: false }, disabled]
    const rrsets = [{ ...before, changetype: 'REPLACE', records }]
    await server.ask('PATCH', `/zones/${server.zone}.`, { rrsets })
    const steps = [put('kept', '2001:db8::2'), { ...put('kept'), set: null }, put('kept', '::3')]
    const outcomes: string[] = []
    for (const step of steps) {
      outcomes.push(...kinds((await provider().apply(zoneOf(server), [step])).outcomes))
      expect((await provider().apply(zoneOf(server), [step])).writes).toBe(0)
      expect(await held(name)).toMatchObject({
        comments,
        records: expect.arrayContaining([disabled]),
      })
    }
    expect(outcomes).toEqual(['updated', 'deleted', 'created'])
  })

  it('lets the names pass that the server takes when one of the batch is refused', async () => {
    const rrsets = [
      {
        ...{ name: `alias.${server.zone}.`, type: 'CNAME', ttl: 60, changetype: 'REPLACE' },
        records: [{ content: 'elsewhere.test.', disabled: false }],
      },
    ]
    await server.ask('PATCH', `/zones/${server.zone}.`, { rrsets })
    const changes = [put('b1', '::1'), put('alias', '::1'), put('b2', '::1')]
    const { outcomes } = await provider().apply(zoneOf(server), changes)
    expect(kinds(outcomes)).toEqual(['created', 'invalid', 'created'])
  })

  it('tells a wrong key from a zone that is not there, and does not show it', async () => {
    const wrong = 'not-the-key-of-this-server'
    const [outcome] = (await provider(wrong).apply(zoneOf(server), [put('x', '::1')])).outcomes
    expect(outcome).toMatchObject({ kind: 'failed', error: { kind: 'auth' } })
    expect(JSON.stringify(outcome)).not.toContain(wrong)
    await expect(provider().findZone(parseName('www.elsewhere.test'))).rejects.toMatchObject({
      kind: 'zone-not-found',
    })
    const gone = { name: parseName('gone.test'), id: 'gone.test.' }
    await expect(provider().read(gone, [put('x')])).rejects.toMatchObject({
      kind: 'zone-not-found',
    })
  })

  it('does not raise the serial when everything is as wanted', async () => {
    const changes = [put('serial', '::1')]
    await provider().apply(zoneOf(server), changes)
    const before = await held(server.zone)
    await provider().apply(zoneOf(server), changes)
    expect(before).toBeDefined()
    expect(await held(server.zone)).toEqual(before)
  })

  it('moves a thousand RRsets with one request', async () => {
    const changes = Array.from({ length: 1000 }, (_, i) => put(`n${i}.bulk`, '2001:db8::1'))
    const { outcomes, writes } = await provider().apply(zoneOf(server), changes)
    expect(new Set(kinds(outcomes))).toEqual(new Set(['created']))
    expect(writes).toBe(1)
  })
})

function create(server: PowerDnsServer, token: string, fetch: ProviderDependencies['fetch']) {
  const settings = v.parse(powerdns.settings, { type: 'powerdns', url: server.url, token })
  const now = () => new Date()
  return powerdns.create('lan', settings, {
    fetch,
    now,
    sleep: (ms) => sleep(ms),
    random: () => 0.1,
    deadline: (ms) => AbortSignal.timeout(ms),
    budgets: createBudgetKeeper({ now, sleep: (ms) => sleep(ms) }),
    dial: () => Promise.reject(new Error('the API is not dialled')),
    lookup: () => Promise.reject(new Error('nothing is looked up')),
  })
}

/** The rig of the provider contract; what is served is seen by asking the name server. */
async function openRig(): Promise<ProviderRig> {
  const server = await startPowerDns()
  const resolver = new Resolver()
  resolver.setServers([`127.0.0.1:${server.dnsPort}`])
  let writes = 0
  let trouble: { readonly when: 'before' | 'after'; times: number } = { when: 'before', times: 0 }
  let interloper: (() => Promise<void>) | undefined
  const provider = create(server, server.token, async (url, init) => {
    if (init.method === 'GET') return await fetch(url, init)
    writes += 1
    const act = interloper
    interloper = undefined
    await act?.()
    const { when, times } = trouble
    trouble = { when, times: times - 1 }
    if (times > 0 && when === 'before') throw new TypeError('the connection was cut')
    const response = await fetch(url, init)
    if (times > 0) throw new TypeError('the connection was cut')
    return response
  })
  return {
    provider,
    zone: parseName(server.zone),
    writes: () => writes,
    async seed({ name, type, ttl, values }: RRset) {
      const records = values.map((value) => ({
        content: type === 'TXT' ? presentTxt(value) : value,
        disabled: false,
      }))
      const rrsets = [{ name: `${name}.`, type, ttl, changetype: 'REPLACE', records }]
      await server.ask('PATCH', `/zones/${server.zone}.`, { rrsets })
    },
    look: (key) => look(resolver, key),
    breakWrites(when, times) {
      trouble = { when, times }
    },
    beforeNextWrite(act) {
      interloper = act
    },
    close: server.stop,
  }
}
