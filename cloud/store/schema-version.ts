import { ReprefixError } from '../../shared/errors.ts'
import type { SqlPort, SqlStatement } from './sql-port.ts'

/**
 * The schema of this version: the number of its migrations, which not every runtime loads for that
 * alone. A test compares them.
 */
export const SCHEMA_VERSION = 3

/**
 * For stores that are migrated when a new version is deployed rather than when it starts: refuses
 * any schema but that of this version. `remedy` says how an older one is migrated.
 *
 * @throws ReprefixError STORE_TOO_OLD, STORE_TOO_NEW
 */
export async function requireSchema(
  port: SqlPort,
  remedy: string,
  needed = SCHEMA_VERSION,
): Promise<void> {
  const version = await schemaVersion(port).catch(async (error) => {
    if (await hasSchemaTable(port)) throw error
    return 0
  })
  refuseNewer(version, needed)
  if (version === needed) return
  throw new ReprefixError(
    'STORE_TOO_OLD',
    `the store has ${version === 0 ? 'no schema yet' : `schema ${version}`}, ` +
      `this version needs ${needed}; ${remedy}`,
  )
}

/** Refuses what a newer version has written: it could not be read truly. @throws STORE_TOO_NEW */
export function refuseNewer(version: number, known: number): void {
  if (version <= known) return
  throw new ReprefixError(
    'STORE_TOO_NEW',
    `the store has schema ${version}, this version knows ${known}; ` +
      'start the version that wrote it, or restore a backup from before the upgrade',
  )
}

/** The number of the last migration that was done; 0 before the first. */
export async function schemaVersion(port: SqlPort): Promise<number> {
  const [result] = await port.batch([statement('SELECT max(version) AS version FROM schema')])
  const version = result?.rows[0]?.version ?? 0
  return typeof version === 'number' ? version : 0
}

async function hasSchemaTable(port: SqlPort): Promise<boolean> {
  const sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema'"
  const [found] = await port.batch([statement(sql)])
  return found?.rows.length === 1
}

function statement(sql: string): SqlStatement {
  return { sql, args: [] }
}
