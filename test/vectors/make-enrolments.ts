import { encodeBase64url } from '../../shared/base64.ts'
import { renderJoin } from '../../shared/join.ts'
import { deriveMacKey } from '../../shared/jws.ts'
import { fromHex, toHex } from '../unit/shared/hex.ts'
import type { EnrolmentVectors } from './shapes.ts'
import {
  keyOf,
  macRaw,
  noteSignerOf,
  seedOf,
  shownKey,
  signRaw,
  utf8,
  withUnusedBits,
} from './signing.ts'

type Enrolment = EnrolmentVectors['enrolments'][number]
type Join = EnrolmentVectors['joins'][number]

const CLOUD = 'https://cloud.example.org'
const ENROL_URL = `${CLOUD}/v1/enroll`
const TOKEN = 'token-of-home'

/** enrolments.json */
export async function makeEnrolments(): Promise<EnrolmentVectors> {
  const secret = (await seedOf('secret of home')).slice(0, 16)
  const macKey = await deriveMacKey(secret)
  const macKeys = []
  for (const length of [16, 32]) {
    const bytes = (await seedOf('secret of home')).slice(0, length)
    macKeys.push({ secretHex: toHex(bytes), macKeyHex: toHex(await deriveMacKey(bytes)) })
  }
  return {
    joins: await makeJoins(secret),
    macKeys,
    key: shownKey(await keyOf('home')),
    macKeyHex: toHex(macKey),
    enrolments: await makeSigned(macKey),
  }
}

async function makeJoins(secret: Uint8Array): Promise<Join[]> {
  const { vkey } = (await noteSignerOf('cloud.example.org')).signer
  const secretHex = toHex(secret)
  const members = [CLOUD, vkey, TOKEN, encodeBase64url(secret)]
  const right = renderJoin({ url: CLOUD, vkey, token: TOKEN, secret })
  const read = { url: CLOUD, vkey, token: TOKEN, secretHex }
  const spelled = (text: string) => `rpj1-${encodeBase64url(utf8(text))}`
  const of = (at: number, value: unknown) =>
    spelled(JSON.stringify(members.with(at, value as string)))
  const bad: readonly (readonly [string, string])[] = [
    ['empty', ''],
    ['no-mark', right.slice(5)],
    ['other-version', right.replace('rpj1-', 'rpj2-')],
    ['cut-off', right.slice(0, -8)],
    ['padding', `${right}=`],
    ['unused-bits', withUnusedBits(spelled(`${JSON.stringify(members)} `))],
    ['not-json', spelled('x')],
    ['three-members', spelled(JSON.stringify(members.slice(0, 3)))],
    ['five-members', spelled(JSON.stringify([...members, 'x']))],
    ['object', spelled(JSON.stringify({ url: CLOUD }))],
    ['url/no-url', of(0, 'cloud.example.org')],
    ['url/ftp', of(0, 'ftp://cloud.example.org')],
    ['url/credentials', of(0, 'https://me:pw@cloud.example.org')],
    ['url/query', of(0, `${CLOUD}?x=1`)],
    ['url/fragment', of(0, `${CLOUD}#x`)],
    ['url/2001-characters', of(0, `${CLOUD}/`.padEnd(2001, 'x'))],
    ['vkey/no-key', of(1, 'cloud.example.org')],
    ['vkey/upper-case-id', of(1, vkey.replace(/\+[0-9a-f]{8}\+/, '+ABCDEF01+'))],
    ['token/empty', of(2, '')],
    ['token/65-characters', of(2, 't'.repeat(65))],
    ['token/dot', of(2, 'a.b')],
    ['secret/15-bytes', of(3, encodeBase64url(secret.slice(1)))],
    ['secret/unused-bits', of(3, withUnusedBits(encodeBase64url(secret)))],
    ['secret/number', of(3, 5)],
  ]
  return [
    { name: 'ok/plain', join: right, verdict: 'ok', ...read },
    { name: 'ok/white-space-around', join: ` ${right}\n`, verdict: 'ok', ...read },
    { name: 'ok/trailing-slash', join: of(0, `${CLOUD}/`), verdict: 'ok', ...read },
    {
      name: 'ok/path-and-port',
      join: of(0, 'http://[2001:db8::1]:8053/dns/'),
      verdict: 'ok',
      ...read,
      url: 'http://[2001:db8::1]:8053/dns',
    },
    ...bad.map(([name, join]) => ({ name, join, verdict: 'JOIN_INVALID' as const })),
  ]
}

