import { expect, it } from 'vitest'
import { type Client, chunksOf, JOSE, type World } from './client.ts'

/** What anybody may send, and what comes of it. */
export function describeRequests(
  { ask, post, addAgent, report, logLine }: Client,
  world: () => World,
): void {
  it('refuses a wrong signature, and one for another cloud', async () => {
    const agent = await addAgent('forged')
    const jws = await agent.sign(agent.reportOf())
    const other = await agent.sign(agent.reportOf())
    const forged = [...jws.split('.').slice(0, 2), other.split('.')[2]].join('.')
    expect((await post('/v1/reports', forged)).body).toMatchObject({ code: 'JWS_SIGNATURE' })
    const url = `${world().cloud.url}/v1/reports`
    const misled = await post('/v1/reports', await agent.sign(agent.reportOf(), { url }))
    expect(misled).toMatchObject({ status: 403, body: { code: 'URL_MISMATCH' } })
  })

  const tooMuch = 'x'.repeat(16_385)

  it('refuses a body that is too large, chunked or not', async () => {
    const whole = await post('/v1/reports', tooMuch)
    expect(whole).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } })
    const chunked = await ask('/v1/reports', chunksOf(tooMuch))
    expect(chunked).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } })
  })

  it('takes a chunked body, and no compressed one', async () => {
    const agent = await addAgent('chunked')
    const jws = await agent.sign(agent.reportOf())
    const answer = await ask('/v1/reports', chunksOf(jws))
    expect(answer.status, answer.text).toBe(200)
    await agent.verify(jws, answer.body)
    const packed = await post('/v1/reports', jws, { ...JOSE, 'content-encoding': 'gzip' })
    expect(packed).toMatchObject({ status: 415, body: { code: 'CONTENT_TYPE' } })
  })

  it('refuses another type, bytes that are no text, and a JWS that is none', async () => {
    const typed = await post('/v1/reports', 'a.b.c', { 'content-type': 'application/json' })
    expect(typed).toMatchObject({ status: 415, body: { code: 'CONTENT_TYPE' } })
    const bytes = { method: 'POST', headers: JOSE, body: Uint8Array.of(0xff, 0xfe) }
    expect((await ask('/v1/reports', bytes)).body).toMatchObject({ code: 'REQUEST_INVALID' })
    expect((await post('/v1/reports', 'a.b.c')).body).toMatchObject({ code: 'JWS_MALFORMED' })
  })

  it('tells a client its address, and believes no client about it', async () => {
    for (const address of ['2001:db8:1::5', '192.0.2.5']) {
      const headers = world().cloud.from(address)
      expect((await ask('/v1/whoami', { headers })).body).toEqual({ address })
    }
    const claimed = await ask('/v1/whoami', { headers: world().cloud.claims })
    expect(Object.values(world().cloud.claims)).not.toContain(claimed.body.address)
  })

  it('compares the source of a report with its prefix', async () => {
    const agent = await addAgent('sourced', { sourceCheck: 'require' })
    const outside = await report(agent, {}, world().cloud.from('2001:db8:7::1'))
    expect(outside.answer).toMatchObject({ status: 403, body: { code: 'SOURCE_MISMATCH' } })
    const inside = await report(agent, {}, world().cloud.from('2001:db8:1::9'))
    expect(inside.answer.status, inside.answer.text).toBe(200)
  })

  it('answers with problem documents that carry a request id, which its log has too', async () => {
    const { status, headers, body } = await ask('/nowhere')
    expect({ status, body }).toMatchObject({
      status: 404,
      body: { type: 'about:blank', status: 404, code: 'NOT_FOUND' },
    })
    expect(headers.get('content-type')).toBe('application/problem+json')
    const refused = await post('/v1/reports', 'a.b.c')
    const id = refused.headers.get('x-request-id') ?? ''
    expect(id).toMatch(/^[\w-]{8,64}$/)
    const line = await logLine(id)
    expect(JSON.parse(line)).toMatchObject({ request: id, code: 'JWS_MALFORMED', level: 40 })
  })
}
