import { describe, expect, it } from 'vitest'
import { verifyLog } from '../../../cloud/log/verify-log.ts'
import { parseVkey } from '../../../shared/checkpoint.ts'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { generateSigningKey } from '../../../shared/jws.ts'
import { verifyEnrolmentReceipt } from '../../../shared/receipt.ts'
import { parseName } from '../../../shared/rrset.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'

const www = parseName('www.example.org')
const api = parseName('api.example.org')
const aaaa = (name: typeof www, ...values: string[]) => ({ name, type: 'AAAA' as const, values })

async function kinds(cloud: Awaited<ReturnType<typeof startTestCloud>>): Promise<string[]> {
  return (await cloud.entries()).map(({ kind }) => kind)
}

/** Whatever was done to the cloud, its log must hold. */
async function expectIntact(cloud: Awaited<ReturnType<typeof startTestCloud>>): Promise<void> {
  const verdict = await verifyLog(await cloud.exportLines(), { vkey: cloud.signer.vkey })
  expect(verdict.findings).toEqual([])
}

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

describe('a report that is refused changes nothing', () => {
  const cases: readonly {
    readonly name: string
    readonly status: number
    readonly code: string
    readonly jws: (
      cloud: Awaited<ReturnType<typeof startTestCloud>>,
      agent: Awaited<ReturnType<Awaited<ReturnType<typeof startTestCloud>>['addAgent']>>,
    ) => Promise<string>
  }[] = [
    {
      name: 'unknown-key',
      status: 401,
      code: 'KEY_UNKNOWN',
      jws: async (cloud, agent) => {
        const stranger = cloud.createAgent('home', (await generateSigningKey()).key)
        return stranger.sign(agent.reportOf())
      },
    },
    {
      name: 'truncated-jws',
      status: 400,
      code: 'JWS_MALFORMED',
      jws: async (_, agent) => (await agent.sign(agent.reportOf())).slice(0, -5),
    },
    {
      name: 'bad-signature',
      status: 401,
      code: 'JWS_SIGNATURE',
      jws: async (_, agent) => {
        const [head, body] = (await agent.sign(agent.reportOf())).split('.')
        const other = (await agent.sign(agent.reportOf())).split('.')[2]
        return `${head}.${body}.${other}`
      },
    },
    {
      name: 'other-url',
      status: 403,
      code: 'URL_MISMATCH',
      jws: (_, agent) =>
        agent.sign(agent.reportOf(), { url: 'https://other.example.org/v1/reports' }),
    },
    {
      name: 'other-host',
      status: 403,
      code: 'HOST_MISMATCH',
      jws: (_, agent) => agent.sign(agent.reportOf({ host: 'office' })),
    },
    {
      name: 'sequence-more-than-a-day-ahead',
      status: 409,
      code: 'SEQUENCE_TOO_FAR',
      jws: (_, agent) => agent.sign(agent.reportOf({ seq: Number.MAX_SAFE_INTEGER })),
    },
    {
      name: 'lower-sequence',
      status: 409,
      code: 'SEQUENCE_STALE',
      jws: async (_, agent) => {
        const early = agent.reportOf()
        await agent.report()
        return agent.sign(early)
      },
    },
    {
      name: 'same-sequence-other-bytes',
      status: 409,
      code: 'SEQUENCE_REUSED',
      jws: async (_, agent) => {
        const report = agent.reportOf()
        await agent.post(await agent.sign(report))
        return agent.sign({ ...report, records: [aaaa(www, '2001:db8:1::bad')] })
      },
    },
  ]
  it.each(cases)('$name', async ({ status, code, jws }) => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const text = await jws(cloud, agent)
    const before = await cloud.entries()
    const written = cloud.dns.written()
    const response = await cloud.post('/v1/reports', text)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status, code })
    expect(response.status).toBe(status)
    expect(await cloud.entries()).toEqual(before)
    expect(cloud.dns.written()).toBe(written)
  })

  it('and a conflict of sequences says the current one', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const early = agent.reportOf()
    const latest = agent.reportOf()
    await agent.post(await agent.sign(latest))
    const { body } = await agent.post(await agent.sign(early))
    expect(body).toMatchObject({ code: 'SEQUENCE_STALE', seq: latest.seq })
  })

  it('signed by a key that was revoked', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const headers = cloud.adminHeaders
    await cloud.app.request('/v1/admin/hosts/home/revoke', { method: 'POST', headers })
    expect((await agent.report()).body).toMatchObject({ status: 401, code: 'KEY_REVOKED' })
    await expectIntact(cloud)
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

describe('a body', () => {
  const big = 'x'.repeat(20_000)
  it.each([
    { name: 'content type', headers: { 'content-type': 'text/plain' }, body: 'x', status: 415 },
    { name: 'no content type', headers: {}, body: 'x', status: 415 },
    { name: 'length', headers: { 'content-type': 'application/jose' }, body: big, status: 413 },
    {
      name: 'compression',
      headers: { 'content-type': 'application/jose', 'content-encoding': 'gzip' },
      body: 'x',
      status: 415,
    },
  ])('is refused for its $name', async ({ headers, body, status }) => {
    const cloud = await startTestCloud()
    const response = await cloud.post('/v1/reports', body, headers)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ status, code: expect.any(String) })
  })

  it('that is chunked and endless is not read to its end', async () => {
    const cloud = await startTestCloud()
    let pulled = 0
    const body = new ReadableStream({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(4096))
      },
    })
    const headers = { 'content-type': 'application/jose' }
    const init = { method: 'POST', body, headers, duplex: 'half' } as RequestInit
    const response = await cloud.app.request(new Request('http://cloud/v1/reports', init))
    expect(response.status).toBe(413)
    expect(pulled).toBeLessThan(12)
  })
})

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

