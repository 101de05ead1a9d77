import { ReprefixError } from '../../shared/errors.ts'
import type { NodeReader } from '../../shared/merkle.ts'
import type { LogRow, Repository } from '../ports.ts'

type RowReader = Pick<Repository, 'rows'>

/**
 * Reads hashes of perfect subtrees from the rows that completed them: the subtree `(level, index)`
 * covers 2^level leaves and is completed by the last of them. One query for each call.
 */
export function readNodes(repository: RowReader): NodeReader {
  return async (wanted) => {
    const completedBy = wanted.map(({ level, index }) => (index + 1) * 2 ** level - 1)
    const rows = await repository.rows(completedBy)
    return wanted.map(({ level }, position) => {
      const hash = rows[position]?.nodes[level]
      if (hash === undefined) {
        throw new ReprefixError(
          'LOG_MISSING_ROW',
          `row ${completedBy[position]} of the log lacks the hash of level ${level}`,
        )
      }
      return hash
    })
  }
}

/** Makes one query of all rows that are asked for in the same turn. */
export function gatherRows(repository: RowReader): RowReader {
  let gathered: { readonly indices: Set<number>; readonly rows: Promise<Rows> } | undefined

  function gather(): { readonly indices: Set<number>; readonly rows: Promise<Rows> } {
    const indices = new Set<number>()
    const rows = Promise.resolve().then(async () => {
      gathered = undefined
      const found = await repository.rows([...indices])
      return new Map(found.map((row) => [row.index, row]))
    })
    return { indices, rows }
  }

  return {
    async rows(wanted) {
      gathered ??= gather()
      const { indices, rows } = gathered
      for (const index of wanted) indices.add(index)
      const found = await rows
      return wanted.flatMap((index) => found.get(index) ?? [])
    },
  }
}

type Rows = ReadonlyMap<number, LogRow>
