import {
  appendLeaf,
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  type NodeReader,
  nodeHash,
  rootOf,
  type TreeRow,
} from '../../shared/merkle.ts'
import { fromHex, toHex } from '../unit/shared/hex.ts'
import type { ConsistencyVector, InclusionVector, TreeVectors } from './shapes.ts'
import { seedOf, utf8 } from './signing.ts'

/** The leaves that the reference implementation of RFC 6962 tests with, and its roots for them. */
const REFERENCE_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const REFERENCE_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const LARGER_SIZE = 21

interface Grown {
  readonly vector: TreeVectors['trees'][number]
  readonly leaves: readonly Uint8Array[]
  readonly roots: readonly Uint8Array[]
  readonly read: NodeReader
}

/** trees.json */
export async function makeTrees(): Promise<TreeVectors> {
  const reference = await grow('reference', REFERENCE_LEAVES)
  if (reference.vector.rootsHex.join() !== REFERENCE_ROOTS.join()) {
    throw new Error('the reference leaves do not give the published roots')
  }
  const texts = Array.from({ length: LARGER_SIZE }, (_, i) => toHex(utf8(`entry ${i}`)))
  const larger = await grow('larger', texts)
  const inclusion = [
    ...(await includeAll(reference, 8)),
    ...(await includeAll(larger, 21, [13, 21])),
  ]
  const consistency = [
    ...(await compareAll(reference, 8)),
    ...(await compareAll(larger, 21, [13, 21])),
  ]
  return {
    trees: [reference.vector, larger.vector],
    inclusion: [...inclusion, ...(await makeHuge()), ...falseInclusions(inclusion)],
    consistency: [...consistency, ...falseConsistencies(consistency)],
  }
}

async function grow(name: string, leavesHex: readonly string[]): Promise<Grown> {
  const rows: TreeRow[] = []
  const leaves: Uint8Array[] = []
  const roots: Uint8Array[] = [EMPTY_ROOT]
  for (const [index, hex] of leavesHex.entries()) {
    const leaf = await leafHash(fromHex(hex))
    const row = await appendLeaf(rows.at(-1)?.frontier ?? [], index, leaf)
    rows.push(row)
    leaves.push(leaf)
    roots.push(await rootOf(row.frontier))
  }
  const read: NodeReader = async (wanted) =>
    wanted.map(({ level, index }) => {
      const node = rows[(index + 1) * 2 ** level - 1]?.nodes[level]
      if (node === undefined) throw new Error(`there is no node ${level}/${index}`)
      return node
    })
  const vector = {
    name,
    leavesHex,
    leafHashesHex: leaves.map(toHex),
    rootsHex: roots.map(toHex),
    rows: rows.map(({ nodes, frontier }) => ({
      nodesHex: nodes.map(toHex),
      frontierHex: frontier.map(toHex),
    })),
  }
  return { vector, leaves, roots, read }
}

function sizes(largest: number): number[] {
  return Array.from({ length: largest + 1 }, (_, size) => size)
}

async function includeAll(tree: Grown, largest: number, only = sizes(largest)) {
  const vectors: InclusionVector[] = []
  for (const size of only) {
    for (let index = 0; index < size; index++) {
      const proof = await inclusionProof(index, size, tree.read)
      vectors.push({
        name: `${tree.vector.name}/${index}-of-${size}`,
        leafHashHex: toHex(tree.leaves[index] ?? EMPTY_ROOT),
        index,
        size,
        rootHex: toHex(tree.roots[size] ?? EMPTY_ROOT),
        proofHex: proof.map(toHex),
        valid: true,
      })
    }
  }
  return vectors
}

async function compareAll(tree: Grown, largest: number, only = sizes(largest)) {
  const vectors: ConsistencyVector[] = []
  for (const toSize of only) {
    for (let fromSize = 0; fromSize <= toSize; fromSize++) {
      const proof = await consistencyProof(fromSize, toSize, tree.read)
      vectors.push({
        name: `${tree.vector.name}/${fromSize}-to-${toSize}`,
        fromSize,
        fromRootHex: toHex(tree.roots[fromSize] ?? EMPTY_ROOT),
        toSize,
        toRootHex: toHex(tree.roots[toSize] ?? EMPTY_ROOT),
        proofHex: proof.map(toHex),
        valid: true,
      })
    }
  }
  return vectors
}

/** Proofs whose numbers do not fit into 32 bits: the root is computed from the path itself. */
async function makeHuge(): Promise<InclusionVector[]> {
  const cases: readonly (readonly [number, number])[] = [
    [2 ** 32, 2 ** 32 + 1],
    [2 ** 40 + 3, 2 ** 40 + 9],
    [Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER],
    [0, Number.MAX_SAFE_INTEGER],
  ]
  const vectors: InclusionVector[] = []
  for (const [index, size] of cases) {
    const leaf = await seedOf(`leaf ${index}`)
    const path: Uint8Array[] = []
    const root = await climb(leaf, BigInt(index), BigInt(size), path)
    vectors.push({
      name: `huge/${index}-of-${size}`,
      leafHashHex: toHex(leaf),
      index,
      size,
      rootHex: toHex(root),
      proofHex: path.map(toHex),
      valid: true,
    })
  }
  return vectors
}

