import { ReprefixError } from './errors.ts'
import { EMPTY_ROOT, nodeHash, type Sha256 } from './merkle-hash.ts'

export { EMPTY_ROOT, leafHash, nodeHash, type Sha256 } from './merkle-hash.ts'
export {
  type ConsistencyClaim,
  type InclusionClaim,
  verifyConsistency,
  verifyInclusion,
} from './merkle-verify.ts'

/** What one append adds to the tree, stored beside the entry. */
export interface TreeRow {
  readonly leaf: Uint8Array
  /** Hashes of the perfect subtrees that this leaf completes, by level; level 0 is the leaf. */
  readonly nodes: readonly Uint8Array[]
  /** The right edge after this leaf: roots of the perfect subtrees, largest first. */
  readonly frontier: readonly Uint8Array[]
}

/** A perfect subtree: the leaves from `index * 2^level`, `2^level` of them. */
export interface NodePosition {
  readonly level: number
  readonly index: number
}

/**
 * Gives the hashes of perfect subtrees, in the order asked for. Node (level, index) is
 * `nodes[level]` of the row of leaf `(index + 1) * 2^level - 1`.
 */
export type NodeReader = (wanted: readonly NodePosition[]) => Promise<readonly Uint8Array[]>

/**
 * The row of leaf `index`, from the right edge before it.
 * @throws ReprefixError TREE_INVALID when that edge does not belong to a tree of `index` leaves
 */
export async function appendLeaf(
  frontierBefore: readonly Uint8Array[],
  index: number,
  leaf: Uint8Array,
  hash?: Sha256,
): Promise<TreeRow> {
  if (frontierBefore.length !== perfectRanges(0, index).length) {
    throw new ReprefixError(
      'TREE_INVALID',
      `the right edge of the log does not belong to ${index} entries: the store was altered`,
    )
  }
  const frontier = [...frontierBefore]
  const nodes = [leaf]
  let node = leaf
  // A set bit of the index is a perfect subtree to the left that this leaf completes into a larger one.
  for (let rest = index; rest % 2 === 1; rest = (rest - 1) / 2) {
    const left = frontier.pop()
    if (left === undefined) break
    node = await nodeHash(left, node, hash)
    nodes.push(node)
  }
  return { leaf, nodes, frontier: [...frontier, node] }
}

/** The root of the tree with this right edge. */
export async function rootOf(frontier: readonly Uint8Array[], hash?: Sha256): Promise<Uint8Array> {
  let root = frontier.at(-1) ?? EMPTY_ROOT
  for (const left of frontier.slice(0, -1).reverse()) root = await nodeHash(left, root, hash)
  return root
}

/**
 * The audit path of leaf `index` in the tree of `size` leaves (RFC 6962 §2.1.1), leaf's sibling first.
 * @throws ReprefixError TREE_INVALID unless 0 ≤ index < size
 */
export function inclusionProof(
  index: number,
  size: number,
  read: NodeReader,
  hash?: Sha256,
): Promise<Uint8Array[]> {
  if (!isCount(index) || !isCount(size) || index >= size) {
    throw new ReprefixError('TREE_INVALID', `there is no entry ${index} in a log of ${size}`)
  }
  const ranges: Range[] = []
  for (let start = 0, end = size; end - start > 1; ) {
    const middle = start + largestPowerBelow(end - start)
    if (index < middle) {
      ranges.unshift([middle, end])
      end = middle
    } else {
      ranges.unshift([start, middle])
      start = middle
    }
  }
  return hashRanges(ranges, read, hash)
}

/**
 * The proof that the tree of `from` leaves is the beginning of the tree of `to` (RFC 6962 §2.1.2);
 * empty when `from` is 0 or equal to `to`.
 * @throws ReprefixError TREE_INVALID unless 0 ≤ from ≤ to
 */
export function consistencyProof(
  from: number,
  to: number,
  read: NodeReader,
  hash?: Sha256,
): Promise<Uint8Array[]> {
  if (!isCount(from) || !isCount(to) || from > to) {
    throw new ReprefixError(
      'TREE_INVALID',
      `a log of ${from} cannot be the beginning of one of ${to}`,
    )
  }
  if (from === 0 || from === to) return Promise.resolve([])
  const ranges: Range[] = []
  let [start, end] = [0, to]
  while (end !== from) {
    const middle = start + largestPowerBelow(end - start)
    if (from <= middle) {
      ranges.unshift([middle, end])
      end = middle
    } else {
      ranges.unshift([start, middle])
      start = middle
    }
  }
  // The verifier knows the old root; the old tree itself is left out when it is one perfect subtree.
  if (start !== 0) ranges.unshift([start, end])
  return hashRanges(ranges, read, hash)
}

type Range = readonly [start: number, end: number]

/** Reads every perfect subtree of all ranges at once, then hashes each range together. */
async function hashRanges(
  ranges: readonly Range[],
  read: NodeReader,
  hash: Sha256 | undefined,
): Promise<Uint8Array[]> {
  const wanted = ranges.map(([start, end]) => perfectRanges(start, end))
  const hashes = await read(wanted.flat())
  const proof: Uint8Array[] = []
  let offset = 0
  for (const { length } of wanted) {
    proof.push(await rootOf(hashes.slice(offset, offset + length), hash))
    offset += length
  }
  return proof
}

/** Perfect subtrees of a range whose start is a multiple of the largest of them, largest first. */
function perfectRanges(start: number, end: number): NodePosition[] {
  const positions: NodePosition[] = []
  for (let from = start; from < end; ) {
    let level = 0
    while (from + 2 ** (level + 1) <= end) level += 1
    positions.push({ level, index: from / 2 ** level })
    from += 2 ** level
  }
  return positions
}

/** The largest power of two smaller than `count`, for a count of 2 and more. */
function largestPowerBelow(count: number): number {
  let power = 1
  while (power * 2 < count) power *= 2
  return power
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
