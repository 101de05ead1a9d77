import { encodeBase64, encodeBase64url } from '../../shared/base64.ts'
import { signEd25519 } from '../../shared/ed25519.ts'
import { fromHex, toHex } from '../unit/shared/hex.ts'
import type { KeyVectors } from './shapes.ts'
import { keyOf, keyOfSeed, littleEndianHex, shownKey, withUnusedBits } from './signing.ts'

const FIELD_PRIME = 2n ** 255n - 19n
const ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n
const SIGN_BIT = 2n ** 255n

/** RFC 8032 §7.1: seed, message, public key, signature. */
const RFC_8032: readonly (readonly [string, string, string, string, string])[] = [
  [
    'RFC 8032 §7.1 TEST 1',
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    '',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    'RFC 8032 §7.1 TEST 2',
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '72',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'RFC 8032 §7.1 TEST 3',
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'af82',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
]

/** keys.json: good keys and their thumbprints, refused keys, signatures. */
export async function makeKeys(): Promise<KeyVectors> {
  const good = []
  for (const name of ['home', 'office']) good.push({ name, ...shownKey(await keyOf(name)) })
  const [, seed = '', , publicHex = ''] = RFC_8032[0] ?? []
  const bytes = fromHex(publicHex)
  good.push({ name: 'RFC 8037 appendix A', ...shownKey(await keyOfSeed(fromHex(seed))) })
  const { jwk } = await keyOf('home')
  const other = await keyOf('office')
  const d = encodeBase64url(fromHex((await keyOf('home')).seedHex))
  const numbers: readonly (readonly [string, bigint])[] = [
    ['small-order/identity', 1n],
    ['small-order/identity-with-sign', 1n + SIGN_BIT],
    ['small-order/2', FIELD_PRIME - 1n],
    ['small-order/2-with-sign', FIELD_PRIME - 1n + SIGN_BIT],
    ['small-order/4', 0n],
    ['small-order/4-with-sign', SIGN_BIT],
    ['small-order/8', ORDER_8_Y],
    ['small-order/8-with-sign', ORDER_8_Y + SIGN_BIT],
    ['small-order/8-other', FIELD_PRIME - ORDER_8_Y],
    ['small-order/8-other-with-sign', FIELD_PRIME - ORDER_8_Y + SIGN_BIT],
    ['not-canonical/p', FIELD_PRIME],
    ['not-canonical/p+1', FIELD_PRIME + 1n],
    ['not-canonical/p+3', FIELD_PRIME + 3n],
    ['not-canonical/all-ones', 2n ** 256n - 1n],
  ]
  const refused: { name: string; jwk: unknown }[] = [
    ...numbers.map(([name, y]) => ({
      name,
      jwk: { ...jwk, x: encodeBase64url(fromHex(littleEndianHex(y))) },
    })),
    { name: 'private/with-d', jwk: { ...jwk, d } },
    { name: 'private/with-d-null', jwk: { ...jwk, d: null } },
    { name: 'type/EC', jwk: { ...jwk, kty: 'EC' } },
    { name: 'type/oct', jwk: { kty: 'oct', k: jwk.x } },
    { name: 'curve/X25519', jwk: { ...jwk, crv: 'X25519' } },
    { name: 'curve/Ed448', jwk: { ...jwk, crv: 'Ed448' } },
    { name: 'curve/other-case', jwk: { ...jwk, crv: 'ed25519' } },
    { name: 'member/alg', jwk: { ...jwk, alg: 'Ed25519' } },
    { name: 'member/kid', jwk: { ...jwk, kid: 'home' } },
    { name: 'member/use', jwk: { ...jwk, use: 'sig' } },
    { name: 'member/no-x', jwk: { kty: jwk.kty, crv: jwk.crv } },
    { name: 'x/padding', jwk: { ...jwk, x: `${jwk.x}=` } },
    { name: 'x/unused-bits', jwk: { ...jwk, x: withUnusedBits(jwk.x) } },
    { name: 'x/standard-alphabet', jwk: { ...jwk, x: encodeBase64(bytes).replace('=', '') } },
    { name: 'x/31-bytes', jwk: { ...jwk, x: encodeBase64url(bytes.slice(1)) } },
    { name: 'x/33-bytes', jwk: { ...jwk, x: encodeBase64url(Uint8Array.from([0, ...bytes])) } },
    { name: 'x/number', jwk: { ...jwk, x: 5 } },
    { name: 'x/empty', jwk: { ...jwk, x: '' } },
    { name: 'value/null', jwk: null },
    { name: 'value/list', jwk: [jwk] },
    { name: 'value/text', jwk: JSON.stringify(jwk) },
  ]
  const signatures = []
  for (const each of RFC_8032) {
    const [source, seedHex, messageHex, publicKeyHex, signatureHex] = await signedBy(each)
    signatures.push({ source, seedHex, publicKeyHex, messageHex, signatureHex })
  }
  return {
    good,
    refused: refused.map((each) => ({ ...each, code: 'KEY_INVALID' })),
    refusedPrivate: [
      { name: 'x-of-another-key', jwk: { ...other.jwk, d }, code: 'KEY_INVALID' },
      { name: 'no-d', jwk, code: 'KEY_INVALID' },
      { name: 'short-d', jwk: { ...jwk, d: d.slice(0, 40) }, code: 'KEY_INVALID' },
    ],
    signatures,
  }
}

/** The published signature, after making it anew. */
async function signedBy(published: (typeof RFC_8032)[number] | undefined) {
  if (published === undefined) throw new Error('there is no published signature')
  const [source, seedHex, messageHex, publicKeyHex, signatureHex] = published
  const { key } = await keyOfSeed(fromHex(seedHex))
  const made = toHex(await signEd25519(key.privateKey, fromHex(messageHex)))
  if (made !== signatureHex) throw new Error(`${source} gives another signature`)
  return [source, seedHex, messageHex, publicKeyHex, signatureHex] as const
}