async function makeSigned(macKey: Uint8Array): Promise<Enrolment[]> {
  const key = await keyOf('home')
  const thief = await keyOf('office')
  const { crv, kty, x } = key.jwk
  const members = { crv, kty, x }
  const bound = JSON.stringify(members)
  const innerHeader = JSON.stringify({
    alg: 'HS256',
    typ: 'reprefix-token+jws',
    kid: TOKEN,
    url: ENROL_URL,
  })
  const outerHeader = JSON.stringify({
    alg: 'Ed25519',
    typ: 'reprefix-enroll+jws',
    jwk: members,
    url: ENROL_URL,
    iat: 1_772_366_400,
  })
  const inner = await macRaw(innerHeader, bound, macKey)
  const right = await signRaw(outerHeader, inner, key)
  const list: Enrolment[] = [{ name: 'ok/plain', jws: right, verdict: 'ok' }]
  const add = (name: string, verdict: Enrolment['verdict'], jws: string) =>
    list.push({ name, jws, verdict })
  const outer = async (name: string, verdict: Enrolment['verdict'], header: string, body = inner) =>
    add(name, verdict, await signRaw(header, body, key))
  const within = async (
    name: string,
    verdict: Enrolment['verdict'],
    header: string,
    body = bound,
  ) => outer(name, verdict, outerHeader, await macRaw(header, body, macKey))
  const withJwk = (jwk: unknown) => JSON.stringify({ ...JSON.parse(outerHeader), jwk })

  await outer('ok/jwk-in-another-order', 'ok', withJwk({ kty, crv, x }))
  await outer('outer/alg-none', 'JWS_MALFORMED', outerHeader.replace('"Ed25519"', '"none"'))
  await outer('outer/typ-of-a-report', 'JWS_MALFORMED', outerHeader.replace('enroll', 'report'))
  await outer('outer/kid', 'JWS_MALFORMED', outerHeader.replace('{', `{"kid":"${key.kid}",`))
  await outer('outer/nonce', 'JWS_MALFORMED', outerHeader.replace(/}$/, ',"nonce":"n"}'))
  await outer('outer/no-jwk', 'JWS_MALFORMED', outerHeader.replace(/"jwk":{[^}]*},/, ''))
  await outer('outer/crit', 'JWS_MALFORMED', outerHeader.replace('{', '{"crit":[],'))
  await outer('outer/jwk-twice', 'JWS_MALFORMED', outerHeader.replace('{', `{"jwk":${bound},`))
  await outer('outer/jwk-null', 'KEY_INVALID', withJwk(null))
  await outer('outer/jwk-private', 'KEY_INVALID', withJwk({ ...members, d: x }))
  await outer('outer/jwk-extra-member', 'KEY_INVALID', withJwk({ ...members, kid: 'home' }))
  await outer(
    'outer/jwk-small-order',
    'KEY_INVALID',
    withJwk({ ...members, x: encodeBase64url(fromHex(`01${'00'.repeat(31)}`)) }),
  )
  await outer('outer/jwk-of-another-key', 'JWS_MALFORMED', withJwk(thief.jwk))
  await outer(
    'outer/url-of-another-cloud',
    'JWS_MALFORMED',
    outerHeader.replace('cloud.', 'other.'),
  )
  await outer('outer/payload-json', 'JWS_MALFORMED', outerHeader, bound)
  await outer('outer/payload-with-byte-order-mark', 'JWS_MALFORMED', outerHeader, `\uFEFF${inner}`)
  await outer('outer/payload-with-newline', 'JWS_MALFORMED', outerHeader, `${inner}\n`)
  add('outer/padding', 'JWS_MALFORMED', `${right}==`)
  add('outer/unused-bits', 'JWS_MALFORMED', withUnusedBits(right))
  add('outer/signed-by-another-key', 'JWS_SIGNATURE', await signRaw(outerHeader, inner, thief))

  await within('inner/alg-none', 'JWS_MALFORMED', innerHeader.replace('"HS256"', '"none"'))
  await within('inner/alg-HS512', 'JWS_MALFORMED', innerHeader.replace('HS256', 'HS512'))
  await within('inner/typ-of-a-report', 'JWS_MALFORMED', innerHeader.replace('token+', 'report+'))
  await within('inner/no-kid', 'JWS_MALFORMED', innerHeader.replace(`"kid":"${TOKEN}",`, ''))
  await within('inner/kid-with-dot', 'JWS_MALFORMED', innerHeader.replace(TOKEN, 'a.b'))
  await within('inner/iat', 'JWS_MALFORMED', innerHeader.replace('}', ',"iat":1}'))
  await within(
    'inner/url-of-another-cloud',
    'JWS_MALFORMED',
    innerHeader.replace('cloud.', 'other.'),
  )
  await within('inner/white-space', 'JWS_MALFORMED', innerHeader.replace('{', '{ '))
  await within('inner/key-in-another-order', 'JWS_MALFORMED', innerHeader, JSON.stringify(key.jwk))
  await within('inner/key-of-another', 'JWS_MALFORMED', innerHeader, JSON.stringify(thief.jwk))
  await within('inner/key-with-byte-order-mark', 'JWS_MALFORMED', innerHeader, `\uFEFF${bound}`)
  await within('inner/key-with-newline', 'JWS_MALFORMED', innerHeader, `${bound}\n`)
  const wrong = await macRaw(innerHeader, bound, await deriveMacKey(await seedOf('another secret')))
  await outer('inner/wrong-secret', 'JWS_SIGNATURE', outerHeader, wrong)
  const bare = await macRaw(innerHeader, bound, (await seedOf('secret of home')).slice(0, 16))
  await outer('inner/secret-not-derived', 'JWS_SIGNATURE', outerHeader, bare)
  return list
}
