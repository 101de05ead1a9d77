import { CompactSign, calculateJwkThumbprint, compactVerify } from 'jose'
import * as v from 'valibot'
import { decodeBase64url, encodeBase64url } from './base64.ts'
import { type CompactJws, parseCompact, parseStrictJson } from './compact.ts'
import { type CryptoKey, importPublicKey, importSeed, sha256 } from './ed25519.ts'
import { isReprefixError, messageOf, ReprefixError } from './errors.ts'
import type { JoinString } from './join.ts'
import { type PublicJwk, parsePrivateJwk, parsePublicJwk } from './jwk.ts'
import type { Sha256 } from './merkle-hash.ts'
import { parseReport, type Report } from './report.ts'
import { digestSchema } from './schema.ts'

export type { PublicJwk } from './jwk.ts'

/** A public key ready to verify; `kid` is its RFC 7638 thumbprint. */
export interface VerificationKey {
  readonly kid: string
  readonly jwk: PublicJwk
  readonly key: CryptoKey
}

/** A key pair ready to sign. */
export interface SigningKey extends VerificationKey {
  readonly privateKey: CryptoKey
}

/** A report's JWS whose form was checked; its signature was not. */
export type ReportJws = CompactJws<v.InferOutput<typeof reportHeaderSchema>>

/** An enrolment's JWS whose form was checked; its signatures were not. */
export interface EnrolmentJws {
  readonly text: string
  readonly tokenId: string
  readonly url: string
  readonly iat: number
  readonly jwk: PublicJwk
  /** The inner JWS: the token's MAC over the key. */
  readonly inner: CompactJws<v.InferOutput<typeof tokenHeaderSchema>>
}

const SIGNATURE_BYTES = 64
const MAC_BYTES = 32
const MAC_KEY_INFO = 'reprefix token mac key v1'

/** The URL that a signature is for. */
export const urlSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(2048))
/** Unix seconds. */
export const issuedAtSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
/** What the cloud gives to those whose clock is off. */
export const nonceSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(256))
/** The protected header of a report: these members and no other. */
export const reportHeaderSchema = v.strictObject({
  alg: v.literal('Ed25519'),
  typ: v.literal('reprefix-report+jws'),
  kid: digestSchema,
  url: urlSchema,
  iat: issuedAtSchema,
  nonce: v.exactOptional(nonceSchema),
})
/** That of an enrolment; `parsePublicJwk` checks the key. */
export const enrolmentHeaderSchema = v.strictObject({
  alg: v.literal('Ed25519'),
  typ: v.literal('reprefix-enroll+jws'),
  jwk: v.unknown(),
  url: urlSchema,
  iat: issuedAtSchema,
})
/** That of the JWS inside an enrolment, by the token. */
export const tokenHeaderSchema = v.strictObject({
  alg: v.literal('HS256'),
  typ: v.literal('reprefix-token+jws'),
  kid: v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/, 'is not the identifier of a token')),
  url: urlSchema,
})

/** Makes a new Ed25519 key pair; `jwk` holds the private member and goes to a private file only. */
export async function generateSigningKey(): Promise<{
  key: SigningKey
  jwk: PublicJwk & { readonly d: string }
}> {
  const seed = crypto.getRandomValues(new Uint8Array(32))
  const { publicKey } = await importSeed(seed)
  const jwk = {
    kty: 'OKP',
    crv: 'Ed25519',
    x: encodeBase64url(publicKey),
    d: encodeBase64url(seed),
  } as const
  return { key: await importSigningKey(jwk), jwk }
}

/** Reads a private JWK; refuses one whose `x` is not the public key of `d`. @throws KEY_INVALID */
export async function importSigningKey(value: unknown): Promise<SigningKey> {
  const { d, ...jwk } = parsePrivateJwk(value)
  const { privateKey, publicKey } = await importSeed(decodeBase64url(d))
  if (encodeBase64url(publicKey) !== jwk.x) {
    throw new ReprefixError('KEY_INVALID', 'the public part of this JWK belongs to another key')
  }
  return { ...(await importVerificationKey(jwk)), privateKey }
}

/**
 * Reads an untrusted public JWK: exactly kty, crv and x, canonical, not of small order; computes the
 * thumbprint from the re-encoded members (RFC 7638).
 * @throws ReprefixError KEY_INVALID
 */
export async function importVerificationKey(value: unknown): Promise<VerificationKey> {
  const jwk = parsePublicJwk(value)
  const key = await importPublicKey(decodeBase64url(jwk.x))
  return { kid: await calculateJwkThumbprint(jwk), jwk, key }
}

/** Signs a report. `iat` in seconds; `url` is the endpoint's full URL; `nonce` only when asked for. */
export function signReport(
  report: Report,
  key: SigningKey,
  header: { readonly url: string; readonly iat: number; readonly nonce?: string },
): Promise<string> {
  const { url, iat, nonce } = header
  const typ = 'reprefix-report+jws'
  const members = { alg: 'Ed25519', typ, kid: key.kid, url, iat } as const
  return signCompact(encodeJson(report), nonce === undefined ? members : { ...members, nonce }, key)
}

/**
 * Checks the form of an untrusted report JWS: one spelling of every byte, exactly the header members
 * of version 1, at most `MAX_REPORT_BYTES`. Says nothing about the signature.
 * @throws ReprefixError JWS_MALFORMED
 */
