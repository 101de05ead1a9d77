import type { Repository } from '../../cloud/ports.ts'
import { type ErrorCode, ReprefixError } from '../../shared/errors.ts'

/** Where the next matching commit fails: before anything is stored, or after all of it is. */
export interface CommitFault {
  /** Part of an entry's text that tells which commit, for example `"kind":"applied"`. */
  readonly entry: string
  readonly hasStored: boolean
  /** `STORE_FAILED` unless given. */
  readonly code?: ErrorCode
}

/** A repository whose commits fail as scripted. */
export function createFaultyRepository(repository: Repository, faults: CommitFault[]): Repository {
  return {
    ...repository,
    async commit(rows, writes, after) {
      const at = faults.findIndex(({ entry }) => rows.some((row) => row.entry.includes(entry)))
      const [fault] = at < 0 ? [] : faults.splice(at, 1)
      if (fault?.hasStored === false) throw failed(fault)
      const result = await repository.commit(rows, writes, after)
      if (fault?.hasStored === true) throw failed(fault)
      return result
    },
  }
}

function failed({ code = 'STORE_FAILED' }: CommitFault): ReprefixError {
  return new ReprefixError(code, 'scripted fault of the store')
}
