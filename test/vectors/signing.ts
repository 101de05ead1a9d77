import { encodeBase64, encodeBase64url } from '../../shared/base64.ts'
import { importNoteSigner, type NoteSigner } from '../../shared/checkpoint.ts'
import { importSeed, sha256, signEd25519 } from '../../shared/ed25519.ts'
import { importSigningKey, type PublicJwk, type SigningKey } from '../../shared/jws.ts'
import { fromHex, toHex } from '../unit/shared/hex.ts'

// What makes vectors the same each time: every key and secret comes from a label.

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** 32 bytes that stand for a label. */
export function seedOf(label: string): Promise<Uint8Array> {
  return sha256(utf8(`reprefix test vector: ${label}`))
}

/** A host's key pair as it stands in a vector, and ready to sign. */
export interface VectorKey {
  readonly seedHex: string
  readonly jwk: PublicJwk
  readonly kid: string
  readonly key: SigningKey
}

/** The key pair of a seed. */
export async function keyOfSeed(seed: Uint8Array): Promise<VectorKey> {
  const { publicKey } = await importSeed(seed)
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) } as const
  const key = await importSigningKey({ ...jwk, d: encodeBase64url(seed) })
  return { seedHex: toHex(seed), jwk, kid: key.kid, key }
}

/** The key pair that stands for a label. */
export async function keyOf(label: string): Promise<VectorKey> {
  return keyOfSeed(await seedOf(label))
}

/** The members of a key that a vector shows. */
export function shownKey({ seedHex, jwk, kid }: VectorKey) {
  return { seedHex, jwk, kid }
}

/** The note signer of a label, and the text of its private key. */
export async function noteSignerOf(
  name: string,
  label = name,
): Promise<{ signer: NoteSigner; secret: string }> {
  const seed = await seedOf(`note key ${label}`)
  const { publicKey } = await importSeed(seed)
  const id = await sha256(Uint8Array.from([...utf8(`${name}\n`), 1, ...publicKey]))
  const hex = toHex(id.slice(0, 4))
  const secret = `PRIVATE+KEY+${name}+${hex}+${encodeBase64(Uint8Array.from([1, ...seed]))}`
  return { signer: await importNoteSigner(secret), secret }
}

/** A JWS with exactly these header and payload bytes, whose Ed25519 signature is right. */
export async function signRaw(
  header: string | Uint8Array,
  payload: string | Uint8Array,
  { key }: VectorKey,
): Promise<string> {
  const [head, body] = [header, payload].map((part) =>
    encodeBase64url(typeof part === 'string' ? utf8(part) : part),
  )
  const input = `${head}.${body}`
  return `${input}.${encodeBase64url(await signEd25519(key.privateKey, utf8(input)))}`
}

/** A JWS with these header and payload texts and a right HMAC-SHA-256. */
export async function macRaw(header: string, payload: string, macKey: Uint8Array) {
  const input = `${encodeBase64url(utf8(header))}.${encodeBase64url(utf8(payload))}`
  const hash = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', macKey, hash, false, ['sign'])
  const mac = await crypto.subtle.sign('HMAC', key, utf8(input))
  return `${input}.${encodeBase64url(new Uint8Array(mac))}`
}

/** The text with its last character replaced by another that decodes to the same bytes. */
export function withUnusedBits(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.slice(-1)) + 1]
}

/** A 32-byte little-endian number in hexadecimal. */
export function littleEndianHex(value: bigint): string {
  return toHex(fromHex(value.toString(16).padStart(64, '0')).reverse())
}
