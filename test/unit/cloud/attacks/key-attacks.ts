import { expect } from 'vitest'
import { encodeBase64url } from '../../../../shared/base64.ts'
import { parseJoin } from '../../../../shared/join.ts'
import {
  deriveMacKey,
  generateSigningKey,
  type SigningKey,
  signEnrolment,
} from '../../../../shared/jws.ts'
import { CLOUD_URL } from '../../../fakes/test-cloud.ts'
import {
  type Answered,
  type Attack,
  encode,
  newKey,
  revoke,
  type Scene,
  type Strike,
  signRaw,
} from './attack.ts'

const ENROL = '/v1/enroll'

/** An enrolment of `jwk` whose token is right, signed by `key`, which may be another. */
async function enrolmentOf(
  { cloud }: Pick<Scene, 'cloud'>,
  jwk: { readonly crv: string; readonly kty: string; readonly x: string },
  key: SigningKey,
  inner: Record<string, unknown> = {},
): Promise<Strike> {
  const join = parseJoin((await cloud.addHost('office')).join)
  const url = `${CLOUD_URL}${ENROL}`
  const { crv, kty, x } = jwk
  const header = { alg: 'HS256', typ: 'reprefix-token+jws', kid: join.token, url, ...inner }
  const input = `${encode(JSON.stringify(header))}.${encode(JSON.stringify({ crv, kty, x }))}`
  const hash = { name: 'HMAC', hash: 'SHA-256' }
  const secret = await deriveMacKey(join.secret)
  const macKey = await crypto.subtle.importKey('raw', secret, hash, false, ['sign'])
  const mac = await crypto.subtle.sign('HMAC', macKey, new TextEncoder().encode(input))
  const outer = { alg: 'Ed25519', typ: 'reprefix-enroll+jws', jwk, url, iat: 1 }
  const token = `${input}.${encodeBase64url(new Uint8Array(mac))}`
  return { path: ENROL, body: await signRaw(JSON.stringify(outer), token, key) }
}

/** A public key by the little-endian number that it is. */
function keyOfNumber(first: number, rest: number, last: number): string {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) =>
    i === 0 ? first : i === 31 ? last : rest,
  )
  return encodeBase64url(bytes)
}

const ORDER_8 = 'xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o'
/** RFC 8032 §5.1: the identity, y = −1, y = 0, one of the points of order 8, and numbers beyond the field. */
const WEAK_KEYS: Readonly<Record<string, string>> = {
  identity: keyOfNumber(1, 0, 0),
  'identity-with-the-sign-bit': keyOfNumber(1, 0, 0x80),
  'minus-one': keyOfNumber(0xec, 0xff, 0x7f),
  zero: keyOfNumber(0, 0, 0),
  'order-8': ORDER_8,
  'not-canonical': keyOfNumber(0xee, 0xff, 0x7f),
  'the-field-itself': keyOfNumber(0xed, 0xff, 0x7f),
}

/** An enrolment with the right join string, at another time or after something. */
function enrolment(
  name: string,
  code: string,
  before: (scene: Scene, join: string) => Promise<void>,
): Attack {
  return {
    name,
    code,
    prepare: async (scene) => {
      const { join } = await scene.cloud.addHost('office')
      await before(scene, join)
      return { path: ENROL, body: await signEnrolment(parseJoin(join), await newKey(), 1) }
    },
  }
}

/** Attacks by keys that are none, and on how keys are enrolled. */
export const KEY_ATTACKS: readonly Answered[] = [
  {
    row: 'a public key of small order, or a private one posted',
    attacks: [
      ...Object.entries(WEAK_KEYS).map(
        ([name, x]): Attack => ({
          name: `small-order/${name}`,
          code: 'KEY_INVALID',
          prepare: async (scene) => {
            const key = await newKey()
            return enrolmentOf(scene, { ...key.jwk, x }, key)
          },
        }),
      ),
      {
        name: 'private-key/posted',
        code: 'KEY_INVALID',
        prepare: async (scene) => {
          const { key, jwk } = await generateSigningKey()
          return enrolmentOf(scene, jwk, key)
        },
      },
    ],
  },
  {
    row: 'a token used twice, or raced for',
    attacks: [
      enrolment('token/used-by-another-key', 'TOKEN_USED', async ({ cloud }, join) => {
        expect((await cloud.enrol(join)).response.status).toBe(200)
      }),
      enrolment('token/raced-for', 'TOKEN_USED', async ({ cloud }, join) => {
        const answers = await Promise.all([1, 2, 3].map(() => cloud.enrol(join)))
        expect(answers.map(({ response }) => response.status).sort()).toEqual([200, 403, 403])
      }),
      enrolment('token/too-old', 'TOKEN_EXPIRED', async ({ cloud }) => {
        cloud.clock.ms += 24 * 3_600_000
      }),
      enrolment('token/of-a-revoked-invitation', 'TOKEN_INVALID', (scene) =>
        revoke(scene, 'office'),
      ),
      {
        name: 'token/same-key-again',
        code: 'same-answer',
        prepare: async ({ cloud }) => {
          const { join } = await cloud.addHost('office')
          return { path: ENROL, body: (await cloud.enrol(join)).jws }
        },
      },
      {
        name: 'token/unknown',
        code: 'TOKEN_INVALID',
        prepare: async (scene) => {
          const key = await newKey()
          return enrolmentOf(scene, key.jwk, key, { kid: 'another' })
        },
      },
      {
        name: 'token/guessed-secret',
        code: 'JWS_SIGNATURE',
        prepare: async ({ cloud }) => {
          const join = parseJoin((await cloud.addHost('office')).join)
          const guess = { ...join, secret: new Uint8Array(16) }
          return { path: ENROL, body: await signEnrolment(guess, await newKey(), 1) }
        },
      },
      {
        name: 'token/of-another-enrolment-on-the-way',
        code: 'JWS_SIGNATURE',
        prepare: async (scene) => enrolmentOf(scene, (await newKey()).jwk, await newKey()),
      },
      {
        name: 'token/for-a-key-that-is-enrolled',
        code: 'KEY_INVALID',
        prepare: async (scene) => enrolmentOf(scene, scene.home.key.jwk, scene.home.key),
      },
      {
        name: 'token/algorithm-none',
        code: 'JWS_MALFORMED',
        prepare: async (scene) => {
          const key = await newKey()
          return enrolmentOf(scene, key.jwk, key, { alg: 'none' })
        },
      },
    ],
  },
]
