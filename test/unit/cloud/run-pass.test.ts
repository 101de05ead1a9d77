import { describe, expect, it } from 'vitest'
import type { DnsProvider } from '../../../cloud/domain/dns-provider.ts'
import { keyOf, parseName } from '../../../shared/rrset.ts'
import { createFakeDns } from '../../fakes/fake-dns.ts'
import { startTestCloud, ZONE } from '../../fakes/test-cloud.ts'
import { aaaa, api, expectIntact, kinds, type TestCloud, www } from './app-checks.ts'

const VALUE = '2001:db8:1::1'
const BAD = '2001:db8::bad'
const HOUR = 3_600_000
const changed = { name: www, type: 'AAAA', ttl: 60, values: [BAD] } as const

async function startWithReport() {
  const cloud = await startTestCloud()
  const agent = await cloud.addAgent('home')
  await agent.report()
  cloud.clock.ms += HOUR
  return { cloud, agent }
}

function valuesOf(cloud: TestCloud, name: string = www) {
  return [cloud.dns.values(name), cloud.second.values(name)]
}

async function driftsOf(cloud: TestCloud) {
  return (await cloud.entries()).filter(({ kind }) => kind === 'drift')
}

describe('a pass', () => {
  it('does nothing but look where all is well', async () => {
    const { cloud } = await startWithReport()
    const before = [cloud.dns.applied(), await kinds(cloud)]
    expect(await cloud.pass()).toMatchObject({
      ...{ settled: 0, open: 0, calls: 2, stale: [] },
      zones: [{ zone: ZONE, kind: 'whole', looked: 1, repaired: 0, pending: 0 }],
    })
    expect([cloud.dns.applied(), await kinds(cloud)]).toEqual(before)
  })

  it('ends a report whose agent never came back', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    cloud.second.faults.push({ kind: 'transient', hasWritten: false })
    const { jws, response } = await agent.report()
    expect(response.status).toBe(202)
    expect((await cloud.pass()).settled).toBe(0)
    cloud.clock.ms += 31_000
    expect(await cloud.pass()).toMatchObject({ settled: 1, open: 0 })
    expect(valuesOf(cloud)).toEqual([[VALUE], [VALUE]])
    expect(await kinds(cloud)).toEqual(['genesis', 'policy', 'enroll', 'report', 'applied'])
    const applied = cloud.dns.applied()
    expect((await agent.post(jws)).response.status).toBe(200)
    expect(cloud.dns.applied()).toBe(applied)
    await expectIntact(cloud)
  })

  it('ends the other reports when the entry of one is damaged', async () => {
    const cloud = await startTestCloud()
    const [home, office] = [await cloud.addAgent('home'), await cloud.addAgent('office')]
    for (const [agent, name] of [
      [home, www],
      [office, api],
    ] as const) {
      cloud.second.faults.push({ kind: 'transient', hasWritten: false })
      const records = [aaaa(name, VALUE)]
      expect((await agent.report({ records })).response.status).toBe(202)
    }
    const sql =
      "UPDATE log SET body = replace(body, '\"seq\"', '\"sqe\"') WHERE host = 'home' AND kind = 'report'"
    await cloud.store.batch([{ sql, args: [] }])
    cloud.clock.ms += 31_000
    expect(await cloud.pass()).toMatchObject({ settled: 1, zones: [{ pending: 0 }] })
    expect(JSON.stringify(cloud.lines)).toMatch(/entry 5 of the log cannot be read/)
  })

  it('writes what has failed for good as soon as the operator has put it right', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    cloud.second.faults.push(
      { kind: 'auth', hasWritten: false },
      { kind: 'auth', hasWritten: false },
    )
    await agent.report()
    expect((await cloud.pass()).zones).toMatchObject([{ pending: 1 }])
    expect((await cloud.pass()).zones).toMatchObject([{ pending: 0 }])
    expect(valuesOf(cloud)).toEqual([[VALUE], [VALUE]])
    expect(cloud.second.applied()).toBe(3)
  })

  it('repairs drift at each of two providers, one of which fails at first', async () => {
    const { cloud } = await startWithReport()
    cloud.dns.seed(changed)
    cloud.second.seed({ ...changed, values: [VALUE, BAD] })
    cloud.second.faults.push({ kind: 'transient', hasWritten: false })
    expect((await cloud.pass()).zones).toMatchObject([{ repaired: 1, pending: 1 }])
    expect(valuesOf(cloud)).toEqual([[VALUE], [VALUE, BAD]])
    const record = { name: www, type: 'AAAA', cause: 'changed', values: [VALUE] }
    expect(await driftsOf(cloud)).toEqual([
      {
        ...{ v: 1, kind: 'drift', at: expect.any(String), zone: ZONE },
        records: [
          { ...record, provider: 'first', found: [BAD] },
          { ...record, provider: 'second', found: [VALUE, BAD] },
        ],
      },
    ])
    cloud.clock.ms += 5000
    expect((await cloud.pass()).zones).toMatchObject([{ repaired: 0, pending: 0 }])
    expect(valuesOf(cloud)).toEqual([[VALUE], [VALUE]])
    expect(await driftsOf(cloud)).toHaveLength(1)
    await expectIntact(cloud)
  })

  it('writes nothing again that cannot be logged', async () => {
    const { cloud } = await startWithReport()
    cloud.dns.seed(changed)
    cloud.commitFaults.push({ entry: '"kind":"drift"', hasStored: false })
    const applied = cloud.dns.applied()
    expect((await cloud.pass()).zones).toMatchObject([{ kind: 'failed' }])
    expect(cloud.dns.applied()).toBe(applied)
    cloud.commitFaults.push({ entry: '"kind":"drift"', hasStored: true })
    expect((await cloud.pass()).zones).toMatchObject([{ kind: 'failed' }])
    expect((await cloud.pass()).zones).toMatchObject([{ kind: 'whole', pending: 0 }])
    expect(valuesOf(cloud)).toEqual([[VALUE], [VALUE]])
    expect(await driftsOf(cloud)).toHaveLength(1)
  })

  it('does not fight for a name that somebody else writes over and over', async () => {
    const { cloud, agent } = await startWithReport()
    for (let turn = 0; turn < 8; turn++) {
      cloud.dns.seed(changed)
      await cloud.pass()
      cloud.clock.ms += 300_000
    }
    expect(await driftsOf(cloud)).toHaveLength(3)
    expect(valuesOf(cloud)).toEqual([[BAD], [VALUE]])
    const told = cloud.lines.filter((line) => JSON.stringify(line).includes('over and over'))
    expect(told).toHaveLength(1)
    await agent.report({ records: [aaaa(www, '2001:db8:1::9')] })
    cloud.dns.seed(changed)
    await cloud.pass()
    expect(valuesOf(cloud)).toEqual([['2001:db8:1::9'], ['2001:db8:1::9']])
    await expectIntact(cloud)
  })

  it('leaves a withdrawn name to whoever has it now', async () => {
    const { cloud, agent } = await startWithReport()
    await agent.report({ records: [] })
    cloud.dns.seed(changed)
    expect((await cloud.pass()).zones).toMatchObject([{ looked: 0, repaired: 0 }])
    expect(cloud.dns.values(www)).toEqual([BAD])
  })

  it('leaves the records of a revoked host as they are, whoever changes them', async () => {
    const { cloud } = await startWithReport()
    await cloud.post('/v1/admin/hosts/home/revoke', '', cloud.adminHeaders)
    cloud.dns.seed(changed)
    expect((await cloud.pass()).zones).toMatchObject([{ looked: 1, repaired: 0 }])
    expect(cloud.dns.values(www)).toEqual([BAD])
  })

  it('takes no other TTL for drift: services round it', async () => {
    const { cloud } = await startWithReport()
    cloud.dns.seed({ ...changed, ttl: 3600, values: [VALUE] })
    expect((await cloud.pass()).zones).toMatchObject([{ looked: 1, repaired: 0 }])
    cloud.dns.seed({ ...changed, ttl: 3600 })
    expect((await cloud.pass()).zones).toMatchObject([{ looked: 1, repaired: 1 }])
  })

  it('leaves a provider alone that wants that, also when it is asked what it has', async () => {
    const { cloud, agent } = await startWithReport()
    cloud.second.faults.push({ kind: 'rate-limited', hasWritten: false, retryAfterMs: 600_000 })
    await agent.report({ records: [aaaa(www, VALUE), aaaa(api, '2001:db8:1::2')] })
    let reads = 0
    const { read } = cloud.second.provider
    cloud.second.provider.read = async (zone, keys) => {
      reads++
      return read(zone, keys)
    }
    cloud.clock.ms += 60_000
    const applied = cloud.second.applied()
    expect(await cloud.pass()).toMatchObject({ open: 1, zones: [{ pending: 2 }] })
    expect([cloud.second.applied(), reads]).toEqual([applied, 0])
    cloud.clock.ms += 540_000
    expect(await cloud.pass()).toMatchObject({ settled: 1, zones: [{ pending: 0 }] })
    expect(valuesOf(cloud, api)).toEqual([['2001:db8:1::2'], ['2001:db8:1::2']])
    expect(reads).toBe(1)
  })

  it('says of a provider that cannot be read, and repairs at the other', async () => {
    const { cloud } = await startWithReport()
    cloud.second.failReads('the service is down')
    cloud.dns.seed(changed)
    expect((await cloud.pass()).zones).toMatchObject([{ repaired: 1, pending: 0 }])
    expect(cloud.dns.values(www)).toEqual([VALUE])
    expect(JSON.stringify(cloud.lines)).toMatch(/second could not be compared.*service is down/)
  })

  it('keeps to its calls, goes on where it stopped, and is fair to zones', async () => {
    const zones = ['a.example', 'b.example', 'c.example'].map((name) => parseName(name))
    const cloud = await startTestCloud({ zones: zones.map((name) => ({ name, ttl: 60 })) })
    const rows = zones.flatMap((zone) =>
      Array.from({ length: 150 }, (_, i) => {
        const key = { name: parseName(`h${1000 + i}.${zone}`), type: 'AAAA' } as const
        return { ...key, zone, ttl: 60, set: { ...key, ttl: 60, values: [VALUE] } }
      }),
    )
    await cloud.repository.commit(
      [],
      rows.map((row) => ({
        kind: 'desire',
        row: { ...row, host: 'home', version: 0, isApplied: false },
      })),
    )
    await cloud.repository.commit(
      [],
      rows.map(({ name, type }) => ({ kind: 'mark-applied', key: { name, type }, version: 0 })),
    )
    const looked: string[] = []
    const provider: DnsProvider = {
      ...cloud.dns.provider,
      findZone: async (name) => ({ name, id: name }),
      async read(_zone, keys) {
        looked.push(...keys.map(keyOf))
        const wanted = new Map(rows.map((row) => [keyOf(row), row.set]))
        return keys.map((key) => wanted.get(keyOf(key)) ?? null)
      },
    }
    const providers = new Map(zones.map((zone) => [zone, [provider]]))
    for (let turn = 0; turn < 6; turn++) {
      cloud.clock.ms += 300_000
      expect((await cloud.pass({ providers, maxCalls: 1 })).calls).toBe(1)
    }
    expect(looked).toHaveLength(450)
    expect(new Set(looked).size).toBe(450)
    const { zones: healths } = await cloud.pass({ providers, maxCalls: 4 })
    expect(healths.map(({ kind }) => kind)).toEqual(['whole', 'whole', 'partly'])
  })

  it('flushes for other processes while it looks at a large zone', async () => {
    const { cloud } = await startWithReport()
    const keys = Array.from({ length: 250 }, (_, i) => {
      return { name: parseName(`h${1000 + i}.example.org`), type: 'AAAA' } as const
    })
    const rowOf = (key: (typeof keys)[number], version: number) => ({
      ...{ ...key, zone: ZONE, ttl: 60, host: 'home', version, isApplied: false },
      set: { ...key, ttl: 60, values: [VALUE] },
    })
    const desire = (key: (typeof keys)[number], version: number) =>
      ({ kind: 'desire', row: rowOf(key, version) }) as const
    await cloud.repository.commit(
      [],
      keys.map((key) => desire(key, 0)),
    )
    await cloud.pass()
    const { read } = cloud.dns.provider
    const fresh = { name: api, type: 'AAAA' } as const
    const seen: unknown[] = []
    cloud.dns.provider.read = async (zone, asked) => {
      seen.push(cloud.dns.values(api))
      if (seen.length === 1) await cloud.repository.commit([], [desire(fresh, 1)])
      return read(zone, asked)
    }
    expect((await cloud.pass()).zones).toMatchObject([{ kind: 'whole', repaired: 0, pending: 0 }])
    expect(seen).toEqual([undefined, [VALUE], [VALUE]])
  })

  it('leaves a zone to the process that has its lease', async () => {
    const { cloud } = await startWithReport()
    const { signer, dns, second, clock, store } = cloud
    const other = await startTestCloud({}, { signer, dns, second, clock, store, holder: 'other' })
    const lease = await other.leases.acquire(ZONE)
    expect((await cloud.pass()).zones).toMatchObject([{ kind: 'busy', looked: 0 }])
    await lease?.release()
    expect((await cloud.pass()).zones).toMatchObject([{ kind: 'whole', looked: 1 }])
  })

  it('tells which hosts are stale, and deletes nothing because of it', async () => {
    const cloud = await startTestCloud()
    const [home, office] = [await cloud.addAgent('home'), await cloud.addAgent('office')]
    const { current } = home.reportOf().prefix
    const validUntil = new Date(cloud.clock.ms + 2 * HOUR).toISOString()
    await home.report({ prefix: { current, cause: 'flash', validUntil } })
    await office.report({ records: [aaaa(api, '2001:db8:1::2')] })
    expect((await cloud.pass()).stale).toEqual([])
    cloud.clock.ms += 2 * HOUR
    const expired = { host: 'home', staleness: { reason: 'expired', since: validUntil } }
    expect((await cloud.pass()).stale).toEqual([expired])
    cloud.clock.ms += 31 * 24 * HOUR
    expect((await cloud.pass()).stale).toMatchObject([
      expired,
      { host: 'office', staleness: { reason: 'silent' } },
    ])
    expect(valuesOf(cloud)).toEqual([[VALUE], [VALUE]])
    expect(valuesOf(cloud, api)).toEqual([['2001:db8:1::2'], ['2001:db8:1::2']])
  })
})

