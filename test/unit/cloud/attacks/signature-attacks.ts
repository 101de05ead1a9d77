import { type Answered, type Attack, resignedWith } from './attack.ts'

/** R the identity and S zero: valid for anything under a key of small order, and under no other. */
const FORGED = `AQ${'A'.repeat(84)}`
const DEEP = `${'['.repeat(5000)}${']'.repeat(5000)}`

type Change = (text: string) => string
const headers: Readonly<Record<string, Change>> = {
  'algorithm/none': (h) => h.replace('"Ed25519"', '"none"'),
  'algorithm/HS256': (h) => h.replace('"Ed25519"', '"HS256"'),
  'algorithm/EdDSA': (h) => h.replace('"Ed25519"', '"EdDSA"'),
  'algorithm/other-case': (h) => h.replace('"Ed25519"', '"ed25519"'),
  'algorithm/missing': (h) => h.replace('"alg":"Ed25519",', ''),
  'type/of-an-enrolment': (h) => h.replace('report+jws', 'enroll+jws'),
  'type/of-a-rotation': (h) => h.replace('report+jws', 'rotate+jws'),
  'type/of-a-successor': (h) => h.replace('report+jws', 'successor+jws'),
  'type/plain-jwt': (h) => h.replace('reprefix-report+jws', 'JWT'),
  'type/missing': (h) => h.replace(/"typ":"[^"]*",/, ''),
  'header/crit': (h) => h.replace('{', '{"crit":["exp"],'),
  'header/b64-false': (h) => h.replace('{', '{"b64":false,'),
  'header/b64-false-and-critical': (h) => h.replace('{', '{"b64":false,"crit":["b64"],'),
  'header/embedded-jwk': (h) => h.replace('{', '{"jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"},'),
  'header/jku': (h) => h.replace('{', '{"jku":"https://evil.example/keys",'),
  'header/x5c': (h) => h.replace('{', '{"x5c":[],'),
  'header/x5u': (h) => h.replace('{', '{"x5u":"https://evil.example/chain",'),
  'header/zip': (h) => h.replace('{', '{"zip":"DEF",'),
  'header/__proto__': (h) => h.replace('{', '{"__proto__":{"nonce":"x"},'),
  'header/constructor': (h) => h.replace('{', '{"constructor":1,'),
  'header/member-twice': (h) => h.replace('{', '{"alg":"none",'),
  'header/member-twice-escaped': (h) => h.replace('{', '{"\\u0061lg":"none",'),
  'header/white-space': (h) => h.replace('{', '{ '),
  'header/escape': (h) => h.replace('Ed25519', '\\u0045d25519'),
  'header/byte-order-mark': (h) => `\uFEFF${h}`,
  'header/array': (h) => `[${h}]`,
  'header/null': () => 'null',
  'header/deep-json': () => DEEP,
}

const texts: Readonly<Record<string, Change>> = {
  'base64url/padding': (jws) => `${jws}==`,
  'base64url/standard-alphabet': (jws) => `${jws.slice(0, -10)}+${jws.slice(-9)}`,
  'base64url/unused-bits': (jws) => jws.slice(0, -1) + otherSpelling(jws.slice(-1)),
  'base64url/unused-bits-of-the-header': withUnusedBits(0),
  'base64url/unused-bits-of-the-payload': withUnusedBits(1),
  'base64url/newline': (jws) => `${jws}\n`,
  'form/four-parts': (jws) => `${jws}.AA`,
  'form/no-signature': (jws) => jws.replace(/\.[^.]*$/, '.'),
  'form/two-parts': (jws) => jws.replace(/\.[^.]*$/, ''),
  'form/cut-off': (jws) => jws.slice(0, -5),
  'form/json-serialisation': (jws) => JSON.stringify({ payload: jws.split('.')[1] }),
  'form/empty': () => '',
}