describe('an enrolment', () => {
  it('gives a proof that verifies, and what the host may claim', async () => {
    const cloud = await startTestCloud()
    const { join } = await cloud.addHost('home')
    const { key, body } = await cloud.enrol(join)
    const verifiers = [await parseVkey(cloud.signer.vkey)]
    const proven = await verifyEnrolmentReceipt(body, { verifiers, kid: key.kid })
    expect(proven.result).toMatchObject({ host: 'home', prefixes: ['2001:db8::/32'] })
  })

  it('answers the same key again, and no other key', async () => {
    const cloud = await startTestCloud()
    const { join } = await cloud.addHost('home')
    const { jws, body } = await cloud.enrol(join)
    expect(await (await cloud.post('/v1/enroll', jws)).json()).toEqual(body)
    expect((await cloud.enrol(join)).body).toMatchObject({ status: 403, code: 'TOKEN_USED' })
    expect(await kinds(cloud)).toEqual(['genesis', 'policy', 'enroll'])
  })

  it.each([false, true])('survives a store that fails, having stored: %s', async (hasStored) => {
    const cloud = await startTestCloud()
    const { join } = await cloud.addHost('home')
    cloud.commitFaults.push({ entry: '"kind":"enroll"', hasStored })
    const { jws, response } = await cloud.enrol(join)
    expect(response.status).toBe(503)
    expect((await cloud.post('/v1/enroll', jws)).status).toBe(200)
    expect(await kinds(cloud)).toEqual(['genesis', 'policy', 'enroll'])
  })

  it('is won by one of two keys that race for a token', async () => {
    const cloud = await startTestCloud()
    const { join } = await cloud.addHost('home')
    const answers = await Promise.all([cloud.enrol(join), cloud.enrol(join), cloud.enrol(join)])
    expect(answers.map(({ response }) => response.status).sort()).toEqual([200, 403, 403])
  })

  it('is refused after its time, and with a join string that a later one replaced', async () => {
    const cloud = await startTestCloud()
    const { join: early } = await cloud.addHost('home')
    cloud.clock.ms += 25 * 3_600_000
    expect((await cloud.enrol(early)).body).toMatchObject({ code: 'TOKEN_EXPIRED' })
    cloud.clock.ms -= 25 * 3_600_000
    const headers = cloud.adminHeaders
    await cloud.app.request('/v1/admin/hosts/home/revoke', { method: 'POST', headers })
    const { join: late } = await cloud.addHost('home')
    expect((await cloud.enrol(early)).body).toMatchObject({ code: 'TOKEN_INVALID' })
    expect((await cloud.enrol(late)).response.status).toBe(200)
    await expectIntact(cloud)
  })
})

describe('the operator', () => {
  it('is let in by the token only', async () => {
    const cloud = await startTestCloud()
    for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${cloud.deps.adminToken}`]) {
      for (const path of ['/v1/admin/hosts', '/v1/admin/hosts/home', '/v1/log/entries']) {
        const response = await cloud.app.request(path, { headers: { authorization } })
        expect(response.status).toBe(401)
        expect(await response.json()).toMatchObject({ code: 'UNAUTHORIZED' })
      }
    }
  })

  it('cannot add a host twice, nor one with a policy that says nothing sensible', async () => {
    const cloud = await startTestCloud()
    expect((await cloud.addHost('home')).response.status).toBe(201)
    expect((await cloud.addHost('home')).body).toMatchObject({ status: 409, code: 'HOST_EXISTS' })
    const faulty = [{ names: [] }, { names: ['-'] }, { prefixes: ['2001:db8::1/32'] }, { other: 1 }]
    for (const policy of faulty) {
      const { body } = await cloud.addHost('office', policy)
      expect(body).toMatchObject({ status: 400, code: 'REQUEST_INVALID' })
    }
  })

  it('changes parts of a policy, which is logged and holds from the next report on', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const init = { method: 'PATCH', headers: cloud.adminHeaders }
    const body = JSON.stringify({ names: ['mail.example.org'] })
    const response = await cloud.app.request('/v1/admin/hosts/home', { ...init, body })
    expect(await response.json()).toMatchObject({
      policy: { names: ['mail.example.org'], prefixes: ['2001:db8::/32'] },
    })
    expect((await agent.report()).body).toMatchObject({ code: 'POLICY_NAME' })
    await expectIntact(cloud)
  })
})

describe('the rest', () => {
  it('tells an IPv4 peer on a dual-stack socket its IPv4 address', async () => {
    const cloud = await startTestCloud()
    const response = await cloud.app.request('/v1/whoami')
    expect(await response.json()).toEqual({ address: '192.0.2.7' })
  })

  it('gives every answer a request id and every unknown path a problem', async () => {
    const cloud = await startTestCloud()
    const response = await cloud.app.request('/v2/reports')
    expect(response.headers.get('x-request-id')).toBe('request-1')
    expect(await response.json()).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    expect((await cloud.app.request('/healthz')).status).toBe(200)
  })

  it('keeps the text of its own faults to itself', async () => {
    const cloud = await startTestCloud({
      peerAddress: () => {
        throw new Error('secret inside')
      },
    })
    const response = await cloud.app.request('/v1/whoami')
    expect(response.status).toBe(500)
    expect(response.headers.get('x-request-id')).toBe('request-1')
    expect(await response.text()).not.toContain('secret inside')
    expect(cloud.lines.some(({ message }) => message.includes('secret inside'))).toBe(true)
  })
})