export function parseReportJws(text: string): ReportJws {
  return parseCompact(text, reportHeaderSchema, SIGNATURE_BYTES)
}

/**
 * Verifies the signature with the key that the header names, then decodes the payload.
 * @throws ReprefixError JWS_SIGNATURE, or REPORT_INVALID for a payload that is no report
 */
export async function verifyReportJws(jws: ReportJws, key: VerificationKey): Promise<Report> {
  if (jws.header.kid !== key.kid) {
    throw new ReprefixError('JWS_SIGNATURE', 'the report names another key than the one given')
  }
  await verifyCompact(jws.text, key.key, 'Ed25519', 'the signature of the report is not valid')
  try {
    return parseReport(parseStrictJson(jws.payload))
  } catch (cause) {
    if (isReprefixError(cause, 'REPORT_INVALID')) throw cause
    throw new ReprefixError('REPORT_INVALID', `invalid report: ${messageOf(cause)}`, { cause })
  }
}

/** The key that the cloud keeps for a token instead of its secret: HKDF-SHA-256 (RFC 5869), 32 bytes. */
export async function deriveMacKey(secret: Uint8Array): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits'])
  const info = new TextEncoder().encode(MAC_KEY_INFO)
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, MAC_BYTES * 8))
}

/**
 * Asks to enrol `key`: an outer JWS by the key itself around an inner JWS with the token's MAC over
 * that key (the external account binding of RFC 8555 §7.3.4). The token's secret does not travel.
 */
export async function signEnrolment(
  join: JoinString,
  key: SigningKey,
  iat: number,
): Promise<string> {
  const url = `${join.url}/v1/enroll`
  const inner = await new CompactSign(encodeJson(thumbprintMembers(key.jwk)))
    .setProtectedHeader({ alg: 'HS256', typ: 'reprefix-token+jws', kid: join.token, url })
    .sign(await deriveMacKey(join.secret))
  const jwk = { ...thumbprintMembers(key.jwk) }
  const header = { alg: 'Ed25519', typ: 'reprefix-enroll+jws', jwk, url, iat } as const
  return signCompact(new TextEncoder().encode(inner), header, key)
}

/**
 * Checks the form of an untrusted enrolment: both JWS strict, the key acceptable, and the inner
 * JWS made for the same URL and the same key as the outer. Says nothing about the signatures.
 * @throws ReprefixError JWS_MALFORMED or KEY_INVALID
 */
export function parseEnrolmentJws(text: string): EnrolmentJws {
  const { header, payload } = parseCompact(text, enrolmentHeaderSchema, SIGNATURE_BYTES)
  const jwk = parsePublicJwk(header.jwk)
  // A byte order mark stays in the text, where it is refused: signed bytes have one spelling only.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const inner = parseCompact(decoder.decode(payload), tokenHeaderSchema, MAC_BYTES)
  const bound = decoder.decode(inner.payload)
  if (inner.header.url !== header.url || bound !== JSON.stringify(thumbprintMembers(jwk))) {
    throw new ReprefixError(
      'JWS_MALFORMED',
      'malformed JWS: the token was used for another key or URL',
    )
  }
  return { text, tokenId: inner.header.kid, url: header.url, iat: header.iat, jwk, inner }
}

/**
 * Verifies the token's MAC and the key's own signature.
 * @throws ReprefixError JWS_SIGNATURE
 */
export async function verifyEnrolmentJws(
  jws: EnrolmentJws,
  macKey: Uint8Array,
): Promise<VerificationKey> {
  await verifyCompact(jws.inner.text, macKey, 'HS256', 'the secret of the join string is wrong')
  const key = await importVerificationKey(jws.jwk)
  await verifyEnrolmentSignature(jws, key)
  return key
}

/**
 * Verifies the key's own signature alone, as an auditor must: the MAC's key is not in the log.
 * @throws ReprefixError JWS_SIGNATURE
 */
export function verifyEnrolmentSignature(jws: EnrolmentJws, key: VerificationKey): Promise<void> {
  const fault = 'the signature of the enrolment is not valid'
  return verifyCompact(jws.text, key.key, 'Ed25519', fault)
}

/** base64url SHA-256 of a JWS text: what identifies its bytes in the log. */
export async function digestOf(text: string, hash: Sha256 = sha256): Promise<string> {
  return encodeBase64url(await hash(new TextEncoder().encode(text)))
}

/** Signs a payload with exactly this protected header; `header` is written in its own order. */
export function signCompact(
  payload: Uint8Array,
  header: { readonly alg: 'Ed25519' } & Readonly<Record<string, unknown>>,
  key: SigningKey,
): Promise<string> {
  return new CompactSign(payload).setProtectedHeader(header).sign(key.privateKey)
}

/** Verifies the signature of a JWS whose form was checked. @throws ReprefixError JWS_SIGNATURE */
export async function verifyCompact(
  text: string,
  key: CryptoKey | Uint8Array,
  algorithm: 'Ed25519' | 'HS256',
  fault: string,
): Promise<void> {
  try {
    await compactVerify(text, key, { algorithms: [algorithm] })
  } catch (cause) {
    throw new ReprefixError('JWS_SIGNATURE', fault, { cause })
  }
}

/** The members in the order that RFC 7638 §3.2 hashes them. */
function thumbprintMembers({ crv, kty, x }: PublicJwk): PublicJwk {
  return { crv, kty, x }
}

function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
