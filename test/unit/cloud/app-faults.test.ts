import { describe, expect, it } from 'vitest'
import { verifyLog } from '../../../cloud/log/verify-log.ts'
import { parseName } from '../../../shared/rrset.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'
import { aaaa, api, expectIntact, kinds, www } from './app-checks.ts'

describe('a provider that fails', () => {
  it.each([false, true])(
    'for a while, having written: %s, is pending and ends well',
    async (hasWritten) => {
      const cloud = await startTestCloud()
      const agent = await cloud.addAgent('home')
      cloud.second.faults.push({ kind: 'transient', hasWritten })
      const { jws, response, body } = await agent.report()
      expect(response.status).toBe(202)
      expect(response.headers.get('retry-after')).toBe('2')
      expect(body).toEqual({ status: 'pending', retryAfterSeconds: 2 })
      expect(await kinds(cloud)).toEqual(['genesis', 'policy', 'enroll', 'report'])
      const again = await agent.post(jws)
      expect(again.response.status).toBe(200)
      expect(cloud.second.values('www.example.org')).toEqual(['2001:db8:1::1'])
      await expectIntact(cloud)
    },
  )

  it('until its quota is renewed is asked again within a quarter of an hour', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    cloud.second.faults.push({ kind: 'quota', hasWritten: false, retryAfterMs: 72_000_000 })
    const { jws, response } = await agent.report()
    expect(response.status).toBe(202)
    expect(response.headers.get('retry-after')).toBe('900')
    const asked = cloud.second.applied()
    cloud.clock.ms += 899_000
    const early = await agent.post(jws)
    expect(early.response.headers.get('retry-after')).toBe('1')
    expect(cloud.second.applied()).toBe(asked)
    cloud.clock.ms += 1000
    expect((await agent.post(jws)).response.status).toBe(200)
    expect(cloud.second.values('www.example.org')).toEqual(['2001:db8:1::1'])
    await expectIntact(cloud)
  })

  it('for good is a failed outcome, and the next report of the zone tries it again', async () => {
    const cloud = await startTestCloud()
    const home = await cloud.addAgent('home')
    const office = await cloud.addAgent('office')
    cloud.second.faults.push({ kind: 'auth', hasWritten: false })
    const { response, entry } = await home.report()
    expect(response.status).toBe(200)
    expect(entry?.outcomes).toMatchObject([
      { provider: 'first', outcome: 'created' },
      { provider: 'second', outcome: 'failed', error: { kind: 'auth', message: 'scripted auth' } },
    ])
    await office.report({ records: [aaaa(api, '2001:db8:1::2')] })
    expect(cloud.second.values('www.example.org')).toEqual(['2001:db8:1::1'])
    await expectIntact(cloud)
  })

  it('to answer in time is pending; its late write never overtakes a newer one', async () => {
    const cloud = await startTestCloud({ dnsBudgetMs: 20 })
    const agent = await cloud.addAgent('home')
    const open = cloud.dns.block()
    const first = await agent.report({ records: [aaaa(www, '2001:db8:1::1')] })
    const second = await agent.report({ records: [aaaa(www, '2001:db8:1::2')] })
    expect([first.response.status, second.response.status]).toEqual([202, 202])
    open()
    const settled = await agent.post(second.jws)
    expect(settled.response.status).toBe(200)
    expect(cloud.dns.values('www.example.org')).toEqual(['2001:db8:1::2'])
    const superseded = await agent.post(first.jws)
    expect(superseded.entry?.outcomes).toMatchObject([
      { outcome: 'failed', error: { kind: 'superseded' } },
    ])
    expect(cloud.dns.values('www.example.org')).toEqual(['2001:db8:1::2'])
    await expectIntact(cloud)
  })
})

describe('a log that is older than what a host has seen', () => {
  it('still gets the records right, says so, and is found out', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const root = `${'A'.repeat(43)}=`
    const jws = await agent.sign(agent.reportOf({ log: { size: 99, root } }))
    const response = await cloud.post('/v1/reports', jws)
    expect(response.status).toBe(200)
    expect(cloud.dns.values('www.example.org')).toEqual(['2001:db8:1::1'])
    expect(cloud.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { event: 'rollback', host: 'home', seen: 99, entries: 3 } },
    ])
    const { findings } = await verifyLog(await cloud.exportLines(), { vkeys: [cloud.signer.vkey] })
    expect(findings).toMatchObject([{ index: 3, message: expect.stringMatching(/cut off/) }])
  })
})

