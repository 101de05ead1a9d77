import { describe, expect, it } from 'vitest'
import { parseAddressRange } from '../../../cloud/domain/client-address.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'
import { expectIntact, kinds } from './app-checks.ts'

const JOSE = { 'content-type': 'application/jose' }
const INSIDE = '2001:db8:1::7'
const OUTSIDE = '2001:db8:2::7'

describe('the source check', () => {
  it.each([
    ['require/inside-the-prefix', 'require', INSIDE, undefined, 200],
    ['require/inside-by-a-trusted-proxy', 'require', '::1', `${INSIDE}, 10.0.0.1`, 200],
    ['require/proxy-writes-a-port', 'require', '::1', `[${INSIDE}]:4711`, 200],
    ['require/forged-before-the-proxy', 'require', '::1', `${INSIDE}, ${OUTSIDE}`, 403],
    ['warn/outside', 'warn', OUTSIDE, undefined, 200],
    ['off/outside', 'off', OUTSIDE, undefined, 200],
  ] as const)('%s', async (_, sourceCheck, peer, forwarded, status) => {
    const trustedProxies = ['::1', '10.0.0.0/8'].map(parseAddressRange)
    const cloud = await startTestCloud({ peerAddress: () => peer, trustedProxies })
    const agent = await cloud.addAgent('home', { sourceCheck })
    const jws = await agent.sign(agent.reportOf())
    const headers = forwarded === undefined ? JOSE : { ...JOSE, 'x-forwarded-for': forwarded }
    const response = await cloud.post('/v1/reports', jws, headers)
    expect(response.status).toBe(status)
    const isDenied = status === 403
    expect(await kinds(cloud)).toEqual([
      'genesis',
      'policy',
      'enroll',
      ...(isDenied ? ['denied'] : ['report', 'applied']),
    ])
    expect(cloud.dns.applied()).toBe(isDenied ? 0 : 1)
    const warned = cloud.lines.filter(({ fields }) => fields.event === 'source')
    expect(warned).toHaveLength(sourceCheck === 'warn' ? 1 : 0)
    if (isDenied) {
      expect(await response.json()).toMatchObject({ code: 'SOURCE_MISMATCH' })
      // From the right place the same bytes are still refused: the sequence is used.
      const again = await cloud.post('/v1/reports', jws, { ...JOSE, 'x-forwarded-for': INSIDE })
      expect(await again.json()).toMatchObject({ code: 'SOURCE_MISMATCH' })
    }
    await expectIntact(cloud)
  })
})

describe('the rate limit', () => {
  it('refuses what is too much, without a trace in the log, and says when to come again', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home', { reportsPerHour: 60 })
    for (let i = 0; i < 10; i += 1) expect((await agent.report()).response.status).toBe(200)
    const before = await cloud.entries()
    const { jws, response, body } = await agent.report()
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('60')
    expect(body).toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 60 })
    expect(await cloud.entries()).toEqual(before)
    cloud.clock.ms += 60_000
    // The very same bytes: what was refused for its rate alone is not used up.
    expect((await agent.post(jws)).response.status).toBe(200)
    await expectIntact(cloud)
  })

  it('counts denied reports, not answers that are asked for again', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home', { reportsPerHour: 60 })
    const { jws } = await agent.report()
    for (let i = 0; i < 20; i += 1) expect((await agent.post(jws)).response.status).toBe(200)
    for (let i = 0; i < 9; i += 1) {
      const { body } = await agent.report({ records: [] as const, agent: '0' })
      expect(body.code).toBeUndefined()
    }
    expect((await agent.report()).body).toMatchObject({ code: 'RATE_LIMITED' })
  })

  it('is each key’s own', async () => {
    const cloud = await startTestCloud()
    const busy = await cloud.addAgent('busy', { reportsPerHour: 60, names: ['a.example.org'] })
    const calm = await cloud.addAgent('calm', { reportsPerHour: 60 })
    for (let i = 0; i < 12; i += 1) await busy.report()
    expect((await busy.report()).body).toMatchObject({ code: 'RATE_LIMITED' })
    expect((await calm.report()).response.status).toBe(200)
    await expectIntact(cloud)
  })
})

describe('whoami', () => {
  it('tells the client behind a trusted proxy its own address', async () => {
    const cloud = await startTestCloud({
      peerAddress: () => '::ffff:127.0.0.1',
      trustedProxies: [parseAddressRange('127.0.0.1')],
    })
    const headers = { 'x-forwarded-for': '10.9.9.9, 198.51.100.4:5123' }
    const response = await cloud.app.request('/v1/whoami', { headers })
    expect(await response.json()).toEqual({ address: '198.51.100.4' })
  })
})
