import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decodeBase64url, encodeBase64url } from '../../../shared/base64.ts'
import { parseJoin } from '../../../shared/join.ts'
import { deriveMacKey, generateSigningKey, type SigningKey } from '../../../shared/jws.ts'
import { parseName } from '../../../shared/rrset.ts'
import { CLOUD_URL, startTestCloud } from '../../fakes/test-cloud.ts'

type Cloud = Awaited<ReturnType<typeof startTestCloud>>
const JOSE = { 'content-type': 'application/jose' }
const encode = (text: string) => encodeBase64url(new TextEncoder().encode(text))
const decode = (text: string) => new TextDecoder().decode(decodeBase64url(text))

/** A JWS with exactly these header and payload texts, whose signature is right. */
async function signRaw(header: string, payload: string, key: SigningKey): Promise<string> {
  const input = `${encode(header)}.${encode(payload)}`
  const bytes = new TextEncoder().encode(input)
  const signature = await crypto.subtle.sign('Ed25519', key.privateKey, bytes)
  return `${input}.${encodeBase64url(new Uint8Array(signature))}`
}

async function expectRefused(cloud: Cloud, jws: string, code: string, path = '/v1/reports') {
  const before = await cloud.entries()
  const response = await cloud.post(path, jws)
  expect(await response.json()).toMatchObject({ code })
  expect(await cloud.entries()).toEqual(before)
  expect(cloud.dns.written()).toBe(0)
}

describe('a report with a right signature and another header', () => {
  const headers: readonly [string, (header: string) => string][] = [
    ['alg none', (h) => h.replace('"Ed25519"', '"none"')],
    ['alg HS256', (h) => h.replace('"Ed25519"', '"HS256"')],
    ['alg EdDSA', (h) => h.replace('"Ed25519"', '"EdDSA"')],
    ['alg in other case', (h) => h.replace('"Ed25519"', '"ed25519"')],
    ['typ of an enrolment', (h) => h.replace('report+jws', 'enroll+jws')],
    ['no typ', (h) => h.replace(/"typ":"[^"]*",/, '')],
    ['crit', (h) => h.replace('{', '{"crit":["exp"],')],
    ['b64', (h) => h.replace('{', '{"b64":false,')],
    ['jwk', (h) => h.replace('{', '{"jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"},')],
    ['jku', (h) => h.replace('{', '{"jku":"https://evil.example/keys",')],
    ['x5c', (h) => h.replace('{', '{"x5c":[],')],
    ['__proto__', (h) => h.replace('{', '{"__proto__":{"nonce":"x"},')],
    ['constructor', (h) => h.replace('{', '{"constructor":1,')],
    ['a member twice', (h) => h.replace('{', '{"alg":"none",')],
    ['white space', (h) => h.replace('{', '{ ')],
    ['an escape', (h) => h.replace('Ed25519', '\\u0045d25519')],
    ['a byte order mark', (h) => `\uFEFF${h}`],
    ['an array', (h) => `[${h}]`],
    ['deep nesting', () => `${'['.repeat(5000)}${']'.repeat(5000)}`],
  ]
  it.each(headers)('is malformed: %s', async (_, change) => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const [head = '', body = ''] = (await agent.sign(agent.reportOf())).split('.')
    const jws = await signRaw(change(decode(head)), decode(body), agent.key)
    await expectRefused(cloud, jws, 'JWS_MALFORMED')
  })

  const texts: readonly [string, (jws: string) => string][] = [
    ['padding', (jws) => `${jws}==`],
    ['the standard alphabet', (jws) => `${jws.slice(0, -10)}+${jws.slice(-9)}`],
    ['unused bits set', (jws) => jws.slice(0, -1) + (jws.endsWith('A') ? 'B' : otherBits(jws))],
    ['a newline', (jws) => `${jws}\n`],
    ['four parts', (jws) => `${jws}.AA`],
    ['no signature', (jws) => jws.replace(/\.[^.]*$/, '.')],
    ['JSON serialisation', (jws) => JSON.stringify({ payload: jws.split('.')[1] })],
    ['the empty text', () => ''],
  ]
  it.each(texts)('is malformed: %s', async (_, change) => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    await expectRefused(cloud, change(await agent.sign(agent.reportOf())), 'JWS_MALFORMED')
  })
})

/** The last character of 64 bytes carries 2 bits; any other of the same 2 bits is not canonical. */
function otherBits(jws: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(jws.slice(-1)) + 1] ?? 'B'
}

