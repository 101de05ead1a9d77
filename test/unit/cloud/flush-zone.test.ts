import { describe, expect, it } from 'vitest'
import { parseName } from '../../../shared/rrset.ts'
import { startTestCloud, ZONE } from '../../fakes/test-cloud.ts'
import { aaaa, api, expectIntact, kinds, www } from './app-checks.ts'
import { atOther, eventually, reportAtOnce, startTwo } from './two-clouds.ts'

describe('one process', () => {
  it('flushes all hosts that come at once in one call of each provider', async () => {
    const cloud = await startTestCloud()
    const agents = await Promise.all(Array.from({ length: 40 }, (_, i) => cloud.addAgent(`h${i}`)))
    const running = agents.map((agent, i) => {
      const name = parseName(`h${i}.home.example.org`)
      return agent.report({ records: [aaaa(name, `2001:db8:1::${(i + 1).toString(16)}`)] })
    })
    const statuses = (await Promise.all(running)).map(({ response }) => response.status)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect([cloud.dns.applied(), cloud.second.applied()]).toEqual([1, 1])
    await expectIntact(cloud)
  })
})

describe('two processes with one store', () => {
  it.each([
    ['memory', 60],
    ['file', 30],
  ] as const)(
    'flush all hosts that come at once in a handful of calls: %s, %i',
    async (kind, hosts) => {
      expect(await reportAtOnce(kind, hosts)).toBeLessThanOrEqual(6)
    },
  )

  it('give the outcome that the other one has brought about', async () => {
    const { a, b } = await startTwo()
    const [home, office] = [await a.addAgent('home'), await a.addAgent('office')]
    const open = a.dns.block()
    const first = home.report()
    await eventually(() => a.dns.applied()).toBe(1)
    const second = atOther(b, office).report({ records: [aaaa(api, '2001:db8:1::2')] })
    await eventually(() => b.repository.pending(ZONE)).toHaveLength(2)
    const third = atOther(a, home).report({ records: [aaaa(www, '2001:db8:1::3')] })
    await eventually(() => kinds(a)).toHaveLength(8)
    open()
    const answers = await Promise.all([first, second, third])
    expect(answers.map(({ response }) => response.status)).toEqual([200, 200, 200])
    expect(answers.map(({ entry }) => entry?.outcomes[0]?.outcome)).toEqual([
      'created',
      'created',
      'updated',
    ])
    // A row that is written and not marked yet may be asked about once more by the other one.
    expect(a.dns.applied()).toBeLessThanOrEqual(3)
    await expectIntact(a)
  })

  it('answer 202 as long as the other one does not come to an end', async () => {
    const { a, b } = await startTwo(undefined, 30)
    const [home, office] = [await a.addAgent('home'), await a.addAgent('office')]
    const open = a.dns.block()
    const first = home.report()
    await eventually(() => a.dns.applied()).toBe(1)
    const other = atOther(b, office)
    const pending = await other.report({ records: [aaaa(api, '2001:db8:1::2')] })
    expect(pending.response.status).toBe(202)
    open()
    expect((await first).response.status).toBe(200)
    await eventually(async () => (await other.post(pending.jws)).response.status).toBe(200)
    expect(a.dns.values(api)).toEqual(['2001:db8:1::2'])
    await expectIntact(a)
  })

  it('flush what one has left that died with the lease', async () => {
    const { a, b } = await startTwo()
    const [home, office] = [await a.addAgent('home'), await a.addAgent('office')]
    a.dns.block()
    void home.report()
    await eventually(() => a.dns.applied()).toBe(1)
    // It never gets an answer any more; what comes later does.
    a.dns.block()()
    a.clock.ms += 11_000
    const answer = await atOther(b, office).report({ records: [aaaa(api, '2001:db8:1::2')] })
    expect(answer.response.status).toBe(200)
    expect([a.dns.values(www), a.second.values(www)]).toEqual([
      ['2001:db8:1::1'],
      ['2001:db8:1::1'],
    ])
    await expectIntact(b)
  })

  it('repair what a late holder of the lease has written over a newer value', async () => {
    const { a, b } = await startTwo()
    const home = await a.addAgent('home')
    const wake = a.dns.block()
    const late = home.report({ records: [aaaa(www, '2001:db8:1::1')] })
    await eventually(() => a.dns.applied()).toBe(1)
    a.dns.block()()
    a.clock.ms += 11_000
    const newer = await atOther(b, home).report({ records: [aaaa(www, '2001:db8:1::2')] })
    expect(newer.response.status).toBe(200)
    expect(a.dns.values(www)).toEqual(['2001:db8:1::2'])
    const sets: unknown[] = []
    const { apply } = a.dns.provider
    a.dns.provider.apply = async (zone, changes) => {
      const result = await apply(zone, changes)
      sets.push(a.dns.values(www))
      return result
    }
    wake()
    expect((await late).response.status).toBe(200)
    await eventually(() => sets).toHaveLength(1)
    expect(a.dns.values(www)).toEqual(['2001:db8:1::2'])
    await eventually(() => a.repository.pending(ZONE)).toEqual([])
    // The newer one, the late one, and the newer one again.
    expect(a.dns.written()).toBe(3)
    await expectIntact(a)
  })
})

