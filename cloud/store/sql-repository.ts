import { ReprefixError } from '../../shared/errors.ts'
import type { Fqdn } from '../../shared/rrset.ts'
import type { Repository } from '../ports.ts'
import {
  COLUMNS,
  createHostDecoder,
  decodeDesired,
  decodeFacts,
  decodeLogRow,
  decodeOwner,
  decodePassMemory,
  decodeReport,
  decodeToken,
} from './decode.ts'
import type { SqlPort, SqlRow, SqlStatement } from './sql-port.ts'
import {
  CLEAR_GUARDS,
  guardRow,
  insertRow,
  noteStatements,
  selectDesired,
  selectZone,
  statement,
  statementsOf,
  takeLease,
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
      first(statement(`SELECT ${COLUMNS.log} FROM log ORDER BY i DESC LIMIT 1`), decodeLogRow),

    async rows(indices) {
      if (indices.length === 0) return []
      const sql = `SELECT ${COLUMNS.log} FROM log WHERE i IN (SELECT value FROM json_each(?))`
      const found = (await select(statement(sql, JSON.stringify(indices)))).map(decodeLogRow)
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
      const sql = `SELECT ${COLUMNS.log} FROM log WHERE i >= ? ORDER BY i LIMIT ?`
      return (await select(statement(sql, start, limit))).map(decodeLogRow)
    },

    async commit(rows, writes, after) {
      const before = after === undefined ? [] : [guardRow(after)]
      const inserts = rows.map((row) => insertRow(row, decodeFacts(row.entry)))
      try {
        await port.batch([...before, ...inserts, ...statementsOf(writes), CLEAR_GUARDS])
        return 'committed'
      } catch (error) {
        if (error instanceof ReprefixError && error.code === 'STORE_CONFLICT') return 'conflict'
        throw error
      }
    },

    fits: () => true,

    host: (name) =>
      first(statement(`SELECT ${COLUMNS.host} FROM host WHERE host.name = ?`, name), decodeHost),

    async hosts() {
      return (await select(statement(`SELECT ${COLUMNS.host} FROM host ORDER BY host.name`))).map(
        decodeHost,
      )
    },

    hostOfKey: (kid) =>
      first(
        statement(
          `SELECT ${COLUMNS.host} FROM key JOIN host ON host.name = key.host WHERE kid = ?`,
          kid,
        ),
        decodeHost,
      ),

    token: (id) =>
      first(statement(`SELECT ${COLUMNS.token} FROM token WHERE token.id = ?`, id), decodeToken),

    async owners(names) {
      if (names.length === 0) return new Map()
      const sql = `SELECT ${COLUMNS.name_owner} FROM name_owner WHERE name_owner.name IN (SELECT value FROM json_each(?)) ORDER BY name_owner.name, name_owner.host`
      const owners = new Map<Fqdn, string[]>()
      for (const [name, host] of (await select(statement(sql, JSON.stringify(names)))).map(
        decodeOwner,
      )) {
        owners.set(name, [...(owners.get(name) ?? []), host])
      }
      return owners
    },

    async desired(keys) {
      if (keys.length === 0) return []
      return (await select(selectDesired(keys))).map(decodeDesired)
    },

    async desiredIn(zone, page) {
      return (await select(selectZone(zone, page))).map(decodeDesired)
    },

    async pending(zone) {
      const sql = `SELECT ${COLUMNS.desired} FROM desired WHERE desired.zone = ? AND applied = 0 ORDER BY desired.name, desired.type`
      return (await select(statement(sql, zone))).map(decodeDesired)
    },

    report: (kid, seq) =>
      first(
        statement(
          `SELECT ${COLUMNS.report} FROM report WHERE report.kid = ? AND seq = ?`,
          kid,
          seq,
        ),
        decodeReport,
      ),

    async unfinished(start, limit) {
      const sql = `SELECT ${COLUMNS.report} FROM report WHERE verdict = 'pending' AND log_index >= ? ORDER BY log_index LIMIT ?`
      return (await select(statement(sql, start, limit))).map(decodeReport)
    },

    async takeLease(zone, holder, nowMs, untilMs) {
      return (await select(takeLease(zone, holder, nowMs, untilMs))).length > 0
    },

    async dropLease(zone, holder) {
      const sql = 'UPDATE lease SET until_ms = 0 WHERE zone = ? AND holder = ?'
      await port.batch([statement(sql, zone, holder)])
    },

    async noteFlushed(notes) {
      if (notes.length > 0) await port.batch(noteStatements(notes))
    },

    passMemory: (zone) =>
      first(
        statement(`SELECT ${COLUMNS.pass_memory} FROM pass_memory WHERE zone = ?`, zone),
        decodePassMemory,
      ),

    async keepPassMemory(zone, content) {
      const sql = 'INSERT OR REPLACE INTO pass_memory (zone, content) VALUES (?, ?)'
      await port.batch([statement(sql, zone, content)])
    },

    close: () => port.close(),
  }
}