describe('a report with a right signature and another payload', () => {
  const payloads: readonly [string, (payload: string) => string][] = [
    ['an unknown member', (p) => p.replace('{', '{"extra":1,')],
    ['__proto__', (p) => p.replace('{', '{"__proto__":{"seq":1},')],
    ['a member twice', (p) => p.replace('{', '{"v":1,')],
    ['white space', (p) => `${p} `],
    ['upper case in a name', (p) => p.replace('www.', 'WWW.')],
    ['a trailing dot', (p) => p.replace('example.org"', 'example.org."')],
    ['an address that is not canonical', (p) => p.replace('2001:db8:1::1"', '2001:DB8:1::1"')],
    ['a zone identifier', (p) => p.replace('2001:db8:1::1"', 'fe80::1%eth0"')],
    ['a sequence that is no integer', (p) => p.replace(/"seq":\d+/, '"seq":1e300')],
    ['a negative sequence', (p) => p.replace(/"seq":\d+/, '"seq":-1')],
    ['version 2', (p) => p.replace('"v":1', '"v":2')],
    ['deep nesting', () => `${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['no JSON', () => 'x'],
  ]
  it.each(payloads)('is refused: %s', async (_, change) => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const [head = '', body = ''] = (await agent.sign(agent.reportOf())).split('.')
    const changed = change(decode(body))
    expect(changed).not.toBe(decode(body))
    await expectRefused(cloud, await signRaw(decode(head), changed, agent.key), 'REPORT_INVALID')
  })
})

describe('a nonce', () => {
  it('is good for two minutes, and never lets a sequence be used again', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const nonce = await cloud.deps.nonces.issue(agent.key.kid, cloud.clock.ms)
    const first = agent.reportOf()
    const header = { iat: 1000, nonce }
    expect((await agent.post(await agent.sign(first, header))).response.status).toBe(200)
    const other = { ...first, records: [] }
    const { body } = await agent.post(await agent.sign(other, header))
    expect(body).toMatchObject({ code: 'SEQUENCE_REUSED' })
    const { body: older } = await agent.post(
      await agent.sign({ ...first, seq: first.seq - 1 }, header),
    )
    expect(older).toMatchObject({ code: 'SEQUENCE_STALE' })
    cloud.clock.ms += 119_000
    expect((await agent.post(await agent.sign(agent.reportOf(), header))).response.status).toBe(200)
    cloud.clock.ms += 2_000
    const { body: late } = await agent.post(await agent.sign(agent.reportOf(), header))
    expect(late).toMatchObject({ code: 'USE_NONCE' })
  })
})

describe('an enrolment by hand', () => {
  /** An enrolment of `jwk`, whose token is right; signed by `key`, which may be another. */
  async function enrolment(
    cloud: Cloud,
    jwk: { crv: string; kty: string; x: string },
    key: SigningKey,
  ) {
    const join = parseJoin((await cloud.addHost('home')).join)
    const url = `${CLOUD_URL}/v1/enroll`
    const { crv, kty, x } = jwk
    const header = { alg: 'HS256', typ: 'reprefix-token+jws', kid: join.token, url }
    const input = `${encode(JSON.stringify(header))}.${encode(JSON.stringify({ crv, kty, x }))}`
    const hash = { name: 'HMAC', hash: 'SHA-256' }
    const mac = await crypto.subtle.importKey('raw', await deriveMacKey(join.secret), hash, false, [
      'sign',
    ])
    const bytes = await crypto.subtle.sign('HMAC', mac, new TextEncoder().encode(input))
    const inner = `${input}.${encodeBase64url(new Uint8Array(bytes))}`
    const outer = { alg: 'Ed25519', typ: 'reprefix-enroll+jws', jwk, url, iat: 1 }
    return signRaw(JSON.stringify(outer), inner, key)
  }

  it('is accepted when nothing is wrong with it', async () => {
    const cloud = await startTestCloud()
    const { key } = await generateSigningKey()
    const jws = await enrolment(cloud, key.jwk, key)
    expect((await cloud.post('/v1/enroll', jws)).status).toBe(200)
  })

  it('is refused with a private key, a small-order key or one that is not canonical', async () => {
    const { key, jwk } = await generateSigningKey()
    const identity = encodeBase64url(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)))
    const beyond = encodeBase64url(
      Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xee : i === 31 ? 0x7f : 0xff)),
    )
    for (const bad of [jwk, { ...key.jwk, x: identity }, { ...key.jwk, x: beyond }]) {
      const cloud = await startTestCloud()
      await expectRefused(cloud, await enrolment(cloud, bad, key), 'KEY_INVALID', '/v1/enroll')
      expect((await cloud.entries()).map(({ kind }) => kind)).toEqual(['genesis', 'policy'])
    }
  })

  it('is refused for a key that did not sign it, and with a changed token', async () => {
    const cloud = await startTestCloud()
    const [{ key }, { key: thief }] = [await generateSigningKey(), await generateSigningKey()]
    const stolen = await enrolment(cloud, key.jwk, thief)
    await expectRefused(cloud, stolen, 'JWS_SIGNATURE', '/v1/enroll')
    const [head = '', body = ''] = (await enrolment(await startTestCloud(), key.jwk, key)).split(
      '.',
    )
    const foreign = await signRaw(decode(head), decode(body), key)
    await expectRefused(cloud, foreign, 'TOKEN_INVALID', '/v1/enroll')
  })
})

describe('a name', () => {
  const home = parseName('a.home.example.org')
  const claim = (name: string) => ({
    records: [{ name: parseName(name), type: 'AAAA' as const, values: ['2001:db8:1::9'] }],
  })

  it('that two hosts may claim by overlapping wildcards belongs to the first', async () => {
    const cloud = await startTestCloud()
    const first = await cloud.addAgent('first', { names: ['*.home.example.org'] })
    const second = await cloud.addAgent('second', { names: ['*.example.org'] })
    expect((await first.report(claim(home))).response.status).toBe(200)
    for (const name of ['A.HOME.example.org', 'a.home.example.org.']) {
      const { body } = await second.report(claim(name))
      expect(body).toMatchObject({ status: 403, code: 'NAME_OWNED' })
    }
  })

  it.each(['_acme-challenge.home.example.org', '_acme-challenge.a.home.example.org'])(
    'like %s is covered by no wildcard',
    async (name) => {
      const cloud = await startTestCloud()
      const agent = await cloud.addAgent('home')
      const { body } = await agent.report(claim(name))
      expect(body).toMatchObject({ code: 'POLICY_NAME' })
      const exact = await cloud.addAgent('exact', { names: [name] })
      expect((await exact.report(claim(name))).response.status).toBe(200)
    },
  )

  it('at the apex of a zone must be in the policy by itself', async () => {
    const cloud = await startTestCloud()
    const wide = await cloud.addAgent('wide', { names: ['*.example.org'] })
    expect((await wide.report(claim('example.org'))).body).toMatchObject({ code: 'POLICY_NAME' })
    const exact = await cloud.addAgent('exact', { names: ['example.org'] })
    expect((await exact.report(claim('example.org'))).response.status).toBe(200)
  })
})

describe('the routes', () => {
  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('take no %s of a report', async (method) => {
    const cloud = await startTestCloud()
    for (const path of ['/v1/reports', '/v1/enroll']) {
      expect((await cloud.app.request(path, { method })).status).toBe(404)
    }
  })

  it('take no compressed body, even of a right report', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const body = gzipSync(await agent.sign(agent.reportOf()))
    const gzip = { ...JOSE, 'content-encoding': 'gzip' }
    const init = { method: 'POST', body, headers: gzip }
    expect((await cloud.app.request('/v1/reports', init)).status).toBe(415)
    const bare = { method: 'POST', body, headers: JOSE }
    expect((await cloud.app.request('/v1/reports', bare)).status).toBe(400)
  })

  it('ignore what a proxy header says about host and peer', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const forged = { host: 'evil.example', 'x-forwarded-host': 'evil.example' }
    const jws = await agent.sign(agent.reportOf(), { url: 'https://evil.example/v1/reports' })
    const response = await cloud.post('/v1/reports', jws, { ...JOSE, ...forged })
    expect(await response.json()).toMatchObject({ code: 'URL_MISMATCH' })
    const headers = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' }
    const peer = await cloud.app.request('/v1/whoami', { headers })
    expect(await peer.json()).toEqual({ address: '192.0.2.7' })
  })

  it.each([
    '{"__proto__":{"names":["x.example.org"]}}',
    '{"constructor":1}',
    '{"names":null}',
    '[]',
    '{}',
    'null',
    `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
    'x',
  ])('refuse a change of policy such as %.40s', async (body) => {
    const cloud = await startTestCloud()
    await cloud.addHost('home')
    const init = { method: 'PATCH', headers: cloud.adminHeaders, body }
    const response = await cloud.app.request('/v1/admin/hosts/home', init)
    expect(await response.json()).toMatchObject({ status: 400, code: 'REQUEST_INVALID' })
    expect(await cloud.entries()).toHaveLength(2)
  })
})