/** The root over a leaf with made-up siblings, by the definition of PATH (RFC 6962 §2.1.1). */
async function climb(
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  path: Uint8Array[],
): Promise<Uint8Array> {
  if (size === 1n) return leaf
  let left = 1n
  while (left * 2n < size) left *= 2n
  const isLeft = index < left
  const below = isLeft
    ? await climb(leaf, index, left, path)
    : await climb(leaf, index - left, size - left, path)
  const sibling = await seedOf(`sibling ${path.length}`)
  path.push(sibling)
  return isLeft ? nodeHash(below, sibling) : nodeHash(sibling, below)
}

const OTHER = '00'.repeat(32)

function falseInclusions(all: readonly InclusionVector[]): InclusionVector[] {
  const of = (name: string) => {
    const found = all.find((each) => each.name === name)
    if (found === undefined) throw new Error(`there is no ${name}`)
    return { ...found, valid: false }
  }
  const base = of('reference/5-of-8')
  const edge = of('larger/20-of-21')
  const proof = base.proofHex
  const single = of('reference/0-of-1')
  return [
    { ...base, name: 'false/other-leaf', leafHashHex: OTHER },
    { ...base, name: 'false/other-root', rootHex: OTHER },
    { ...base, name: 'false/other-hash', proofHex: proof.with(1, OTHER) },
    { ...base, name: 'false/hash-left-out', proofHex: proof.slice(0, -1) },
    { ...base, name: 'false/first-hash-left-out', proofHex: proof.slice(1) },
    { ...base, name: 'false/hash-too-many', proofHex: [...proof, OTHER] },
    { ...base, name: 'false/hashes-swapped', proofHex: proof.toReversed() },
    { ...base, name: 'false/hash-of-31-bytes', proofHex: proof.with(0, '00'.repeat(31)) },
    { ...base, name: 'false/no-proof', proofHex: [] },
    { ...base, name: 'false/next-index', index: 6 },
    { ...base, name: 'false/index-is-size', index: 8 },
    { ...base, name: 'false/next-size', size: 9 },
    { ...base, name: 'false/size-0', index: 0, size: 0 },
    { ...base, name: 'false/root-as-leaf', leafHashHex: base.rootHex, proofHex: [] },
    { ...edge, name: 'false/edge-hash-left-out', proofHex: edge.proofHex.slice(0, -1) },
    { ...single, name: 'false/single-leaf-with-proof', proofHex: [OTHER] },
    { ...single, name: 'false/single-leaf-of-2', size: 2 },
  ]
}

function falseConsistencies(all: readonly ConsistencyVector[]): ConsistencyVector[] {
  const of = (name: string) => {
    const found = all.find((each) => each.name === name)
    if (found === undefined) throw new Error(`there is no ${name}`)
    return { ...found, valid: false }
  }
  const base = of('reference/6-to-8')
  const power = of('reference/4-to-7')
  const proof = base.proofHex
  const same = of('reference/8-to-8')
  const empty = of('reference/0-to-8')
  return [
    { ...base, name: 'false/other-old-root', fromRootHex: OTHER },
    { ...base, name: 'false/other-new-root', toRootHex: OTHER },
    { ...base, name: 'false/other-hash', proofHex: proof.with(0, OTHER) },
    { ...base, name: 'false/hash-left-out', proofHex: proof.slice(0, -1) },
    { ...base, name: 'false/hash-too-many', proofHex: [...proof, OTHER] },
    { ...base, name: 'false/no-proof', proofHex: [] },
    { ...base, name: 'false/hash-of-33-bytes', proofHex: proof.with(0, '00'.repeat(33)) },
    { ...base, name: 'false/next-old-size', fromSize: 7 },
    { ...base, name: 'false/next-new-size', toSize: 9 },
    {
      ...base,
      name: 'false/backwards',
      fromSize: 8,
      fromRootHex: base.toRootHex,
      toSize: 6,
      toRootHex: base.fromRootHex,
    },
    { ...power, name: 'false/old-root-repeated', proofHex: [power.fromRootHex, ...power.proofHex] },
    { ...power, name: 'false/power-other-root', fromRootHex: OTHER },
    { ...same, name: 'false/same-size-other-root', fromRootHex: OTHER },
    { ...same, name: 'false/same-size-with-proof', proofHex: [OTHER] },
    { ...empty, name: 'false/empty-with-proof', proofHex: [OTHER] },
    { ...empty, name: 'false/empty-other-root', fromRootHex: OTHER },
  ]
}
