import * as v from 'valibot'
import { type CompactJws, parseCompact, parseStrictJson } from './compact.ts'
import { ReprefixError } from './errors.ts'
import { describeIssues } from './issue.ts'
import { type PublicJwk, parsePublicJwk } from './jwk.ts'
import {
  importVerificationKey,
  issuedAtSchema,
  nonceSchema,
  type SigningKey,
  signCompact,
  urlSchema,
  type VerificationKey,
  verifyCompact,
} from './jws.ts'
import { countSchema, digestSchema, hashSchema, hostSchema } from './schema.ts'

/** What the successor's key says: whom it follows, and what of the log its host has seen. */
export const successionSchema = v.strictObject({
  v: v.literal(1),
  host: hostSchema,
  /** Thumbprint of the key that is replaced. */
  kid: digestSchema,
  log: v.strictObject({ size: countSchema, root: hashSchema }),
})

/** See `successionSchema`. */
export type Succession = v.InferOutput<typeof successionSchema>

/** A rotation whose form was checked; its signatures were not. */
export interface RotationJws {
  readonly text: string
  /** Signed by the key that is replaced. */
  readonly outer: CompactJws<v.InferOutput<typeof rotationHeaderSchema>>
  /** Signed by its successor. */
  readonly inner: CompactJws<v.InferOutput<typeof successorHeaderSchema>>
  readonly jwk: PublicJwk
  readonly succession: Succession
}

const SIGNATURE_BYTES = 64

/** The protected header of a rotation: these members and no other. */
export const rotationHeaderSchema = v.strictObject({
  alg: v.literal('Ed25519'),
  typ: v.literal('reprefix-rotate+jws'),
  kid: digestSchema,
  url: urlSchema,
  iat: issuedAtSchema,
  nonce: v.exactOptional(nonceSchema),
})
/** That of the JWS inside it, by the successor; `parsePublicJwk` checks the key. */
export const successorHeaderSchema = v.strictObject({
  alg: v.literal('Ed25519'),
  typ: v.literal('reprefix-successor+jws'),
  jwk: v.unknown(),
  url: urlSchema,
})

/**
 * Replaces `key` by `successor`: an inner JWS by the successor, which shows that its private half is
 * there and for whom, inside an outer one by the present key, which alone may name it (as RFC 8555 §7.3.5
 * does it for accounts).
 */
export async function signRotation(
  succession: Omit<Succession, 'kid' | 'v'>,
  keys: { readonly key: SigningKey; readonly successor: SigningKey },
  { url, iat, nonce }: { readonly url: string; readonly iat: number; readonly nonce?: string },
): Promise<string> {
  const { key, successor } = keys
  const { host, log } = succession
  const { crv, kty, x } = successor.jwk
  const said = { v: 1, host, kid: key.kid, log: { size: log.size, root: log.root } }
  const inner = await signCompact(
    new TextEncoder().encode(JSON.stringify(said)),
    { alg: 'Ed25519', typ: 'reprefix-successor+jws', jwk: { crv, kty, x }, url },
    successor,
  )
  const header = { alg: 'Ed25519', typ: 'reprefix-rotate+jws', kid: key.kid, url, iat } as const
  const withNonce = nonce === undefined ? header : { ...header, nonce }
  return signCompact(new TextEncoder().encode(inner), withNonce, key)
}

/**
 * Checks the form of an untrusted rotation: both JWS strict, the successor's key acceptable, and the
 * inner JWS made for the same URL, and to follow the key of the outer. Says nothing about the signatures.
 * @throws ReprefixError JWS_MALFORMED or KEY_INVALID
 */
export function parseRotationJws(text: string): RotationJws {
  const outer = parseCompact(text, rotationHeaderSchema, SIGNATURE_BYTES)
  // A byte order mark stays in the text, where it is refused: signed bytes have one spelling only.
  const payload = new TextDecoder('utf-8', { ignoreBOM: true }).decode(outer.payload)
  const inner = parseCompact(payload, successorHeaderSchema, SIGNATURE_BYTES)
  const jwk = parsePublicJwk(inner.header.jwk)
  const said = v.safeParse(successionSchema, parseStrictJson(inner.payload))
  if (!said.success) throw malformed(`its succession: ${describeIssues(said.issues)}`)
  if (inner.header.url !== outer.header.url || said.output.kid !== outer.header.kid) {
    throw malformed('the successor was named for another key or URL')
  }
  return { text, outer, inner, jwk, succession: said.output }
}

/**
 * Verifies both signatures; gives the successor.
 * @throws ReprefixError JWS_SIGNATURE
 */
export async function verifyRotationJws(
  jws: RotationJws,
  key: Pick<VerificationKey, 'kid' | 'key'>,
): Promise<VerificationKey> {
  if (jws.outer.header.kid !== key.kid) {
    throw new ReprefixError('JWS_SIGNATURE', 'the rotation names another key than the one given')
  }
  const invalid = (by: string) => `the signature of the rotation by ${by} is not valid`
  await verifyCompact(jws.text, key.key, 'Ed25519', invalid('the present key'))
  const successor = await importVerificationKey(jws.jwk)
  await verifyCompact(jws.inner.text, successor.key, 'Ed25519', invalid('its successor'))
  return successor
}

function malformed(reason: string): ReprefixError {
  return new ReprefixError('JWS_MALFORMED', `malformed JWS: ${reason}`)
}
