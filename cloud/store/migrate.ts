import { isReprefixError, ReprefixError } from '../../shared/errors.ts'
import type { SqlPort, SqlStatement } from '../ports.ts'
import initial from './migrations/0001-initial.sql.ts'
import sharedNames from './migrations/0002-shared-names.sql.ts'
import zoneLeases from './migrations/0003-zone-leases.sql.ts'

/** Every schema ever released, oldest first; number n brings version n - 1 to n. */
export const MIGRATIONS: readonly string[] = [initial, sharedNames, zoneLeases]

/**
 * Brings the store to this version's schema, one migration a transaction. Refuses to touch a store
 * that a newer version has written: it could not read it truly.
 */
export async function migrate(port: SqlPort, migrations = MIGRATIONS): Promise<void> {
  await port.batch([
    statement('CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL) STRICT'),
  ])
  for (;;) {
    const version = await schemaVersion(port)
    if (version > migrations.length) {
      throw new ReprefixError(
        'STORE_TOO_NEW',
        `the store has schema ${version}, this version knows ${migrations.length}; ` +
          'start the version that wrote it, or restore a backup from before the upgrade',
      )
    }
    const sql = migrations[version]
    if (sql === undefined) return
    await step(port, version, sql)
  }
}

async function step(port: SqlPort, from: number, sql: string): Promise<void> {
  try {
    await port.batch([
      ...splitStatements(sql).map(statement),
      statement('DELETE FROM schema'),
      { sql: 'INSERT INTO schema (version) VALUES (?)', args: [from + 1] },
    ])
  } catch (error) {
    // Two processes may start at once; the second finds the tables made.
    if ((await schemaVersion(port)) > from) return
    const remedy = from === 0 ? '; is it the file of another program?' : ''
    if (remedy === '' || !isReprefixError(error, 'STORE_FAILED')) throw error
    throw new ReprefixError('STORE_FAILED', `${error.message}${remedy}`, { cause: error })
  }
}

async function schemaVersion(port: SqlPort): Promise<number> {
  const [result] = await port.batch([statement('SELECT max(version) AS version FROM schema')])
  const version = result?.rows[0]?.version ?? 0
  return typeof version === 'number' ? version : 0
}

/** The statements of a migration: each ends with `;` at the end of a line. */
export function splitStatements(sql: string): string[] {
  return sql
    .split(/;[ \t]*(?:\n|$)/)
    .map((text) => text.trim())
    .filter((text) => text !== '')
}

function statement(sql: string): SqlStatement {
  return { sql, args: [] }
}
