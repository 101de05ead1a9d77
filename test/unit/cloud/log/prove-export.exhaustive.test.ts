import { describe, expect, it } from 'vitest'
import { proveInExport } from '../../../../cloud/log/prove-export.ts'
import { appendLeaf, leafHash, rootOf, verifyInclusion } from '../../../../shared/merkle.ts'
import { parseTlogProof } from '../../../../shared/tlog-proof.ts'

describe('a proof from an export', () => {
  it('leads from every entry to the root, whatever the size', async () => {
    const lines: string[] = []
    let frontier: readonly Uint8Array[] = []
    for (let size = 1; size <= 40; size++) {
      const entry = `{"entry":${size - 1}}`
      lines.push(JSON.stringify({ index: size - 1, entry }))
      const hash = await leafHash(new TextEncoder().encode(entry))
      frontier = (await appendLeaf(frontier, size - 1, hash)).frontier
      const root = await rootOf(frontier)
      const whole = [...lines, '{"checkpoint":"note"}']
      for (let index = 0; index < size; index++) {
        const { text, proof, genesis } = await proveInExport(whole, index)
        const { hashes, checkpoint } = parseTlogProof(proof)
        const leaf = await leafHash(new TextEncoder().encode(text))
        expect([genesis, checkpoint]).toEqual(['{"entry":0}', 'note'])
        const claim = { leaf, index, size, root, proof: hashes }
        expect(await verifyInclusion(claim), `${index} of ${size}`).toBe(true)
      }
    }
  })
})
