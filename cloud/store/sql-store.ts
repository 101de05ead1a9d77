import type { Store } from '../ports.ts'
import { requireSchema } from './schema-version.ts'
import type { SqlPort } from './sql-port.ts'
import { createSqlRepository } from './sql-repository.ts'

/**
 * A store on SQL. `remedy` says what brings an older schema to this version; `prepare` does it, where
 * that is not done at deploy.
 */
export function createSqlStore(
  port: SqlPort,
  remedy: string,
  prepare = (port: SqlPort) => requireSchema(port, remedy),
): Store {
  return {
    repository: createSqlRepository(port),
    prepare: () => prepare(port),
    check: () => requireSchema(port, remedy),
  }
}