describe('a flush', () => {
  it('notes what nobody waits for any more, so that whoever asks again finds it', async () => {
    const cloud = await startTestCloud({ dnsBudgetMs: 20 })
    const agent = await cloud.addAgent('home')
    const open = cloud.dns.block()
    const { jws, response } = await agent.report()
    expect(response.status).toBe(202)
    open()
    await eventually(() => cloud.repository.pending(ZONE)).toEqual([])
    const { entry } = await agent.post(jws)
    expect(entry?.outcomes.map(({ outcome }) => outcome)).toEqual(['created', 'created'])
    expect(cloud.dns.applied()).toBe(1)
    await expectIntact(cloud)
  })

  it('leaves a provider alone until it is the turn of the zone, and then writes what has come together', async () => {
    const cloud = await startTestCloud()
    const [home, office] = [await cloud.addAgent('home'), await cloud.addAgent('office')]
    let turnAt = cloud.clock.ms + 6500
    cloud.dns.provider.turnMs = () => Math.max(0, turnAt - cloud.clock.ms)
    const first = await home.report()
    expect([first.response.status, first.response.headers.get('retry-after')]).toEqual([202, '7'])
    cloud.clock.ms += 1000
    const second = await office.report({ records: [aaaa(api, '2001:db8:1::2')] })
    expect([second.response.status, second.response.headers.get('retry-after')]).toEqual([202, '6'])
    // The other provider of the zone has had both, each at once.
    expect([cloud.dns.applied(), cloud.second.applied()]).toEqual([0, 2])
    cloud.clock.ms += 6000
    turnAt = 0
    expect((await home.post(first.jws)).response.status).toBe(200)
    expect((await office.post(second.jws)).response.status).toBe(200)
    expect(cloud.dns.applied()).toBe(1)
    expect([cloud.dns.values(www), cloud.dns.values(api)]).toEqual([
      ['2001:db8:1::1'],
      ['2001:db8:1::2'],
    ])
    await expectIntact(cloud)
  })

  it('does not note again, nor ask for, what it knows to wait', async () => {
    const cloud = await startTestCloud()
    const [home, office] = [await cloud.addAgent('home'), await cloud.addAgent('office')]
    const retryAfterMs = 60_000
    cloud.dns.faults.push({ kind: 'rate-limited', hasWritten: false, retryAfterMs })
    const { jws } = await home.report()
    const { noteFlushed } = cloud.repository
    const noted: string[] = []
    cloud.repository.noteFlushed = async (notes) => {
      noted.push(...notes.map(({ key }) => key.name))
      return noteFlushed(notes)
    }
    cloud.clock.ms += 1000
    const { response } = await office.report({ records: [aaaa(api, '2001:db8:1::2')] })
    expect(response.headers.get('retry-after')).toBe('59')
    expect((await home.post(jws)).response.headers.get('retry-after')).toBe('59')
    expect(noted).toEqual([api])
    expect([cloud.dns.applied(), cloud.second.applied()]).toEqual([1, 2])
  })

  it('adds no commit of its own to a report that is waited for, but for the lease', async () => {
    const cloud = await startTestCloud({}, { keepMs: 2000 })
    const agent = await cloud.addAgent('home')
    await agent.report()
    const { batch } = cloud.store
    let commits = 0
    cloud.store.batch = async (statements) => {
      if (statements.some(({ sql }) => !sql.startsWith('SELECT'))) commits++
      return batch(statements)
    }
    await agent.report({ records: [aaaa(www, '2001:db8:1::9')] })
    expect(commits).toBe(2)
  })
})
