import { createVerify, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { CompactSign, importJWK } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  generateSigningKey,
  importSigningKey,
  importVerificationKey,
  parseReportJws,
  type SigningKey,
  signReport,
  verifyReportJws,
} from '../../../shared/jws.ts'
import { signJwtGrant } from '../../../shared/jwt-grant.ts'
import { fromHex } from './hex.ts'
import { sampleReport } from './sample-report.ts'

// RFC 8037 Appendix A.1 to A.3
const rfc8037 = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
}
const url = 'https://reprefix.example.org/v1/reports'
const header = { alg: 'Ed25519', typ: 'reprefix-report+jws', kid: '', url, iat: 1 }
const report = sampleReport()
let key: SigningKey

beforeAll(async () => {
  key = await importSigningKey(rfc8037)
  header.kid = key.kid
})

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A JWS with any header and payload text, truly signed: only the strict check can refuse it. */
async function forge(headerText: string, payload: string | Uint8Array = JSON.stringify(report)) {
  const body =
    typeof payload === 'string' ? encode(payload) : Buffer.from(payload).toString('base64url')
  const input = `${encode(headerText)}.${body}`
  const signature = await crypto.subtle.sign('Ed25519', key.privateKey, Buffer.from(input))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

describe('keys', () => {
  it('have the thumbprint of RFC 8037', async () => {
    const { d: _, ...jwk } = rfc8037
    expect((await importVerificationKey(jwk)).kid).toBe(
      'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    )
    expect(key.kid).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })

  it('sign like RFC 8032 §7.1 TEST 1', async () => {
    const signature = await crypto.subtle.sign('Ed25519', key.privateKey, new Uint8Array())
    expect(new Uint8Array(signature)).toEqual(
      fromHex(
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
      ),
    )
  })

  it('are generated afresh, and the private JWK is read back', async () => {
    const [a, b] = [await generateSigningKey(), await generateSigningKey()]
    expect(a.key.kid).not.toBe(b.key.kid)
    const again = await importSigningKey(JSON.parse(JSON.stringify(a.jwk)))
    const jws = parseReportJws(await signReport(report, again, { url, iat: 1 }))
    expect(await verifyReportJws(jws, a.key)).toEqual(report)
  })

  it.each<[string, unknown]>([
    ['a private key', rfc8037],
    ['another curve', { kty: 'OKP', crv: 'X25519', x: rfc8037.x }],
    ['an unknown member', { kty: 'OKP', crv: 'Ed25519', x: rfc8037.x, use: 'sig' }],
    [
      'a non-canonical x',
      { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp' },
    ],
    ['a padded x', { kty: 'OKP', crv: 'Ed25519', x: `${rfc8037.x}=` }],
    ['a short x', { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }],
    ['no object', 'x'],
    ['null', null],
    ['a symmetric key', { kty: 'oct', k: 'AAAA' }],
  ])('refuse %s', async (_, jwk) => {
    await expect(importVerificationKey(jwk)).rejects.toMatchObject({ code: 'KEY_INVALID' })
  })

  it.each([
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000080',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  ])('refuse the small-order or non-canonical point %s', async (hex) => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(fromHex(hex)).toString('base64url') }
    await expect(importVerificationKey(jwk)).rejects.toMatchObject({ code: 'KEY_INVALID' })
  })

  it('refuse a private JWK whose public part belongs to another key, without showing it', async () => {
    const other = (await generateSigningKey()).jwk
    const mixed = importSigningKey({ ...rfc8037, x: other.x })
    await expect(mixed).rejects.toMatchObject({ code: 'KEY_INVALID' })
    await expect(mixed).rejects.not.toThrow(rfc8037.d)
    await expect(importSigningKey({ ...rfc8037, d: 'AAAA' })).rejects.not.toThrow('AAAA')
  })
})

describe('a report', () => {
  it('survives the way there, with and without a nonce', async () => {
    for (const extra of [{}, { nonce: 'n-1' }]) {
      const text = await signReport(report, key, { url, iat: 1_767_225_600, ...extra })
      const jws = parseReportJws(text)
      expect(jws.header).toEqual({ ...header, iat: 1_767_225_600, ...extra })
      expect(await verifyReportJws(jws, key)).toEqual(report)
      expect(jws.text).toBe(text)
    }
  })

  it('is refused under another key', async () => {
    const { key: other } = await generateSigningKey()
    const jws = parseReportJws(await signReport(report, other, { url, iat: 1 }))
    await expect(verifyReportJws(jws, key)).rejects.toMatchObject({ code: 'JWS_SIGNATURE' })
    await expect(verifyReportJws(jws, { ...key, kid: other.kid })).rejects.toMatchObject({
      code: 'JWS_SIGNATURE',
    })
  })

  it('is refused with any single character changed', async () => {
    const text = await signReport(report, key, { url, iat: 1 })
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length - 1),
        fc.constantFrom('A', 'B', '-', '_', '.', '=', '\n', 'é'),
        async (at, character) => {
          fc.pre(text[at] !== character)
          const altered = text.slice(0, at) + character + text.slice(at + 1)
          await expect(
            (async () => verifyReportJws(parseReportJws(altered), key))(),
          ).rejects.toMatchObject({
            code: expect.stringMatching(/^(JWS_MALFORMED|JWS_SIGNATURE)$/),
          })
        },
      ),
    )
  })

  it.each<[string, (h: typeof header) => string]>([
    ['alg EdDSA', (h) => JSON.stringify({ ...h, alg: 'EdDSA' })],
    ['alg none', (h) => JSON.stringify({ ...h, alg: 'none' })],
    ['alg HS256', (h) => JSON.stringify({ ...h, alg: 'HS256' })],
    ['the type of an enrolment', (h) => JSON.stringify({ ...h, typ: 'reprefix-enroll+jws' })],
    ['no type', ({ typ: _, ...h }) => JSON.stringify(h)],
    ['crit and b64', (h) => JSON.stringify({ ...h, b64: false, crit: ['b64'] })],
    ['an embedded jwk', (h) => JSON.stringify({ ...h, jwk: { kty: 'OKP' } })],
    ['a jku', (h) => JSON.stringify({ ...h, jku: 'https://evil.example/' })],
    ['an x5c', (h) => JSON.stringify({ ...h, x5c: [] })],
    ['a kid that is no thumbprint', (h) => JSON.stringify({ ...h, kid: 'x' })],
    ['a kid of another spelling', (h) => JSON.stringify({ ...h, kid: `${h.kid.slice(0, -1)}l` })],
    ['a negative time', (h) => JSON.stringify({ ...h, iat: -1 })],
    ['a fractional time', (h) => JSON.stringify({ ...h, iat: 1.5 })],
    ['an empty nonce', (h) => JSON.stringify({ ...h, nonce: '' })],
    ['white space', (h) => JSON.stringify(h, null, 1)],
    ['a duplicate member', (h) => JSON.stringify(h).replace('{', '{"url":"https://evil.example",')],
    ['__proto__', (h) => JSON.stringify(h).replace('{', '{"__proto__":{},')],
    ['an escaped member', (h) => JSON.stringify(h).replace('"alg"', '"\\u0061lg"')],
    ['an array', () => '[]'],
    ['null', () => 'null'],
    ['deep nesting', () => '['.repeat(4000) + ']'.repeat(4000)],
    ['no JSON', () => '{'],
  ])('is refused with %s in its header, although the signature is right', async (_, render) => {
    const text = await forge(render(header))
    expect(() => parseReportJws(text)).toThrow(expect.objectContaining({ code: 'JWS_MALFORMED' }))
  })

  it('is refused in every other spelling of the same bytes', async () => {
    const text = await signReport(report, key, { url, iat: 1 })
    const standard = text.replaceAll('-', '+').replaceAll('_', '/')
    const last = text.at(-1) ?? ''
    const twin = 'AQgw'.includes(last) ? String.fromCharCode(last.charCodeAt(0) + 1) : 'B'
    for (const variant of [
      `${text}\n`,
      ` ${text}`,
      `${text}=`,
      `${text}==`,
      text.replace('.', '.\n'),
      text.slice(0, -1) + twin,
      text.slice(0, -1),
      text.slice(0, -8),
      `${text}.`,
      text.split('.').slice(0, 2).join('.'),
      ...(standard === text ? [] : [standard]),
      '',
      '..',
    ]) {
      expect(() => parseReportJws(variant)).toThrow(
        expect.objectContaining({ code: 'JWS_MALFORMED' }),
      )
    }
  })

  it('is refused when it is larger than 16 KiB', async () => {
    const text = await forge(JSON.stringify(header), 'x'.repeat(16_384))
    expect(() => parseReportJws(text)).toThrow(/longer than 16384/)
  })

  it.each<[string, string | Uint8Array]>([
    ['no JSON', 'x'],
    ['another object', '{}'],
    ['a duplicate member', JSON.stringify(sampleReport()).replace('{', '{"seq":1,')],
    ['white space', JSON.stringify(sampleReport(), null, 1)],
    ['bytes that are no UTF-8', Uint8Array.from([0x22, 0xff, 0x22])],
    ['a byte order mark', `\ufeff${JSON.stringify(sampleReport())}`],
  ])('is refused with %s as payload', async (_, payload) => {
    const jws = parseReportJws(await forge(JSON.stringify(header), payload))
    await expect(verifyReportJws(jws, key)).rejects.toMatchObject({ code: 'REPORT_INVALID' })
  })

  it('passes for text that another library signed', async () => {
    const text = await new CompactSign(Buffer.from(JSON.stringify(report)))
      .setProtectedHeader(header)
      .sign(await importJWK({ ...rfc8037, alg: 'Ed25519' }))
    expect(await verifyReportJws(parseReportJws(text), key)).toEqual(report)
  })

  it('answers any text with JWS_MALFORMED', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((s) => `${s}.${s}.${s}`),
        ),
        (text) => {
          expect(() => parseReportJws(text)).toThrow(
            expect.objectContaining({ code: 'JWS_MALFORMED' }),
          )
        },
      ),
    )
  })
})

describe('a JWT grant', () => {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })

  it('is signed with RS256, as another library sees it', async () => {
    const claims = { iss: 'me', aud: 'https://login.test/token', iat: 1, exp: 3601 }
    const [head = '', body = '', signature = ''] = (
      await signJwtGrant(claims, pair.privateKey)
    ).split('.')
    const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    expect(read(head)).toEqual({ alg: 'RS256', typ: 'JWT' })
    expect(read(body)).toEqual(claims)
    const verify = createVerify('RSA-SHA256').update(`${head}.${body}`)
    expect(verify.verify(pair.publicKey, Buffer.from(signature, 'base64url'))).toBe(true)
  })

  it.each([
    '',
    'hunter22',
    pair.publicKey,
    pair.privateKey.slice(0, 200),
    generateKeyPairSync('ed25519', {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    }).privateKey,
  ])('is not signed with anything else (%#)', async (pem) => {
    await expect(signJwtGrant({}, pem)).rejects.toMatchObject({
      code: 'KEY_INVALID',
      message: 'the private key is not an RSA key in PEM (PKCS #8)',
    })
  })
})
