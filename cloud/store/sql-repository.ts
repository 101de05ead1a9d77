import { ReprefixError } from '../../shared/errors.ts'
import type { Fqdn } from '../../shared/rrset.ts'
import type { Repository, SqlPort, SqlRow, SqlStatement } from '../ports.ts'
import {
  createHostDecoder,
  decodeDesired,
  decodeFacts,
  decodeLogRow,
  decodeOwner,
  decodeReport,
  decodeToken,
  LOG_COLUMNS,
} from './decode.ts'
import {
  CLEAR_GUARDS,
  guardRow,
  insertRow,
  places,
  selectDesired,
  statement,
  statementsOf,
} from './sql-writes.ts'

/** The repository on any store that speaks SQLite's dialect. The schema must be there already. */
export function createSqlRepository(port: SqlPort): Repository {
  const decodeHost = createHostDecoder()

  async function select(query: SqlStatement): Promise<readonly SqlRow[]> {
    const [result] = await port.batch([query])
    return result?.rows ?? []
  }
  async function first<T>(query: SqlStatement, decode: (row: SqlRow) => T): Promise<T | undefined> {
    const [row] = await select(query)
    return row === undefined ? undefined : decode(row)
  }

  return {
    lastRow: () =>
      first(statement(`SELECT ${LOG_COLUMNS} FROM log ORDER BY i DESC LIMIT 1`), decodeLogRow),

    async rows(indices) {
      if (indices.length === 0) return []
      const unique = [...new Set(indices)]
      const sql = `SELECT ${LOG_COLUMNS} FROM log WHERE i IN (${places(unique)})`
      const found = (await select(statement(sql, ...unique))).map(decodeLogRow)
      const byIndex = new Map(found.map((row) => [row.index, row]))
      return indices.map((index) => {
        const row = byIndex.get(index)
        if (row === undefined) {
          throw new ReprefixError('LOG_MISSING_ROW', `the log has no row ${index}`)
        }
        return row
      })
    },

    async range(start, limit) {
      const sql = `SELECT ${LOG_COLUMNS} FROM log WHERE i >= ? ORDER BY i LIMIT ?`
      return (await select(statement(sql, start, limit))).map(decodeLogRow)
    },

    async commit(rows, writes, after) {
      const before = after === undefined ? [] : [guardRow(after)]
      const inserts = rows.map((row) => insertRow(row, decodeFacts(row.entry)))
      try {
        await port.batch([...before, ...inserts, ...writes.flatMap(statementsOf), CLEAR_GUARDS])
        return 'committed'
      } catch (error) {
        if (error instanceof ReprefixError && error.code === 'STORE_CONFLICT') return 'conflict'
        throw error
      }
    },

    host: (name) => first(statement('SELECT * FROM host WHERE name = ?', name), decodeHost),

    async hosts() {
      return (await select(statement('SELECT * FROM host ORDER BY name'))).map(decodeHost)
    },

    hostOfKey: (kid) =>
      first(
        statement('SELECT host.* FROM key JOIN host ON host.name = key.host WHERE kid = ?', kid),
        decodeHost,
      ),

    token: (id) => first(statement('SELECT * FROM token WHERE id = ?', id), decodeToken),

    async owners(names) {
      if (names.length === 0) return new Map()
      const sql = `SELECT name, host FROM name_owner WHERE name IN (${places(names)}) ORDER BY name, host`
      const owners = new Map<Fqdn, string[]>()
      for (const [name, host] of (await select(statement(sql, ...names))).map(decodeOwner)) {
        owners.set(name, [...(owners.get(name) ?? []), host])
      }
      return owners
    },

    async desired(keys) {
      if (keys.length === 0) return []
      return (await select(selectDesired(keys))).map(decodeDesired)
    },

    async desiredIn(zone) {
      const sql = 'SELECT * FROM desired WHERE zone = ? ORDER BY name, type'
      return (await select(statement(sql, zone))).map(decodeDesired)
    },

    async pending(zone) {
      const sql = 'SELECT * FROM desired WHERE zone = ? AND applied = 0 ORDER BY name, type'
      return (await select(statement(sql, zone))).map(decodeDesired)
    },

    report: (kid, seq) =>
      first(statement('SELECT * FROM report WHERE kid = ? AND seq = ?', kid, seq), decodeReport),

    close: () => port.close(),
  }
}
