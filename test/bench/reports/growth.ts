import { createAuditLog } from '../../../cloud/log/audit-log.ts'
import { nodeSha256 } from '../../../cloud/log/node-sha256.ts'
import type { AuditLog } from '../../../cloud/ports.ts'
import type { SqlPort } from '../../../cloud/store/sql-port.ts'
import { createSqlRepository } from '../../../cloud/store/sql-repository.ts'
import type { NoteSigner } from '../../../shared/checkpoint.ts'
import { lengthenLog } from './big-log.ts'

/** What an append and a proof cost in a log of so many entries. */
export interface GrowthPoint {
  readonly entries: number
  readonly appendMs: readonly number[]
  readonly proofMs: readonly number[]
  /** Rows of the log that each proof read. */
  readonly proofRows: readonly number[]
}

const AT = '2026-03-01T12:00:00.000Z'

/** A port that counts the rows it gives. */
export function countRows(port: SqlPort): { readonly port: SqlPort; rows(): number } {
  let count = 0
  return {
    port: {
      async batch(statements) {
        const results = await port.batch(statements)
        for (const { rows } of results) count += rows.length
        return results
      },
      close: () => port.close(),
    },
    rows: () => count,
  }
}

/**
 * Measures `samples` appends and as many receipts at each size, the log made longer in between. A
 * receipt is of any entry, for a host that has seen any part of the log before; the first is of the
 * last entry, for a host that has seen the size whose proof is longest.
 */
export async function measureGrowth(
  store: SqlPort,
  signer: NoteSigner,
  sizes: readonly number[],
  samples: number,
  onProgress: (line: string) => void,
): Promise<readonly GrowthPoint[]> {
  const { port, rows } = countRows(store)
  const repository = createSqlRepository(port)
  const points: GrowthPoint[] = []
  for (const entries of sizes) {
    onProgress(`a log of ${entries} entries`)
    await lengthenLog(store, repository, entries)
    // As after a start: it has to learn what the end of the log is, and has no hash at hand.
    const startLog = () =>
      createAuditLog({
        repository,
        signer,
        sleep: async () => undefined,
        random: Math.random,
        sha256: nodeSha256,
      })
    const log = startLog()
    const appendMs: number[] = []
    for (let i = 0; i <= samples; i++) {
      const startedAt = performance.now()
      await append(log)
      if (i > 0) appendMs.push(performance.now() - startedAt)
    }
    const size = entries + samples + 1
    const proofMs: number[] = []
    const proofRows: number[] = []
    for (const [index, witness] of askedOf(size, samples)) {
      const started = startLog()
      const before = rows()
      const startedAt = performance.now()
      await started.receipt(index, witness)
      proofMs.push(performance.now() - startedAt)
      proofRows.push(rows() - before)
    }
    points.push({ entries, appendMs, proofMs, proofRows })
  }
  return points
}

function append(log: AuditLog) {
  const entry = { v: 1, kind: 'policy', at: AT, host: 'home', policy: {} } as const
  return log.append(async () => ({ entry, writes: [] }))
}

/** Receipts to ask for; in half of them the host has seen nearly all, as one that reports daily has. */
export function askedOf(
  size: number,
  samples: number,
  random: () => number = Math.random,
): readonly (readonly [index: number, witness: number])[] {
  const below = (limit: number) => Math.floor(random() * limit)
  // All bits set but the highest: neither tree shares a whole subtree with its neighbour.
  const longest = 2 ** Math.floor(Math.log2(size)) - 1
  const others = Array.from({ length: samples }, (_, i) => {
    const index = below(size)
    return [index, i % 2 === 0 ? below(index + 2) : Math.max(0, index - below(100))] as const
  })
  return [[size - 1, longest], ...others]
}
