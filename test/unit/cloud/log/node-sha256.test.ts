import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../../../cloud/log/node-sha256.ts'
import { sha256 } from '../../../../shared/ed25519.ts'
import { appendLeaf, leafHash, rootOf } from '../../../../shared/merkle.ts'

describe('nodeSha256', () => {
  it('agrees with Web Crypto on bytes of any length', async () => {
    const bytes = fc.uint8Array({ maxLength: 3000 })
    await fc.assert(
      fc.asyncProperty(bytes, async (given) => {
        expect(await nodeSha256(given)).toStrictEqual(await sha256(given))
      }),
    )
  })

  it('gives the same tree', async () => {
    let frontier: readonly Uint8Array[] = []
    for (let index = 0; index < 70; index++) {
      const entry = new TextEncoder().encode(`entry ${index}`)
      const row = await appendLeaf(frontier, index, await leafHash(entry))
      const leaf = await leafHash(entry, nodeSha256)
      expect(await appendLeaf(frontier, index, leaf, nodeSha256)).toStrictEqual(row)
      expect(await rootOf(row.frontier, nodeSha256)).toStrictEqual(await rootOf(row.frontier))
      frontier = row.frontier
    }
  })
})