describe('a pass over a provider that publishes later', () => {
  async function startSlow() {
    const cloud = await startTestCloud()
    const states = new Map<string, 'live' | 'pending' | 'failed' | Error>()
    let writes = 0
    const { apply } = cloud.second.provider
    Object.assign(cloud.second.provider, {
      caps: { ...cloud.second.provider.caps, publish: 'poll' },
      apply: async (...args: Parameters<typeof apply>) => {
        const result = await apply(...args)
        return { ...result, receipt: { id: `job-${++writes}` } }
      },
      settled: async ({ id }: { id: string }) => {
        const state = states.get(id) ?? 'live'
        if (state instanceof Error) throw state
        return state
      },
    })
    const agent = await cloud.addAgent('home')
    states.set('job-1', 'pending')
    await agent.report()
    const receipts = async () => (await cloud.repository.desiredIn(ZONE))[0]?.flushed?.receipts
    expect(await receipts()).toEqual([{ provider: 'second', id: 'job-1' }])
    cloud.clock.ms += HOUR
    return { cloud, states, receipts }
  }

  it('asks until the write is served, and takes nothing for drift before', async () => {
    const { cloud, states, receipts } = await startSlow()
    cloud.second.seed(changed)
    expect((await cloud.pass()).zones).toMatchObject([{ repaired: 0 }])
    expect(await receipts()).toHaveLength(1)
    cloud.second.seed({ ...changed, values: [VALUE] })
    states.set('job-1', 'live')
    expect((await cloud.pass()).zones).toMatchObject([{ repaired: 0, pending: 0 }])
    expect(await receipts()).toBeUndefined()
  })

  it('writes again what the provider has given up, and logs that first', async () => {
    const { cloud, states } = await startSlow()
    states.set('job-1', 'failed')
    cloud.second.seed(changed)
    expect((await cloud.pass()).zones).toMatchObject([{ repaired: 1, pending: 0 }])
    expect(cloud.second.values(www)).toEqual([VALUE])
    const record = { name: www, type: 'AAAA', provider: 'second', values: [VALUE] }
    expect(await driftsOf(cloud)).toMatchObject([
      { records: [{ ...record, cause: 'lost', found: [] }] },
    ])
    await expectIntact(cloud)
  })

  it('forgets a receipt that the provider does not know any more', async () => {
    const { cloud, states, receipts } = await startSlow()
    states.set('job-1', new Error('no such job'))
    await cloud.pass()
    expect(await receipts()).toBeUndefined()
  })
})

