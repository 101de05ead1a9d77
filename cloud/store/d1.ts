import { type ErrorCode, messageOf, ReprefixError } from '../../shared/errors.ts'
import type { SqlPort, SqlRow, SqlStatement, SqlValue } from './sql-port.ts'
import { toRow } from './sql-rows.ts'

/** What this program uses of a D1 binding: `env.DB` of a Worker has it, miniflare's has it too. */
export interface D1Binding {
  prepare(sql: string): D1Statement
  batch(statements: D1Statement[]): Promise<readonly D1Answer[]>
}

interface D1Statement {
  bind(...args: readonly (string | number | null | ArrayBuffer)[]): D1Statement
}

interface D1Answer {
  readonly results?: readonly unknown[] | null
}

/**
 * A Cloudflare D1 database. `batch()` is one transaction there, and every call one round trip. The
 * schema must be there already: `wrangler d1 migrations apply` makes it, see `requireSchema`.
 */
export function openD1(database: D1Binding): SqlPort {
  function bind({ sql, args }: SqlStatement): D1Statement {
    return database.prepare(sql).bind(...args.map(toArgument))
  }

  return {
    async batch(statements) {
      if (statements.length === 0) return []
      let answers: readonly D1Answer[]
      try {
        answers = await database.batch(statements.map(bind))
      } catch (cause) {
        throw storeError(cause)
      }
      return answers.map(({ results }) => ({ rows: rowsOf(results ?? []) }))
    },
    // The runtime owns the binding.
    close: () => undefined,
  }
}

function rowsOf(results: readonly unknown[]): SqlRow[] {
  if (Array.isArray(results)) return results.map((row) => toRow(row, 'the D1 database'))
  throw new ReprefixError('STORE_FAILED', 'the D1 database gave results of another form')
}

/** Bytes that are part of a larger buffer are copied: whether the rest is sent is not documented. */
function toArgument(value: SqlValue): string | number | null | ArrayBuffer {
  return value instanceof Uint8Array ? Uint8Array.from(value).buffer : value
}

/**
 * D1 tells errors in prose only. After those that pass by themselves a write may have been stored
 * or not; who asked finds out by asking again.
 */
const KINDS: readonly (readonly [pattern: RegExp, code: ErrorCode, remedy: string])[] = [
  [/SQLITE_CONSTRAINT|constraint failed/, 'STORE_CONFLICT', 'another writer was first'],
  [
    /overloaded|SQLITE_BUSY|Network connection lost|transient issue|was reset|to be reset|reset because/,
    'STORE_BUSY',
    'could not confirm: it is overloaded or was moved; it is tried again',
  ],
  [
    /maximum DB size|maximum account storage|SQLITE_FULL/,
    'STORE_FULL',
    'it has reached the size that the plan allows; raise the plan, nothing was changed',
  ],
  [
    /no such table|no such column/,
    'STORE_FAILED',
    'it does not have the schema of this version; run "wrangler d1 migrations apply"',
  ],
]

function storeError(cause: unknown): ReprefixError {
  const message = messageOf(cause)
  const [, code, remedy] = KINDS.find(([pattern]) => pattern.test(message)) ?? []
  const what = 'the D1 database failed'
  return new ReprefixError(code ?? 'STORE_FAILED', `${what}: ${remedy ?? message}`, { cause })
}
