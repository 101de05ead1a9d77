import { keepNewest } from '../../shared/keep-newest.ts'
import type { NodePosition, NodeReader } from '../../shared/merkle.ts'
import type { LogRow } from '../ports.ts'

/** What is at hand of the log without asking the store. */
export interface RowMemory {
  /** Takes in a row that is committed: only then is it what it will be for ever. */
  learn(row: LogRow): void
  /** A row that was committed lately. */
  row(index: number): LogRow | undefined
  /** Asks `read` only for hashes that are not at hand, and keeps what it gives. */
  reading(read: NodeReader): NodeReader
}

/** A receipt is made of the row that was written a moment ago, or some commits before. */
const MAX_ROWS = 128
/** Hashes of the large subtrees, which every proof needs; about 200 bytes each. */
const MAX_NODES = 4096

/**
 * Keeps the last rows and the hashes of subtrees that proofs have asked for. Rows are never changed and
 * complete subtrees never grow (RFC 6962 §2.1), so nothing here grows stale.
 */
export function createRowMemory(): RowMemory {
  const rows = new Map<number, LogRow>()
  const nodes = new Map<string, Uint8Array>()

  return {
    learn(row) {
      keepNewest(rows, row.index, row, MAX_ROWS)
      for (const [level, hash] of row.nodes.entries()) {
        keepNewest(
          nodes,
          placeOf({ level, index: (row.index + 1) / 2 ** level - 1 }),
          hash,
          MAX_NODES,
        )
      }
    },

    row: (index) => rows.get(index),

    reading: (read) => async (wanted) => {
      const missing = wanted.filter((id) => !nodes.has(placeOf(id)))
      const found = missing.length === 0 ? [] : await read(missing)
      const fresh = new Map(missing.map((id, position) => [placeOf(id), found[position]]))
      return wanted.flatMap((id) => {
        const place = placeOf(id)
        const hash = nodes.get(place) ?? fresh.get(place)
        if (hash === undefined) return []
        return [keepNewest(nodes, place, hash, MAX_NODES)]
      })
    },
  }
}

function placeOf({ level, index }: NodePosition): string {
  return `${level}/${index}`
}