it('a pass compares with what is served where a provider cannot be read', async () => {
  const dns = createFakeDns(['ns1.example.org', 'ns2.example.org'])
  const cloud = await startTestCloud({ dns: dns.dns })
  Object.assign(cloud.second.provider, {
    caps: { ...cloud.second.provider.caps, readable: false, publish: 'delayed' },
  })
  const agent = await cloud.addAgent('home')
  await agent.report()
  cloud.second.seed(changed)
  dns.serve({ name: www, type: 'AAAA' }, [BAD])
  expect((await cloud.pass()).zones).toMatchObject([{ repaired: 0 }])
  cloud.clock.ms += HOUR
  expect((await cloud.pass()).zones).toMatchObject([{ repaired: 1 }])
  expect(cloud.second.values(www)).toEqual([VALUE])
  // It is not served yet, and not written again for that.
  expect((await cloud.pass()).zones).toMatchObject([{ repaired: 0 }])
})

it('a pass takes addresses that another provider puts in place of ours for no change', async () => {
  const dns = createFakeDns(['ns1.example.org'])
  const cloud = await startTestCloud({ dns: dns.dns })
  cloud.dns.proxy({ name: www, type: 'AAAA' })
  Object.assign(cloud.second.provider, {
    caps: { ...cloud.second.provider.caps, readable: false, publish: 'delayed' },
  })
  const agent = await cloud.addAgent('home')
  await agent.report()
  dns.serve({ name: www, type: 'AAAA' }, ['2001:db8:cafe::1'])
  cloud.clock.ms += HOUR
  expect((await cloud.pass()).zones).toMatchObject([{ repaired: 0 }])
})
