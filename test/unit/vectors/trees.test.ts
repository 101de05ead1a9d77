import { describe, expect, it } from 'vitest'
import {
  appendLeaf,
  EMPTY_ROOT,
  leafHash,
  rootOf,
  type TreeRow,
  verifyConsistency,
  verifyInclusion,
} from '../../../shared/merkle.ts'
import { readVectors } from '../../vectors/read.ts'
import type { TreeVectors } from '../../vectors/shapes.ts'
import { fromHex, toHex } from '../shared/hex.ts'

const { trees, inclusion, consistency } = await readVectors<TreeVectors>('trees.json')

describe('trees.json', () => {
  it.each(trees)('$name: leaves, rows and roots', async (tree) => {
    const rows: TreeRow[] = []
    const roots = [toHex(EMPTY_ROOT)]
    for (const [index, hex] of tree.leavesHex.entries()) {
      const leaf = await leafHash(fromHex(hex))
      expect(toHex(leaf)).toBe(tree.leafHashesHex[index])
      const row = await appendLeaf(rows.at(-1)?.frontier ?? [], index, leaf)
      rows.push(row)
      roots.push(toHex(await rootOf(row.frontier)))
    }
    expect(roots).toEqual(tree.rootsHex)
    const shown = rows.map(({ nodes, frontier }) => ({
      nodesHex: nodes.map(toHex),
      frontierHex: frontier.map(toHex),
    }))
    expect(shown).toEqual(tree.rows)
  })

  it.each(inclusion)('inclusion $name: $valid', async ({ index, size, valid, ...hex }) => {
    const [leaf, root] = [fromHex(hex.leafHashHex), fromHex(hex.rootHex)]
    const proof = hex.proofHex.map(fromHex)
    expect(await verifyInclusion({ leaf, index, size, root, proof })).toBe(valid)
  })

  it.each(consistency)('consistency $name: $valid', async ({ fromSize, toSize, valid, ...hex }) => {
    const from = { size: fromSize, root: fromHex(hex.fromRootHex) }
    const to = { size: toSize, root: fromHex(hex.toRootHex) }
    const proof = hex.proofHex.map(fromHex)
    expect(await verifyConsistency({ from, to, proof })).toBe(valid)
  })
})
