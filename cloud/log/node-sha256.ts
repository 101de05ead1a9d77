import { hash } from 'node:crypto'
import type { Sha256 } from '../../shared/merkle.ts'

/**
 * SHA-256 by Node itself, at once. Web Crypto hands every hash to another thread, which for the 65
 * bytes of a tree's node takes ten times as long as the hash.
 */
export const nodeSha256: Sha256 = (bytes) => {
  const { buffer, byteOffset, byteLength } = hash('sha256', bytes, 'buffer')
  return new Uint8Array(buffer, byteOffset, byteLength)
}
