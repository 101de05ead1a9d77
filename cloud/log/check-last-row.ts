import { ReprefixError } from '../../shared/errors.ts'
import { appendLeaf, leafHash, type Sha256 } from '../../shared/merkle.ts'
import { equalBytes } from '../../shared/merkle-verify.ts'
import type { LogRow, Repository } from '../ports.ts'

/** Judges the row that an append builds on. */
export interface LastRowChecker {
  /** The newest row that this process wrote or has judged. */
  trusted(): LogRow | undefined
  /** @throws ReprefixError LOG_ALTERED when the end of the log is not what was written */
  check(last: LogRow | undefined): Promise<void>
  /** Notes the row that this process has just committed. */
  trust(row: LogRow): void
}

/**
 * Keeps an append from covering up an altered store: a log that got shorter, or whose last row is
 * not the one written, is not continued. A row that this process wrote is compared from memory;
 * another one is computed anew from the row before it. What lies deeper is found by `audit verify`.
 */
export function createLastRowChecker(
  repository: Pick<Repository, 'rows'>,
  sha256?: Sha256,
): LastRowChecker {
  let trusted: LogRow | undefined

  async function recompute({ index, entry }: LogRow): Promise<LogRow> {
    try {
      const [before] = index === 0 ? [] : await repository.rows([index - 1])
      const leaf = await leafHash(new TextEncoder().encode(entry), sha256)
      return { index, entry, ...(await appendLeaf(before?.frontier ?? [], index, leaf, sha256)) }
    } catch (cause) {
      const isOurs = cause instanceof ReprefixError
      if (!isOurs || !['TREE_INVALID', 'LOG_MISSING_ROW'].includes(cause.code)) throw cause
      throw altered(index, 'the rows before it are damaged', cause)
    }
  }

  return {
    trusted: () => trusted,
    async check(last) {
      if (trusted !== undefined && (last === undefined || last.index < trusted.index)) {
        throw altered(trusted.index, 'it was there and is gone')
      }
      if (last === undefined) return
      const expected = trusted?.index === last.index ? trusted : await recompute(last)
      if (!isSameRow(expected, last)) throw altered(last.index, 'it is not what was written')
      trusted = expected
    },
    trust(row) {
      trusted = row
    },
  }
}

function isSameRow(a: LogRow, b: LogRow): boolean {
  const [left, right] = [a, b].map(({ leaf, nodes, frontier }) => [leaf, ...nodes, ...frontier])
  return (
    a.entry === b.entry &&
    left?.length === right?.length &&
    left?.every((hash, i) => equalBytes(hash, right?.[i] ?? new Uint8Array())) === true
  )
}

function altered(index: number, reason: string, cause?: unknown): ReprefixError {
  return new ReprefixError(
    'LOG_ALTERED',
    `entry ${index} of the log: ${reason}. The store was altered or replaced, so nothing is added ` +
      'to it: see "reprefix audit verify", then restore the newest backup',
    { cause },
  )
}
