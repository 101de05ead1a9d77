import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
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
  verifyConsistency,
  verifyInclusion,
} from '../../../shared/merkle.ts'
import { fromHex, toHex } from './hex.ts'

// The reference data of RFC 6962's own implementation: eight leaves, the root after each.
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const ROOTS = [
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
const H = {
  leaf1: '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  leaf4: 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  pair23: '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
  pair45: '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
  pair67: 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  quad47: '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  quad03: ROOTS[4] ?? '',
  leaf0: ROOTS[1] ?? '',
  pair01: ROOTS[2] ?? '',
}

interface Log {
  rows: TreeRow[]
  roots: Uint8Array[]
  read: NodeReader
  reads: number
}

async function grow(entries: readonly Uint8Array[]): Promise<Log> {
  const rows: TreeRow[] = []
  const roots = [EMPTY_ROOT]
  for (const [index, entry] of entries.entries()) {
    const row = await appendLeaf(rows.at(-1)?.frontier ?? [], index, await leafHash(entry))
    rows.push(row)
    roots.push(await rootOf(row.frontier))
  }
  const log: Log = { rows, roots, reads: 0, read: async () => [] }
  log.read = async (wanted) => {
    log.reads += wanted.length
    return wanted.map(({ level, index }) => at(at(rows, (index + 1) * 2 ** level - 1).nodes, level))
  }
  return log
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new Error(`nothing stored at ${index}`)
  return found
}

describe('the tree of RFC 6962', () => {
  let log: Log
  beforeAll(async () => {
    log = await grow(LEAVES.map(fromHex))
  })

  it('has the published roots', () => {
    expect(log.roots.map(toHex)).toEqual(ROOTS)
  })

  it.each<[number, number, string[]]>([
    [0, 1, []],
    [0, 8, [H.leaf1, H.pair23, H.quad47]],
    [5, 8, [H.leaf4, H.pair67, H.quad03]],
    [2, 3, [H.pair01]],
    [1, 5, [H.leaf0, H.pair23, H.leaf4]],
  ])('has the published path of leaf %i in %i', async (index, size, path) => {
    expect((await inclusionProof(index, size, log.read)).map(toHex)).toEqual(path)
  })

  it.each<[number, number, string[]]>([
    [1, 1, []],
    [1, 8, [H.leaf1, H.pair23, H.quad47]],
    [6, 8, [H.pair45, H.pair67, H.quad03]],
    [2, 5, [H.pair23, H.leaf4]],
    [0, 5, []],
  ])('has the published consistency proof from %i to %i', async (from, to, path) => {
    expect((await consistencyProof(from, to, log.read)).map(toHex)).toEqual(path)
  })

  it('keeps leaves and inner nodes apart', async () => {
    const [a, b] = [await leafHash(fromHex('00')), await leafHash(fromHex('01'))]
    const forged = await leafHash(Uint8Array.from([...a, ...b]))
    expect(toHex(forged)).not.toBe(toHex(await nodeHash(a, b)))
  })
})

describe('proofs', () => {
  const SIZE = 33
  let log: Log
  beforeAll(async () => {
    log = await grow(Array.from({ length: SIZE }, (_, i) => new TextEncoder().encode(`entry ${i}`)))
  })

  it('of every leaf in every tree, and between all trees, hold', async () => {
    for (let size = 1; size <= SIZE; size += 1) {
      const root = at(log.roots, size)
      for (let index = 0; index < size; index += 1) {
        const proof = await inclusionProof(index, size, log.read)
        expect(
          await verifyInclusion({ leaf: at(log.rows, index).leaf, index, size, root, proof }),
        ).toBe(true)
      }
      for (let from = 0; from <= size; from += 1) {
        const proof = await consistencyProof(from, size, log.read)
        const claim = { from: { size: from, root: at(log.roots, from) }, to: { size, root }, proof }
        expect(await verifyConsistency(claim)).toBe(true)
      }
    }
  })

  const proofs = fc
    .integer({ min: 1, max: SIZE })
    .chain((size) => fc.tuple(fc.integer({ min: 0, max: size - 1 }), fc.constant(size)))

  it('hold for no other leaf, index, size, root or path', async () => {
    await fc.assert(
      fc.asyncProperty(proofs, fc.nat(), fc.nat(7), async ([index, size], pick, bit) => {
        const proof = await inclusionProof(index, size, log.read)
        const honest = {
          leaf: at(log.rows, index).leaf,
          index,
          size,
          root: at(log.roots, size),
          proof,
        }
        const flip = (bytes: Uint8Array) =>
          bytes.map((b, i) => (i === pick % 32 ? b ^ (1 << bit) : b))
        const lies = [
          { ...honest, leaf: flip(honest.leaf) },
          { ...honest, root: flip(honest.root) },
          { ...honest, index: (index + 1) % (size + 1) },
          { ...honest, index: -1 },
          { ...honest, index: 0.5 },
          { ...honest, size: 0 },
          { ...honest, size: Number.NaN },
          { ...honest, proof: [...proof, EMPTY_ROOT] },
          ...(proof.length === 0
            ? []
            : [
                { ...honest, proof: proof.slice(1) },
                {
                  ...honest,
                  proof: proof.map((h, i) => (i === pick % proof.length ? flip(h) : h)),
                },
                { ...honest, proof: proof.map((h) => h.slice(1)) },
              ]),
        ]
        for (const lie of lies) expect(await verifyInclusion(lie)).toBe(false)
      }),
    )
  })

  it('show a rewritten log: no path connects two histories that differ', async () => {
    const entries = Array.from({ length: SIZE }, (_, i) => new TextEncoder().encode(`entry ${i}`))
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: SIZE }),
        fc.nat(SIZE - 1),
        async (from, altered) => {
          fc.pre(altered < from)
          const other = await grow(
            entries.map((e, i) => (i === altered ? Uint8Array.from([...e, 0]) : e)),
          )
          const proof = await consistencyProof(from, SIZE, other.read)
          const to = { size: SIZE, root: at(other.roots, SIZE) }
          expect(
            await verifyConsistency({ from: { size: from, root: at(log.roots, from) }, to, proof }),
          ).toBe(false)
          expect(
            await verifyConsistency({
              from: { size: from, root: at(other.roots, from) },
              to,
              proof,
            }),
          ).toBe(true)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('refuse a smaller tree as the continuation, and padding', async () => {
    const [a, b] = [3, 7].map((size) => ({ size, root: at(log.roots, size) }))
    if (a === undefined || b === undefined) throw new Error('no trees')
    const proof = await consistencyProof(3, 7, log.read)
    expect(await verifyConsistency({ from: b, to: a, proof })).toBe(false)
    expect(await verifyConsistency({ from: a, to: b, proof: [...proof, EMPTY_ROOT] })).toBe(false)
    expect(await verifyConsistency({ from: a, to: b, proof: [] })).toBe(false)
    expect(await verifyConsistency({ from: a, to: a, proof: [EMPTY_ROOT] })).toBe(false)
    expect(await verifyConsistency({ from: { size: 0, root: a.root }, to: b, proof: [] })).toBe(
      false,
    )
  })

  it('are refused for entries that do not exist', () => {
    expect(() => inclusionProof(5, 5, log.read)).toThrow(
      expect.objectContaining({ code: 'TREE_INVALID' }),
    )
    expect(() => inclusionProof(-1, 5, log.read)).toThrow()
    expect(() => consistencyProof(6, 5, log.read)).toThrow(
      expect.objectContaining({ code: 'TREE_INVALID' }),
    )
  })

  it('read few hashes, also from a log of a million', async () => {
    let wanted = 0
    const count: NodeReader = async (positions) => {
      wanted = positions.length
      return positions.map(() => EMPTY_ROOT)
    }
    await inclusionProof(123_456, 1_000_003, count)
    expect(wanted).toBeLessThanOrEqual(40)
    await consistencyProof(123_457, 1_000_003, count)
    expect(wanted).toBeLessThanOrEqual(40)
  })

  it('need a right edge that belongs to the index', async () => {
    await expect(appendLeaf([], 1, EMPTY_ROOT)).rejects.toMatchObject({ code: 'TREE_INVALID' })
    await expect(appendLeaf([EMPTY_ROOT, EMPTY_ROOT], 4, EMPTY_ROOT)).rejects.toMatchObject({
      code: 'TREE_INVALID',
    })
  })
})
