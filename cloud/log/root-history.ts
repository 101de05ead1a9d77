import { equalBytes } from '../../shared/merkle-verify.ts'

const HASH_BYTES = 32
const ROOTS_PER_CHUNK = 8192

/** The root after each entry, 32 bytes apiece, to hold witness claims of any age against. */
export interface RootHistory {
  /** Notes the root of the tree that is one leaf larger than the last one noted. */
  push(root: Uint8Array): void
  /** Whether the tree of `size` leaves had this root; undefined when it is not known yet. */
  matches(size: number, root: Uint8Array): boolean | undefined
}

/** A history that begins with the empty tree, whose root is given. */
export function createRootHistory(emptyRoot: Uint8Array): RootHistory {
  const chunks: Uint8Array[] = []
  let length = 0
  const history: RootHistory = {
    push(root) {
      if (length % ROOTS_PER_CHUNK === 0) chunks.push(new Uint8Array(ROOTS_PER_CHUNK * HASH_BYTES))
      chunks.at(-1)?.set(root, (length % ROOTS_PER_CHUNK) * HASH_BYTES)
      length++
    },
    matches(size, root) {
      if (size >= length) return undefined
      const start = (size % ROOTS_PER_CHUNK) * HASH_BYTES
      const stored = chunks[Math.floor(size / ROOTS_PER_CHUNK)]?.subarray(start, start + HASH_BYTES)
      return stored !== undefined && equalBytes(stored, root)
    },
  }
  history.push(emptyRoot)
  return history
}
