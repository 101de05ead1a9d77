import { decodeBase64url } from './base64.ts'
import { ReprefixError } from './errors.ts'

/** A key as Web Crypto holds it; the runtimes' type packages disagree about its name. */
export type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

const KEY_BYTES = 32
const FIELD_PRIME = 2n ** 255n - 19n
const ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n
/**
 * The y coordinates of the points of order 4, 1, 2 and 8. A "public key" among them verifies
 * signatures over any message, and RFC 8032 §5.1.7 leaves it to the caller to refuse them.
 */
const SMALL_ORDER_Y: readonly bigint[] = [
  0n,
  1n,
  FIELD_PRIME - 1n,
  ORDER_8_Y,
  FIELD_PRIME - ORDER_8_Y,
]
/** RFC 8410 §7: everything of a PKCS #8 Ed25519 key before its 32 bytes of seed. */
const PKCS8_PREFIX = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]

/**
 * Checks the encoding of an untrusted Ed25519 public key: 32 bytes, y below the field prime, not of
 * small order.
 * @throws ReprefixError KEY_INVALID
 */
export function checkPublicKey(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== KEY_BYTES) {
    throw new ReprefixError('KEY_INVALID', `an Ed25519 key has 32 bytes, this one ${bytes.length}`)
  }
  const encoded = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const y = encoded & (2n ** 255n - 1n)
  if (y >= FIELD_PRIME) {
    throw new ReprefixError('KEY_INVALID', 'the Ed25519 key is not in its canonical encoding')
  }
  if (SMALL_ORDER_Y.includes(y)) {
    throw new ReprefixError('KEY_INVALID', 'the Ed25519 key is a point of small order')
  }
  return bytes
}

/** Imports an untrusted raw public key after `checkPublicKey`. @throws ReprefixError KEY_INVALID */
export function importPublicKey(bytes: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', checkPublicKey(bytes), 'Ed25519', true, ['verify'])
}

/** The private key of a 32-byte seed (RFC 8032 §5.1.5) and its public key. @throws KEY_INVALID */
export async function importSeed(
  seed: Uint8Array,
): Promise<{ privateKey: CryptoKey; publicKey: Uint8Array }> {
  if (seed.length !== KEY_BYTES) {
    throw new ReprefixError('KEY_INVALID', 'an Ed25519 private key has 32 bytes')
  }
  const pkcs8 = Uint8Array.from([...PKCS8_PREFIX, ...seed])
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign'])
  const { x } = await crypto.subtle.exportKey('jwk', privateKey)
  if (x === undefined) throw new ReprefixError('KEY_INVALID', 'the key has no public part')
  return { privateKey, publicKey: decodeBase64url(x) }
}

/** The deterministic signature of RFC 8032, 64 bytes. */
export async function signEd25519(key: CryptoKey, message: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign('Ed25519', key, message))
}

/** True when the signature is valid for the message under the key. */
export function verifyEd25519(
  key: CryptoKey,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> {
  return crypto.subtle.verify('Ed25519', key, signature, message)
}

/** SHA-256 (FIPS 180-4), 32 bytes. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}