const payloads: Readonly<Record<string, Change>> = {
  'payload/unknown-member': (p) => p.replace('{', '{"extra":1,'),
  'payload/__proto__': (p) => p.replace('{', '{"__proto__":{"seq":1},'),
  'payload/nested-__proto__': (p) => p.replace('"prefix":{', '"prefix":{"__proto__":{},'),
  'payload/constructor': (p) => p.replace('{', '{"constructor":{"prototype":{}},'),
  'payload/member-twice': (p) => p.replace('{', '{"v":1,'),
  'payload/white-space': (p) => `${p} `,
  'payload/no-integer-sequence': (p) => p.replace(/"seq":\d+/, '"seq":1e300'),
  'payload/negative-sequence': (p) => p.replace(/"seq":\d+/, '"seq":-1'),
  'payload/version-2': (p) => p.replace('"v":1', '"v":2'),
  'payload/zone-identifier': (p) => p.replace('2001:db8:1::1"', 'fe80::1%eth0"'),
  'payload/other-spelling-of-an-address': (p) => p.replace('2001:db8:1::1"', '2001:DB8:1::1"'),
  'payload/deep-json': () => DEEP,
  'payload/no-json': () => 'x',
}

function attacksOf(changes: Readonly<Record<string, Change>>, part: 'header' | 'payload' | 'text') {
  const code = part === 'payload' ? 'REPORT_INVALID' : 'JWS_MALFORMED'
  return Object.entries(changes).map(
    ([name, change]): Attack => ({
      name,
      code,
      prepare: async ({ home }) => {
        const jws = await home.sign(home.reportOf())
        if (part === 'text') return { body: change(jws) }
        return { body: await resignedWith(jws, home.key, { [part]: change }) }
      },
    }),
  )
}

/** Attacks on the form of what is signed, and on the signature. */
export const SIGNATURE_ATTACKS: readonly Answered[] = [
  {
    row: 'another algorithm or type, `none`, `crit`, `b64`, an embedded key, duplicate members, other base64url',
    attacks: [
      ...attacksOf(headers, 'header'),
      ...attacksOf(texts, 'text'),
      ...attacksOf(payloads, 'payload'),
      {
        name: 'type/enrolment-posted-as-a-report',
        code: 'JWS_MALFORMED',
        prepare: async ({ cloud }) => {
          const { join } = await cloud.addHost('office')
          return { body: (await cloud.enrol(join)).jws }
        },
      },
      {
        name: 'type/report-posted-as-an-enrolment',
        code: 'JWS_MALFORMED',
        prepare: async ({ home }) => ({
          path: '/v1/enroll',
          body: await home.sign(home.reportOf()),
        }),
      },
      {
        name: 'type/report-posted-as-a-rotation',
        code: 'JWS_MALFORMED',
        prepare: async ({ home }) => ({
          path: '/v1/rotate',
          body: await home.sign(home.reportOf()),
        }),
      },
    ],
  },
  {
    row: 'a signature by another key, or of another report',
    attacks: [
      {
        name: 'signature/of-another-report',
        code: 'JWS_SIGNATURE',
        prepare: async ({ home }) => {
          const [head, body] = (await home.sign(home.reportOf())).split('.')
          const other = (await home.sign(home.reportOf())).split('.')[2]
          return { body: `${head}.${body}.${other}` }
        },
      },
      {
        name: 'signature/by-another-key',
        code: 'JWS_SIGNATURE',
        prepare: async ({ home, thief }) => ({
          body: await resignedWith(await home.sign(home.reportOf()), thief.key, {
            payload: (p) => p.replace('::1"', '::bad"'),
          }),
        }),
      },
      {
        name: 'signature/small-order-forgery',
        code: 'JWS_SIGNATURE',
        prepare: async ({ home }) => ({
          body: (await home.sign(home.reportOf())).replace(/[^.]*$/, FORGED),
        }),
      },
      {
        name: 'signature/for-another-host',
        code: 'HOST_MISMATCH',
        prepare: async ({ home, thief }) => ({
          body: await thief.sign(home.reportOf({ seq: thief.reportOf().seq })),
        }),
      },
    ],
  },
]

/** A character of the same leading bits, the last of which is unused and set. */
function otherSpelling(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(character) | 1] ?? 'B'
}

/** The last character of a part spelled otherwise; the part is made to have unused bits first. */
function withUnusedBits(position: number): Change {
  return (jws) => {
    const parts = jws.split('.')
    const part = parts[position] ?? ''
    // Without its last character a part of whole groups ends in one with unused bits.
    const open = part.length % 4 === 0 ? part.slice(0, -1) : part
    parts[position] = open.slice(0, -1) + otherSpelling(open.slice(-1))
    return parts.join('.')
  }
}
