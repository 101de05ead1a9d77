import type { NodePosition, NodeReader } from '../../shared/merkle.ts'
import { createNewest } from '../../shared/newest.ts'
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

/** A receipt is made of the row that was written a moment ago, or some commits before: twice 128. */
const MAX_ROWS = 256
/** Hashes of the large subtrees, which every proof needs; about 200 bytes each. */
const MAX_NODES = 4096

/**
 * Keeps the last rows and the hashes of subtrees that proofs have asked for. Rows are never changed and
 * complete subtrees never grow (RFC 6962 §2.1), so nothing here grows stale.
 */
export function createRowMemory(): RowMemory {
  const rows = createNewest<number, LogRow>(MAX_ROWS)
  const nodes = createNewest<string, Uint8Array>(MAX_NODES)

  return {
    learn(row) {
      rows.keep(row.index, row)
      for (const [level, hash] of row.nodes.entries()) {
        nodes.keep(placeOf({ level, index: (row.index + 1) / 2 ** level - 1 }), hash)
      }
    },

    row: (index) => rows.get(index),

    reading: (read) => async (wanted) => {
      const places = wanted.map(placeOf)
      const known = places.map((place) => nodes.get(place))
      const missing = wanted.filter((_, i) => known[i] === undefined)
      const found = missing.length === 0 ? [] : await read(missing)
      let next = 0
      return places.flatMap((place, i) => {
        const hash = known[i] ?? found[next++]
        return hash === undefined ? [] : [nodes.keep(place, hash)]
      })
    },
  }
}

function placeOf({ level, index }: NodePosition): string {
  return `${level}/${index}`
}
