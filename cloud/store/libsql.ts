import { type Client, createClient } from '@libsql/client'
import { type ErrorCode, messageOf, ReprefixError } from '../../shared/errors.ts'
import type { SqlPort, SqlRow, SqlStatement, SqlValue } from '../ports.ts'

/** How long a write waits for another process that holds the file. */
const BUSY_TIMEOUT_MS = 5000

/**
 * Opens a libsql database, creating the file when there is none. One connection carries everything,
 * so that statements of this process never wait for each other inside SQLite; WAL lets other
 * processes read meanwhile, and `synchronous=FULL` makes every commit outlive a power cut.
 */
export async function openLibsql(url: string): Promise<SqlPort> {
  let client: Client
  try {
    client = createClient({ url, concurrency: 1, timeout: BUSY_TIMEOUT_MS })
    await client.execute('PRAGMA journal_mode=WAL')
    await client.execute('PRAGMA synchronous=FULL')
  } catch (cause) {
    throw storeError(cause, `failed to open the store ${url}`)
  }
  return {
    async batch(statements) {
      try {
        const [only, ...more] = statements
        if (only === undefined) return []
        const done =
          more.length === 0
            ? [await client.execute(toLibsql(only))]
            : await client.batch(statements.map(toLibsql), 'write')
        return done.map((result) => ({
          rows: result.rows.map((row) => toRow(row, result.columns)),
        }))
      } catch (cause) {
        throw storeError(cause, `the store ${url} failed`)
      }
    },
    close: () => client.close(),
  }
}

function toLibsql({ sql, args }: SqlStatement) {
  return { sql, args: [...args] }
}

function toRow(row: Readonly<Record<string, unknown>>, columns: readonly string[]): SqlRow {
  return Object.fromEntries(columns.map((column) => [column, toValue(row[column])]))
}

function toValue(value: unknown): SqlValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  throw new ReprefixError('STORE_FAILED', `the store gave a value of type ${typeof value}`)
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
