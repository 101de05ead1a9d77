import * as v from 'valibot'
import { decodeBase64url, encodeBase64url } from './base64.ts'
import { checkPublicKey } from './ed25519.ts'
import { ReprefixError } from './errors.ts'
import { describeIssues } from './issue.ts'

/** An Ed25519 public key as JWK (RFC 8037), members and nothing else. */
export interface PublicJwk {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
}

const publicMembers = {
  kty: v.literal('OKP'),
  crv: v.literal('Ed25519'),
  x: v.pipe(v.string(), v.regex(/^[\w-]{43}$/, 'is not 32 bytes of base64url')),
}
/** The form of a public key; `parsePublicJwk` checks the rest. */
export const publicJwkSchema = v.strictObject(publicMembers)
const privateJwkSchema = v.strictObject({ ...publicMembers, d: publicMembers.x })

/**
 * Checks an untrusted public JWK: exactly `kty`, `crv` and `x`, canonical base64url, a key that
 * `checkPublicKey` accepts. A JWK with `d` is refused: whoever sends it has given the key away.
 * @throws ReprefixError KEY_INVALID
 */
export function parsePublicJwk(value: unknown): PublicJwk {
  if (typeof value === 'object' && value !== null && 'd' in value) {
    throw new ReprefixError(
      'KEY_INVALID',
      'this JWK holds a private key: make a new key, send "x" only',
    )
  }
  const result = v.safeParse(publicJwkSchema, value)
  if (!result.success) throw invalid(describeIssues(result.issues))
  const { kty, crv, x } = result.output
  return { kty, crv, x: encodeBase64url(checkPublicKey(decode(x))) }
}

/** Checks a private JWK of our own; its message never holds a member. @throws KEY_INVALID */
export function parsePrivateJwk(value: unknown): PublicJwk & { readonly d: string } {
  const result = v.safeParse(privateJwkSchema, value)
  if (!result.success) throw invalid('expected the members kty, crv, x and d of an Ed25519 key')
  const { d, ...publicJwk } = result.output
  decode(d)
  return { ...parsePublicJwk(publicJwk), d }
}

function decode(text: string): Uint8Array {
  try {
    return decodeBase64url(text)
  } catch (cause) {
    throw new ReprefixError('KEY_INVALID', 'the JWK is not canonical base64url', { cause })
  }
}

function invalid(reason: string): ReprefixError {
  return new ReprefixError('KEY_INVALID', `not an Ed25519 JWK: ${reason}`)
}
