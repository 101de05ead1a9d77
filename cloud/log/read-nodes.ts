import { ReprefixError } from '../../shared/errors.ts'
import type { NodeReader } from '../../shared/merkle.ts'
import type { Repository } from '../ports.ts'

/**
 * Reads hashes of perfect subtrees from the rows that completed them: the subtree `(level, index)`
 * covers 2^level leaves and is completed by the last of them. One query for a whole proof.
 */
export function readNodes(repository: Pick<Repository, 'rows'>): NodeReader {
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
