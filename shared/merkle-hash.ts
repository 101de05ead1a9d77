import { sha256 } from './ed25519.ts'

/** SHA-256 (FIPS 180-4) of some bytes: 32 bytes, at once where the runtime can. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** The root of the tree without leaves: SHA-256 of nothing (RFC 6962 §2.1). */
export const EMPTY_ROOT: Uint8Array = Uint8Array.from([
  0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
  0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
])

/** The hash of an entry as a leaf, told apart from inner nodes by its first byte (RFC 6962 §2.1). */
export async function leafHash(entry: Uint8Array, hash: Sha256 = sha256): Promise<Uint8Array> {
  return hash(concatenate(LEAF, entry))
}

/** The hash of an inner node. */
export async function nodeHash(
  left: Uint8Array,
  right: Uint8Array,
  hash: Sha256 = sha256,
): Promise<Uint8Array> {
  return hash(concatenate(NODE, left, right))
}

/** All parts as one. */
export function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}
