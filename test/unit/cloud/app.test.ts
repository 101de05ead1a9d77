import { describe, expect, it } from 'vitest'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { parseName } from '../../../shared/rrset.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'
import { aaaa, api, expectIntact, kinds, www } from './app-checks.ts'

describe('a report', () => {
  it('is logged, brings DNS about at every provider, and gets a receipt that verifies', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const { response, entry } = await agent.report()
    expect(response.status).toBe(200)
    expect(entry?.outcomes.map(({ provider, outcome }) => [provider, outcome])).toEqual([
      ['first', 'created'],
      ['second', 'created'],
    ])
    expect(cloud.dns.values('www.example.org')).toEqual(['2001:db8:1::1'])
    expect(cloud.second.values('www.example.org')).toEqual(['2001:db8:1::1'])
    expect(await kinds(cloud)).toEqual(['genesis', 'policy', 'enroll', 'report', 'applied'])
    await expectIntact(cloud)
  })

  it('proves each time that the log continues the one seen before', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    for (let i = 1; i <= 9; i++) {
      const { response } = await agent.report({ records: [aaaa(www, `2001:db8:1::${i}`)] })
      expect(response.status).toBe(200)
    }
    expect(agent.witness().size).toBe(21)
    await expectIntact(cloud)
  })

  it('withdraws what it no longer claims', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    await agent.report({ records: [aaaa(www, '2001:db8:1::1'), aaaa(api, '2001:db8:1::2')] })
    const { entry } = await agent.report({ records: [aaaa(www, '2001:db8:1::1')] })
    expect(entry?.outcomes.filter(({ provider }) => provider === 'first')).toMatchObject([
      { name: 'www.example.org', outcome: 'unchanged' },
      { name: 'api.example.org', outcome: 'deleted', values: [] },
    ])
    expect(cloud.dns.values('api.example.org')).toBeUndefined()
    await expectIntact(cloud)
  })

  it('posted again gets the same answer and has no effect, also much later', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const jws = await agent.sign(agent.reportOf())
    const first = await (await cloud.post('/v1/reports', jws)).text()
    const { length } = await cloud.entries()
    cloud.clock.ms += 3_600_000
    const again = await cloud.post('/v1/reports', jws)
    expect(again.status).toBe(200)
    expect(await again.text()).toBe(first)
    expect(await cloud.entries()).toHaveLength(length)
    expect(cloud.dns.applied()).toBe(1)
  })

  it('posted twice at once is logged once', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const jws = await agent.sign(agent.reportOf())
    const answers = await Promise.all([1, 2, 3].map(() => cloud.post('/v1/reports', jws)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    const texts = await Promise.all(answers.map((answer) => answer.text()))
    expect(new Set(texts).size).toBe(1)
    expect((await kinds(cloud)).filter((kind) => kind === 'applied')).toHaveLength(1)
  })
})

describe('a report that is refused', () => {
  it('for its sequence says the current one', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const early = agent.reportOf()
    const latest = agent.reportOf()
    await agent.post(await agent.sign(latest))
    const { body } = await agent.post(await agent.sign(early))
    expect(body).toMatchObject({ code: 'SEQUENCE_STALE', seq: latest.seq })
  })

  it.each([false, true])(
    'as its key was revoked, used before: %s, says whose it was',
    async (isUsed) => {
      const cloud = await startTestCloud()
      const agent = await cloud.addAgent('home')
      if (isUsed) expect((await agent.report()).response.status).toBe(200)
      const headers = cloud.adminHeaders
      await cloud.app.request('/v1/admin/hosts/home/revoke', { method: 'POST', headers })
      const before = (await cloud.entries()).length
      for (const iat of [undefined, 1000]) {
        const jws = await agent.sign(agent.reportOf(), iat === undefined ? {} : { iat })
        const { body } = await agent.post(jws)
        expect(body).toMatchObject({ status: 401, code: 'KEY_REVOKED' })
        expect(body.detail).toMatch(/no longer speaks for home/)
      }
      expect(await cloud.entries()).toHaveLength(before)
      await expectIntact(cloud)
    },
  )

  it('or accepted asks the store for a key only once, and for what it may do each time', async () => {
    const asked: string[] = []
    const cloud = await startTestCloud()
    const { repository } = cloud.deps
    const { hostOfKey } = repository
    repository.hostOfKey = async (kid) => {
      asked.push(kid)
      return hostOfKey(kid)
    }
    const agent = await cloud.addAgent('home')
    asked.length = 0
    await agent.report()
    expect(asked).toHaveLength(2)
    await agent.report()
    expect(asked).toHaveLength(3)
  })
})

