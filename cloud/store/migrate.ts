import { isReprefixError, ReprefixError } from '../../shared/errors.ts'
import initial from './migrations/0001-initial.sql.ts'
import sharedNames from './migrations/0002-shared-names.sql.ts'
import zoneLeases from './migrations/0003-zone-leases.sql.ts'
import { refuseNewer, schemaVersion } from './schema-version.ts'
import type { SqlPort, SqlStatement } from './sql-port.ts'

/** Every schema ever released, oldest first; number n brings version n - 1 to n. */
export const MIGRATIONS: readonly string[] = [initial, sharedNames, zoneLeases]

/**
 * Brings the store to this version's schema, one migration a transaction. Refuses to touch a store
 * that a newer version has written: it could not read it truly.
 */
export async function migrate(port: SqlPort, migrations = MIGRATIONS): Promise<void> {
  await port.batch([statement(CREATE_SCHEMA)])
  for (;;) {
    const version = await schemaVersion(port)
    refuseNewer(version, migrations.length)
    const sql = migrations[version]
    if (sql === undefined) return
    await step(port, version, sql)
  }
}

/** The migration from schema `from` to the next, as one file for programs that run SQL. */
export function renderMigration(from: number, migrations = MIGRATIONS): string {
  return [CREATE_SCHEMA, ...migrationStatements(from, migrations[from] ?? '')]
    .map((sql) => `${sql};\n`)
    .join('')
}

const CREATE_SCHEMA = 'CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL) STRICT'

function migrationStatements(from: number, sql: string): string[] {
  return [
    ...splitStatements(sql),
    'DELETE FROM schema',
    `INSERT INTO schema (version) VALUES (${from + 1})`,
  ]
}

async function step(port: SqlPort, from: number, sql: string): Promise<void> {
  try {
    await port.batch(migrationStatements(from, sql).map(statement))
  } catch (error) {
    // Two processes may start at once; the second finds the tables made.
    if ((await schemaVersion(port)) > from) return
    const remedy = from === 0 ? '; is it the file of another program?' : ''
    if (remedy === '' || !isReprefixError(error, 'STORE_FAILED')) throw error
    throw new ReprefixError('STORE_FAILED', `${error.message}${remedy}`, { cause: error })
  }
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