describe('a burst of reports', () => {
  it('of many hosts costs a handful of provider calls, and every host its own outcome', async () => {
    const cloud = await startTestCloud()
    const names = Array.from({ length: 12 }, (_, i) => `h${i}.home.example.org`)
    const agents = await Promise.all(names.map((_, i) => cloud.addAgent(`host-${i}`)))
    const open = cloud.dns.block()
    const answers = agents.map((agent, i) =>
      agent.report({
        records: [aaaa(parseName(names[i] ?? ''), `2001:db8:1::${(i + 1).toString(16)}`)],
      }),
    )
    await expect
      .poll(async () => (await kinds(cloud)).filter((k) => k === 'report').length)
      .toBe(12)
    open()
    for (const [i, { entry }] of (await Promise.all(answers)).entries()) {
      expect(entry?.outcomes.map(({ name }) => name)).toEqual([names[i], names[i]])
      expect(cloud.dns.values(names[i] ?? '')).toEqual([`2001:db8:1::${(i + 1).toString(16)}`])
    }
    expect(cloud.dns.applied()).toBeLessThanOrEqual(3)
    await expectIntact(cloud)
  })
})

describe('reports that come at once', () => {
  const points = ['"kind":"report"', '"kind":"applied"'] as const
  const table = points.flatMap((entry) => [false, true].map((hasStored) => ({ entry, hasStored })))
  it.each(table)(
    'and whose commit fails at $entry, having stored: $hasStored, are made good one by one',
    async (fault) => {
      const cloud = await startTestCloud()
      const agents = await Promise.all([0, 1, 2, 3, 4].map((i) => cloud.addAgent(`host-${i}`)))
      cloud.commitFaults.push(fault)
      const answers = await Promise.all(
        agents.map((agent, i) =>
          agent.report({
            records: [aaaa(parseName(`h${i}.home.example.org`), `2001:db8:1::${i + 1}`)],
          }),
        ),
      )
      expect(answers.map(({ response }) => response.status)).toContain(503)
      const reported = (await kinds(cloud)).filter((kind) => kind === 'report').length
      if (reported === 0) expect(cloud.dns.applied()).toBe(0)
      for (const [i, { jws }] of answers.entries()) {
        expect((await agents[i]?.post(jws))?.response.status).toBe(200)
        expect(cloud.dns.values(`h${i}.home.example.org`)).toEqual([`2001:db8:1::${i + 1}`])
      }
      const all = await kinds(cloud)
      for (const kind of points.map((point) => point.slice(8, -1))) {
        expect(all.filter((one) => one === kind)).toHaveLength(5)
      }
      await expectIntact(cloud)
    },
  )

  it('and claim one name give it to one host', async () => {
    const cloud = await startTestCloud()
    const agents = await Promise.all([0, 1, 2, 3].map((i) => cloud.addAgent(`host-${i}`)))
    const answers = await Promise.all(agents.map((agent) => agent.report()))
    const statuses = answers.map(({ response }) => response.status)
    expect(statuses.toSorted()).toEqual([200, 403, 403, 403])
    const refused = answers.filter(({ response }) => response.status === 403)
    expect(refused.map(({ body }) => body.code)).toEqual(Array(3).fill('NAME_OWNED'))
    await expectIntact(cloud)
  })

  it('of one host, the same bytes several times over, are one report', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const jws = await agent.sign(agent.reportOf())
    const answers = await Promise.all([1, 2, 3, 4].map(() => agent.post(jws)))
    expect(answers.map(({ response }) => response.status)).toEqual([200, 200, 200, 200])
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    expect((await kinds(cloud)).slice(3)).toEqual(['report', 'applied'])
  })
})

describe('a store that fails', () => {
  const points = ['"kind":"report"', '"kind":"applied"', '"kind":"denied"'] as const
  const table = points.flatMap((entry) => [false, true].map((hasStored) => ({ entry, hasStored })))
  it.each(table)(
    'at $entry, having stored: $hasStored, is made good by the same bytes',
    async (fault) => {
      const cloud = await startTestCloud()
      const agent = await cloud.addAgent('home')
      cloud.commitFaults.push(fault)
      const isDenied = fault.entry.includes('denied')
      const name = isDenied ? parseName('mail.example.org') : www
      const { jws, response, body } = await agent.report({ records: [aaaa(name, '2001:db8:1::1')] })
      expect(response.status).toBe(503)
      expect(body).toMatchObject({ code: 'STORE_FAILED' })
      const hasEntry = (await kinds(cloud)).includes('report')
      if (!hasEntry) expect(cloud.dns.applied()).toBe(0)
      const again = await agent.post(jws)
      expect(again.response.status).toBe(isDenied ? 403 : 200)
      const expected = isDenied ? ['denied'] : ['report', 'applied']
      expect((await kinds(cloud)).slice(3)).toEqual(expected)
      await expectIntact(cloud)
    },
  )
})