describe('a clock that is wrong', () => {
  it('gets a nonce, with which the report is accepted', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const report = agent.reportOf()
    const { response, body } = await agent.post(await agent.sign(report, { iat: 1000 }))
    expect(response.status).toBe(401)
    expect(body).toMatchObject({ code: 'USE_NONCE', nonce: expect.any(String) })
    const retried = await agent.post(
      await agent.sign(report, { iat: 1000, nonce: String(body.nonce) }),
    )
    expect(retried.response.status).toBe(200)
    await expectIntact(cloud)
  })

  it('gets another nonce when the one it has is too old, foreign or forged', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const nowMs = cloud.clock.ms
    const { nonces } = cloud.deps
    const foreign = await nonces.issue('another key', nowMs)
    const old = await nonces.issue(agent.key.kid, nowMs - 121_000)
    for (const nonce of [foreign, old, 'x', `${Math.floor(nowMs / 1000)}.${'A'.repeat(43)}`]) {
      const { body } = await agent.post(await agent.sign(agent.reportOf(), { nonce }))
      expect(body).toMatchObject({ status: 401, code: 'USE_NONCE' })
    }
  })
})

describe('a report outside the policy', () => {
  const cases = [
    {
      name: 'name',
      code: 'POLICY_NAME',
      change: { records: [aaaa(parseName('mail.example.org'), '2001:db8:1::1')] },
    },
    {
      name: 'prefix',
      code: 'POLICY_PREFIX',
      change: {
        prefix: { current: parsePrefix('2001:470:1::/64'), cause: 'flash' as const },
        records: [],
      },
    },
    {
      name: 'value',
      code: 'POLICY_VALUE',
      change: { records: [aaaa(www, '2001:db8:1::1'), aaaa(api, '2001:db8:2::1')] },
    },
  ]
  it.each(cases)('is refused whole and logged: $name', async ({ code, change }) => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const { jws, body } = await agent.report(change)
    expect(body).toMatchObject({ status: 403, code, index: 3 })
    expect((await cloud.entries()).at(-1)).toMatchObject({ kind: 'denied', code, jws })
    expect(cloud.dns.applied()).toBe(0)
    expect((await agent.post(jws)).body).toMatchObject({ status: 403, code, index: 3 })
    expect(await cloud.entries()).toHaveLength(4)
    await expectIntact(cloud)
  })

  it('cannot take a name that belongs to another host', async () => {
    const cloud = await startTestCloud()
    const home = await cloud.addAgent('home')
    const office = await cloud.addAgent('office')
    await home.report()
    const { body } = await office.report({ records: [aaaa(www, '2001:db8:1::bad')] })
    expect(body).toMatchObject({ status: 403, code: 'NAME_OWNED' })
    expect(cloud.dns.values('www.example.org')).toEqual(['2001:db8:1::1'])
    await home.report({ records: [] })
    expect((await office.report()).response.status).toBe(200)
    await expectIntact(cloud)
  })

  it('cannot withdraw more than the limit', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home', { maxDeletions: 1 })
    await agent.report({ records: [aaaa(www, '2001:db8:1::1'), aaaa(api, '2001:db8:1::2')] })
    const { body } = await agent.report({ records: [] })
    expect(body).toMatchObject({ status: 403, code: 'POLICY_DELETIONS' })
    expect(cloud.dns.values('www.example.org')).toBeDefined()
  })
})
