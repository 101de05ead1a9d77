import { EMPTY_ROOT, nodeHash } from './merkle-hash.ts'

/** A leaf's claim to be in a tree. */
export interface InclusionClaim {
  readonly leaf: Uint8Array
  readonly index: number
  readonly size: number
  readonly root: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** One tree's claim to be the beginning of another. */
export interface ConsistencyClaim {
  readonly from: { readonly size: number; readonly root: Uint8Array }
  readonly to: { readonly size: number; readonly root: Uint8Array }
  readonly proof: readonly Uint8Array[]
}

const HASH_BYTES = 32

/** True when the proof leads from the leaf to the root (RFC 9162 §2.1.3.2). Never throws. */
export async function verifyInclusion(claim: InclusionClaim): Promise<boolean> {
  const { leaf, index, size, root, proof } = claim
  if (!isCount(index) || !isCount(size) || index >= size) return false
  if (![leaf, root, ...proof].every(isHash)) return false
  let node = index
  let last = size - 1
  let hash = leaf
  for (const sibling of proof) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      hash = await nodeHash(sibling, hash)
      while (node % 2 === 0 && node !== 0) {
        node = half(node)
        last = half(last)
      }
    } else {
      hash = await nodeHash(hash, sibling)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 && equalBytes(hash, root)
}

/**
 * True when the proof shows that the smaller tree is the beginning of the larger
 * (RFC 9162 §2.1.4.2). The empty tree is the beginning of every tree, a tree of itself. Never throws.
 */
export async function verifyConsistency(claim: ConsistencyClaim): Promise<boolean> {
  const { from, to, proof } = claim
  if (!isCount(from.size) || !isCount(to.size) || from.size > to.size) return false
  if (![from.root, to.root, ...proof].every(isHash)) return false
  if (from.size === to.size) return proof.length === 0 && equalBytes(from.root, to.root)
  if (from.size === 0) return proof.length === 0 && equalBytes(from.root, EMPTY_ROOT)
  const path = isPowerOfTwo(from.size) ? [from.root, ...proof] : [...proof]
  let node = from.size - 1
  let last = to.size - 1
  while (node % 2 === 1) {
    node = half(node)
    last = half(last)
  }
  const [first, ...rest] = path
  if (first === undefined) return false
  let fromHash = first
  let toHash = first
  for (const sibling of rest) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      fromHash = await nodeHash(sibling, fromHash)
      toHash = await nodeHash(sibling, toHash)
      while (node % 2 === 0 && node !== 0) {
        node = half(node)
        last = half(last)
      }
    } else {
      toHash = await nodeHash(toHash, sibling)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 && equalBytes(fromHash, from.root) && equalBytes(toHash, to.root)
}

/** True when both have the same bytes. Not for secrets: its time depends on the content. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value)) && 2 ** Math.log2(value) === value
}

function half(value: number): number {
  return Math.floor(value / 2)
}
