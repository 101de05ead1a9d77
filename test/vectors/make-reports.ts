import { decodeBase64url, encodeBase64url } from '../../shared/base64.ts'
import { digestOf } from '../../shared/jws.ts'
import { MAX_REPORT_BYTES } from '../../shared/report.ts'
import { GOOD_PAYLOADS, PAYLOAD, REFUSED_PAYLOADS } from './report-payloads.ts'
import type { ReportVectors } from './shapes.ts'
import { keyOf, shownKey, signRaw, utf8, withUnusedBits } from './signing.ts'

type Vector = ReportVectors['vectors'][number]

const URL = 'https://cloud.example.org/v1/reports'
const IAT = 1_772_366_400
const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

/** Other headers, each signed rightly. All are malformed. */
const HEADERS: readonly (readonly [string, (header: string) => string])[] = [
  ['alg/none', (h) => h.replace('"Ed25519"', '"none"')],
  ['alg/HS256', (h) => h.replace('"Ed25519"', '"HS256"')],
  ['alg/EdDSA', (h) => h.replace('"Ed25519"', '"EdDSA"')],
  ['alg/other-case', (h) => h.replace('"Ed25519"', '"ed25519"')],
  ['alg/missing', (h) => h.replace('"alg":"Ed25519",', '')],
  ['typ/enrolment', (h) => h.replace('report+jws', 'enroll+jws')],
  ['typ/JWT', (h) => h.replace('reprefix-report+jws', 'JWT')],
  ['typ/missing', (h) => h.replace(/"typ":"[^"]*",/, '')],
  ['kid/not-a-thumbprint', (h) => h.replace(/"kid":"[^"]*"/, '"kid":"home"')],
  ['kid/padding', (h) => h.replace(/("kid":"[^"]*)"/, '$1="')],
  [
    'kid/unused-bits',
    (h) => h.replace(/"kid":"([^"]*)"/, (_, k) => `"kid":"${withUnusedBits(k)}"`),
  ],
  ['kid/missing', (h) => h.replace(/"kid":"[^"]*",/, '')],
  ['url/missing', (h) => h.replace(/"url":"[^"]*",/, '')],
  ['url/empty', (h) => h.replace(/"url":"[^"]*"/, '"url":""')],
  ['url/2049-characters', (h) => h.replace(URL, URL.padEnd(2049, 'x'))],
  ['iat/missing', (h) => h.replace(/,"iat":\d+/, '')],
  ['iat/text', (h) => h.replace(/"iat":(\d+)/, '"iat":"$1"')],
  ['iat/negative', (h) => h.replace(/"iat":\d+/, '"iat":-1')],
  ['iat/minus-zero', (h) => h.replace(/"iat":\d+/, '"iat":-0')],
  ['iat/fraction', (h) => h.replace(/"iat":\d+/, '"iat":1.5')],
  ['iat/2^53', (h) => h.replace(/"iat":\d+/, '"iat":9007199254740992')],
  ['iat/exponent', (h) => h.replace(/"iat":\d+/, '"iat":1e9')],
  ['nonce/empty', (h) => h.replace('}', ',"nonce":""}')],
  ['nonce/257-characters', (h) => h.replace('}', `,"nonce":"${'n'.repeat(257)}"}`)],
  ['nonce/null', (h) => h.replace('}', ',"nonce":null}')],
  ['member/crit', (h) => h.replace('{', '{"crit":["exp"],')],
  ['member/b64', (h) => h.replace('{', '{"b64":false,')],
  ['member/b64-with-crit', (h) => h.replace('{', '{"b64":false,"crit":["b64"],')],
  ['member/jwk', (h) => h.replace('{', '{"jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"},')],
  ['member/jku', (h) => h.replace('{', '{"jku":"https://evil.example/keys",')],
  ['member/x5c', (h) => h.replace('{', '{"x5c":[],')],
  ['member/x5u', (h) => h.replace('{', '{"x5u":"https://evil.example/cert",')],
  ['member/cty', (h) => h.replace('{', '{"cty":"json",')],
  ['member/zip', (h) => h.replace('{', '{"zip":"DEF",')],
  ['member/__proto__', (h) => h.replace('{', '{"__proto__":{"nonce":"x"},')],
  ['member/twice', (h) => h.replace('{', '{"alg":"none",')],
  ['member/twice-alike', (h) => h.replace('{', '{"alg":"Ed25519",')],
  ['json/white-space', (h) => h.replace('{', '{ ')],
  ['json/newline-at-the-end', (h) => `${h}\n`],
  ['json/escaped-letter', (h) => h.replace('Ed25519', '\\u0045d25519')],
  ['json/escaped-slash', (h) => h.replace('https://', 'https:\\/\\/')],
  ['json/byte-order-mark', (h) => `\uFEFF${h}`],
  ['json/list', (h) => `[${h}]`],
  ['json/null', () => 'null'],
  ['json/cut-off', (h) => h.slice(0, -1)],
  ['json/deep', () => `${'['.repeat(5000)}${']'.repeat(5000)}`],
]

/** Other texts of a right JWS. All are malformed. */
const TEXTS: readonly (readonly [string, (jws: string) => string])[] = [
  ['empty', () => ''],
  ['padding', (jws) => `${jws}==`],
  ['padding-of-the-header', (jws) => jws.replace('.', '=.')],
  ['standard-alphabet', (jws) => `${jws.slice(0, -10)}+${jws.slice(-9)}`],
  ['unused-bits', withUnusedBits],
  ['newline-at-the-end', (jws) => `${jws}\n`],
  ['white-space-before', (jws) => ` ${jws}`],
  ['newline-inside', (jws) => `${jws.slice(0, 50)}\n${jws.slice(50)}`],
  ['two-parts', (jws) => jws.replace(/\.[^.]*$/, '')],
  ['four-parts', (jws) => `${jws}.AA`],
  ['no-signature', (jws) => jws.replace(/\.[^.]*$/, '.')],
  ['no-payload', (jws) => jws.replace(/\.[^.]*\./, '..')],
  ['signature-of-63-bytes', (jws) => withSignature(jws, signatureOf(jws).slice(0, 63))],
  ['signature-of-65-bytes', (jws) => withSignature(jws, [...signatureOf(jws), 0])],
  ['json-serialisation', (jws) => JSON.stringify({ payload: jws.split('.')[1] })],
  ['other-letters', (jws) => jws.replace('e', '\u0435')],
]

/** Signatures of the right length that are not by the key over the text. */
const SIGNATURES: readonly (readonly [string, (jws: string) => string])[] = [
  [
    'one-bit',
    (jws) => withSignature(jws, signatureOf(jws).with(0, (signatureOf(jws)[0] ?? 0) ^ 1)),
  ],
  ['zeros', (jws) => withSignature(jws, new Uint8Array(64))],
  // RFC 8032 §5.1.7: S must be below the order of the group, or one signature gives many.
  ['s-plus-order', (jws) => withSignature(jws, malleate(signatureOf(jws)))],
  ['payload-of-another', (jws) => jws.replace(/\.[^.]*\./, `.${encodeBase64url(utf8('{}'))}.`)],
]

/** reports.json */
export async function makeReports(): Promise<ReportVectors> {
  const key = await keyOf('home')
  const other = await keyOf('office')
  const header = headerOf(key.kid)
  const vectors: Vector[] = []
  const add = async (name: string, verdict: Vector['verdict'], head: string, payload: string) => {
    const jws = await signRaw(head, payload, key)
    const digest = verdict === 'ok' ? { digest: await digestOf(jws) } : {}
    vectors.push({ name, header: head, payload, jws, ...digest, verdict })
  }
  await add('ok/plain', 'ok', header, PAYLOAD)
  await add('ok/with-nonce', 'ok', header.replace('}', ',"nonce":"1772366400.x"}'), PAYLOAD)
  await add('ok/header-in-another-order', 'ok', reversed(header), PAYLOAD)
  await add('ok/payload-in-another-order', 'ok', header, reversed(PAYLOAD))
  for (const [name, payload] of GOOD_PAYLOADS) await add(`ok/${name}`, 'ok', header, payload)
  const [head, body] = ofLargestSize(header)
  await add('ok/largest', 'ok', head, body)
  await add('text/too-large', 'JWS_MALFORMED', head, body.replace('"0.1.0"', '"0.1.00"'))

  for (const [name, change] of HEADERS) {
    await add(`header/${name}`, 'JWS_MALFORMED', change(header), PAYLOAD)
  }
  const right = await signRaw(header, PAYLOAD, key)
  const rawHeader = Uint8Array.from([...utf8(header.slice(0, -2)), 0xff, ...utf8('"}')])
  vectors.push({
    name: 'header/json/not-utf-8',
    jws: await signRaw(rawHeader, PAYLOAD, key),
    verdict: 'JWS_MALFORMED',
  })
  for (const [name, change] of TEXTS) {
    vectors.push({ name: `text/${name}`, jws: change(right), verdict: 'JWS_MALFORMED' })
  }
  for (const [name, change] of SIGNATURES) {
    vectors.push({ name: `signature/${name}`, jws: change(right), verdict: 'JWS_SIGNATURE' })
  }
  vectors.push(
    {
      name: 'signature/by-another-key',
      jws: await signRaw(header, PAYLOAD, other),
      verdict: 'JWS_SIGNATURE',
    },
    {
      name: 'signature/of-another-kid',
      jws: await signRaw(headerOf(other.kid), PAYLOAD, key),
      verdict: 'JWS_SIGNATURE',
    },
    {
      name: 'order/form-before-signature',
      jws: await signRaw(header.replace('"Ed25519"', '"none"'), PAYLOAD, other),
      verdict: 'JWS_MALFORMED',
    },
    {
      name: 'order/signature-before-report',
      jws: await signRaw(header, '{}', other),
      verdict: 'JWS_SIGNATURE',
    },
  )
  const notUtf8 = Uint8Array.from([...utf8(PAYLOAD.slice(0, -2)), 0xff, ...utf8('"}')])
  vectors.push({
    name: 'payload/json/not-utf-8',
    jws: await signRaw(header, notUtf8, key),
    verdict: 'REPORT_INVALID',
  })
  for (const [name, payload] of REFUSED_PAYLOADS) {
    if (payload === PAYLOAD) throw new Error(`the payload ${name} is not changed`)
    await add(`payload/${name}`, 'REPORT_INVALID', header, payload)
  }
  return { key: shownKey(key), vectors }
}

function headerOf(kid: string): string {
  return JSON.stringify({ alg: 'Ed25519', typ: 'reprefix-report+jws', kid, url: URL, iat: IAT })
}

function reversed(text: string): string {
  return JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).reverse()))
}

/** Header and payload of a JWS that has exactly the largest size. */
function ofLargestSize(header: string): [string, string] {
  const step = (length: number) =>
    `{"step":"address","target":"${'t'.repeat(length)}","outcome":"done","ms":1}`
  const sizeOf = (head: string, body: string) =>
    Math.ceil((head.length * 4) / 3) + Math.ceil((body.length * 4) / 3) + 88
  const whole = (steps: readonly string[]) => PAYLOAD.replace('"steps":[]', `"steps":[${steps}]`)
  const full = step(255)
  const steps: string[] = []
  while (sizeOf(header, whole([...steps, full, full])) < MAX_REPORT_BYTES) steps.push(full)
  // Base64url never has 4k + 1 letters, so the payload alone does not reach every size.
  for (const nonce of ['n', 'nn', 'nnn']) {
    const head = header.replace('}', `,"nonce":"${nonce}"}`)
    for (let length = 0; length < 510; length++) {
      const body = whole([...steps, step(Math.min(length, 255)), step(Math.max(0, length - 255))])
      if (sizeOf(head, body) === MAX_REPORT_BYTES) return [head, body]
    }
  }
  throw new Error('no report has exactly the largest size')
}

function signatureOf(jws: string): Uint8Array {
  return decodeBase64url(jws.split('.')[2] ?? '')
}

function withSignature(jws: string, signature: Iterable<number>): string {
  return jws.replace(/[^.]*$/, encodeBase64url(Uint8Array.from(signature)))
}

function malleate(signature: Uint8Array): Uint8Array {
  const s = signature.slice(32).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const other = Uint8Array.from({ length: 32 }, (_, i) =>
    Number(((s + GROUP_ORDER) >> BigInt(8 * i)) & 0xffn),
  )
  return Uint8Array.from([...signature.slice(0, 32), ...other])
}
