import { encodeBase64, encodeBase64url } from '../../shared/base64.ts'
import { EMPTY_ROOT } from '../../shared/merkle.ts'
import { fromHex } from '../unit/shared/hex.ts'
import type { RotationVectors } from './shapes.ts'
import { keyOf, shownKey, signRaw, withUnusedBits } from './signing.ts'

type Rotation = RotationVectors['vectors'][number]

const ROTATE_URL = 'https://cloud.example.org/v1/rotate'

/** rotations.json */
export async function makeRotations(): Promise<RotationVectors> {
  const key = await keyOf('home')
  const successor = await keyOf('successor of home')
  const thief = await keyOf('office')
  const { crv, kty, x } = successor.jwk
  const jwk = { crv, kty, x }
  const outerHeader = JSON.stringify({
    alg: 'Ed25519',
    typ: 'reprefix-rotate+jws',
    kid: key.kid,
    url: ROTATE_URL,
    iat: 1_772_366_400,
  })
  const innerHeader = JSON.stringify({
    alg: 'Ed25519',
    typ: 'reprefix-successor+jws',
    jwk,
    url: ROTATE_URL,
  })
  const log = { size: 0, root: encodeBase64(EMPTY_ROOT) }
  const said = { v: 1, host: 'home', kid: key.kid, log }
  const payload = JSON.stringify(said)
  const inner = await signRaw(innerHeader, payload, successor)
  const right = await signRaw(outerHeader, inner, key)
  const vectors: Rotation[] = [{ name: 'ok/plain', jws: right, verdict: 'ok' }]
  const add = (name: string, verdict: Rotation['verdict'], jws: string) =>
    vectors.push({ name, jws, verdict })
  const outer = async (name: string, verdict: Rotation['verdict'], header: string, body = inner) =>
    add(name, verdict, await signRaw(header, body, key))
  const within = async (
    name: string,
    verdict: Rotation['verdict'],
    header: string,
    body = payload,
  ) => outer(name, verdict, outerHeader, await signRaw(header, body, successor))
  const says = (members: object) => JSON.stringify({ ...said, ...members })
  const withJwk = (value: unknown) => JSON.stringify({ ...JSON.parse(innerHeader), jwk: value })
  const bad = 'JWS_MALFORMED'

  await outer('ok/with-nonce', 'ok', outerHeader.replace('}', ',"nonce":"n"}'))
  await outer('outer/alg-none', bad, outerHeader.replace('"Ed25519"', '"none"'))
  await outer('outer/typ-of-a-report', bad, outerHeader.replace('rotate+', 'report+'))
  await outer('outer/jwk', bad, outerHeader.replace('{', `{"jwk":${JSON.stringify(jwk)},`))
  await outer('outer/no-kid', bad, outerHeader.replace(/"kid":"[^"]*",/, ''))
  await outer('outer/no-iat', bad, outerHeader.replace(/,"iat":\d+/, ''))
  await outer('outer/kid-of-another-key', bad, outerHeader.replace(key.kid, thief.kid))
  await outer('outer/url-of-another-cloud', bad, outerHeader.replace('cloud.', 'other.'))
  await outer('outer/payload-json', bad, outerHeader, payload)
  await outer('outer/payload-with-byte-order-mark', bad, outerHeader, `\uFEFF${inner}`)
  await outer('outer/payload-with-newline', bad, outerHeader, `${inner}\n`)
  add('outer/padding', bad, `${right}==`)
  add('outer/unused-bits', bad, withUnusedBits(right))
  add(
    'outer/signed-by-the-successor',
    'JWS_SIGNATURE',
    await signRaw(outerHeader, inner, successor),
  )
  add('outer/signed-by-a-thief', 'JWS_SIGNATURE', await signRaw(outerHeader, inner, thief))

  await within('inner/alg-HS256', bad, innerHeader.replace('Ed25519', 'HS256'))
  await within('inner/typ-of-a-rotation', bad, innerHeader.replace('successor+', 'rotate+'))
  await within('inner/kid', bad, innerHeader.replace('{', `{"kid":"${successor.kid}",`))
  await within('inner/iat', bad, innerHeader.replace(/}$/, ',"iat":1}'))
  await within('inner/white-space', bad, innerHeader.replace('{', '{ '))
  await within('inner/url-of-another-cloud', bad, innerHeader.replace('cloud.', 'other.'))
  await within('inner/jwk-private', 'KEY_INVALID', withJwk({ ...jwk, d: x }))
  await within('inner/jwk-null', 'KEY_INVALID', withJwk(null))
  await within(
    'inner/jwk-small-order',
    'KEY_INVALID',
    withJwk({ ...jwk, x: encodeBase64url(fromHex(`01${'00'.repeat(31)}`)) }),
  )
  await within('inner/jwk-of-another-key', 'JWS_SIGNATURE', withJwk(thief.jwk))
  await within('said/version-2', bad, innerHeader, says({ v: 2 }))
  await within('said/host-in-upper-case', bad, innerHeader, says({ host: 'Home' }))
  await within('said/kid-of-another-key', bad, innerHeader, says({ kid: thief.kid }))
  await within('said/no-log', bad, innerHeader, payload.replace(/,"log":{[^}]*}/, ''))
  await within('said/extra-member', bad, innerHeader, says({ seq: 1 }))
  await within('said/white-space', bad, innerHeader, `${payload} `)
  await within('said/member-twice', bad, innerHeader, payload.replace('{', '{"v":1,'))
  const forged = await signRaw(innerHeader, payload, thief)
  await outer('inner/signed-by-a-thief', 'JWS_SIGNATURE', outerHeader, forged)
  await outer(
    'inner/signed-by-the-present-key',
    'JWS_SIGNATURE',
    outerHeader,
    await signRaw(innerHeader, payload, key),
  )
  return { key: shownKey(key), successor: shownKey(successor), vectors }
}
