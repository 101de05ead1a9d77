import Database from 'libsql'
import { type ErrorCode, messageOf, ReprefixError } from '../../shared/errors.ts'
import { createNewest } from '../../shared/newest.ts'
import type { SqlPort, SqlResult, SqlStatement } from './sql-port.ts'
import { toRow } from './sql-rows.ts'

/** How long a write waits for another process that holds the file. */
const BUSY_TIMEOUT_MS = 5000
/** Statements kept ready; more than this program has, but for lists of unusual lengths. */
const MAX_PREPARED = 200

/**
 * Opens a libsql database, creating the file when there is none. One connection carries everything,
 * so that statements of this process never wait for each other inside SQLite; WAL lets other
 * processes read meanwhile, and `synchronous=FULL` makes every commit outlive a power cut.
 * Statements are prepared once: to prepare one anew takes several times as long as to run it.
 */
export async function openLibsql(url: string): Promise<SqlPort> {
  let database: Database.Database
  try {
    database = new Database(url, { timeout: BUSY_TIMEOUT_MS })
    database.exec('PRAGMA journal_mode=WAL')
    database.exec('PRAGMA synchronous=FULL')
  } catch (cause) {
    throw storeError(cause, `failed to open the store ${url}`)
  }
  const prepare = createPreparer(database)

  function run({ sql, args }: SqlStatement): SqlResult {
    const { statement, isReader } = prepare(sql)
    if (isReader) return { rows: statement.all([...args]).map((row) => toRow(row, 'the store')) }
    statement.run([...args])
    return { rows: [] }
  }

  function runAll(statements: readonly SqlStatement[]): readonly SqlResult[] {
    run(BEGIN)
    try {
      const results = statements.map(run)
      run(COMMIT)
      return results
    } catch (error) {
      // SQLite itself undoes some transactions that fail.
      if (database.inTransaction) run(ROLLBACK)
      throw error
    }
  }

  return {
    async batch(statements) {
      const [only, ...more] = statements
      if (only === undefined) return []
      try {
        return more.length === 0 ? [run(only)] : runAll(statements)
      } catch (cause) {
        throw storeError(cause, `the store ${url} failed`)
      }
    },
    close: () => database.close(),
  }
}

/** IMMEDIATE waits for the write lock at the start, where waiting is still possible. */
const BEGIN: SqlStatement = { sql: 'BEGIN IMMEDIATE', args: [] }
const COMMIT: SqlStatement = { sql: 'COMMIT', args: [] }
const ROLLBACK: SqlStatement = { sql: 'ROLLBACK', args: [] }

type Prepared = { readonly statement: Database.Statement; readonly isReader: boolean }

/** Prepares statements, keeping those that were used last. */
function createPreparer(database: Database.Database): (sql: string) => Prepared {
  const kept = createNewest<string, Prepared>(MAX_PREPARED)
  return (sql) => {
    const known = kept.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    const prepared = { statement, isReader: statement.reader }
    return kept.keep(sql, prepared)
  }
}

const KINDS: readonly (readonly [prefix: string, code: ErrorCode, remedy: string])[] = [
  ['SQLITE_CONSTRAINT', 'STORE_CONFLICT', 'another writer was first'],
  [
    'SQLITE_BUSY',
    'STORE_BUSY',
    'another process holds it; is a second cloud running on this file?',
  ],
  [
    'SQLITE_LOCKED',
    'STORE_BUSY',
    'another process holds it; is a second cloud running on this file?',
  ],
  ['SQLITE_FULL', 'STORE_FULL', 'the disk is full; free some space, nothing was changed'],
  ['SQLITE_READONLY', 'STORE_FAILED', 'it is read-only; give this user write access to it'],
  [
    'SQLITE_CANTOPEN',
    'STORE_FAILED',
    'cannot be opened; does its directory exist and may this user write it?',
  ],
  [
    'SQLITE_IOERR',
    'STORE_FAILED',
    'the disk is full or failing; see "df" and the messages of the kernel, nothing was changed',
  ],
  [
    'SQLITE_NOTADB',
    'STORE_FAILED',
    'this file is not a database; give the store a path of its own',
  ],
]

function storeError(cause: unknown, what: string): ReprefixError {
  if (cause instanceof ReprefixError) return cause
  const code = codeOf(cause)
  const known = KINDS.find(([prefix]) => code.startsWith(prefix))
  if (known !== undefined) return new ReprefixError(known[1], `${what}: ${known[2]}`, { cause })
  return new ReprefixError('STORE_FAILED', `${what}: ${messageOf(cause)}`, { cause })
}

function codeOf(error: unknown): string {
  // The driver tells this one in prose only.
  if (messageOf(error).includes('Unable to open connection')) return 'SQLITE_CANTOPEN'
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}
