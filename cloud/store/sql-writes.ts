import type { Fqdn, RRKey } from '../../shared/rrset.ts'
import type { FlushNote, LogRow, StateWrite, StoredReport } from '../ports.ts'
import { COLUMNS, joinHashes } from './decode.ts'
import type { SqlStatement, SqlValue } from './sql-port.ts'

/**
 * A batch has no way to look and then decide, so a condition is a row that only fits the `guard`
 * table when it holds; when it does not, the constraint undoes the whole batch.
 */
function guard(condition: string, ...args: readonly SqlValue[]): SqlStatement {
  return { sql: `INSERT INTO guard (holds) SELECT ${condition}`, args }
}

/** Leaves the guard table empty again; the last statement of a batch with guards. */
export const CLEAR_GUARDS: SqlStatement = { sql: 'DELETE FROM guard', args: [] }

/** Holds while that row of the log is as it was written. */
export function guardRow({ index, entry, leaf, nodes, frontier }: LogRow): SqlStatement {
  return guard(
    'EXISTS (SELECT 1 FROM log WHERE i = ? AND body = ? AND leaf = ? AND nodes = ? AND frontier = ?)',
    ...[index, entry, leaf, joinHashes(nodes), joinHashes(frontier)],
  )
}

/** Inserts a row of the log; refused when the index is taken. */
export function insertRow(row: LogRow, facts: { at: string; kind: string; host?: string }) {
  return {
    sql: 'INSERT INTO log (i, at, kind, host, body, leaf, nodes, frontier) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    args: [
      row.index,
      facts.at,
      facts.kind,
      facts.host ?? null,
      row.entry,
      row.leaf,
      joinHashes(row.nodes),
      joinHashes(row.frontier),
    ],
  }
}

/**
 * The statements of these writes, each after its condition. RRsets that follow one another are one
 * statement, and so are names: stores that count statements have low limits.
 */
export function statementsOf(writes: readonly StateWrite[]): SqlStatement[] {
  return runsOf(writes).flatMap((run) => {
    const desires = run.filter((write) => write.kind === 'desire')
    const marks = run.filter((write) => write.kind === 'mark-applied')
    if (desires.length > 0) return [desire(desires)]
    if (marks.length > 0) return [markApplied(marks)]
    return run.flatMap(statementsOfOne)
  })
}

/** Writes of one kind that follow one another, together. */
function runsOf(writes: readonly StateWrite[]): readonly (readonly StateWrite[])[] {
  const runs: StateWrite[][] = []
  for (const write of writes) {
    const last = runs.at(-1)
    if (last?.[0]?.kind === write.kind) last.push(write)
    else runs.push([write])
  }
  return runs
}

function statementsOfOne(write: StateWrite): SqlStatement[] {
  if ('names' in write && write.names.length === 0) return []
  switch (write.kind) {
    case 'create-host':
      return [
        statement(
          'INSERT INTO host (name, version, record) VALUES (?, ?, ?)',
          write.host.name,
          write.host.version,
          JSON.stringify(write.host),
        ),
      ]
    case 'update-host': {
      const { name, version } = write.host
      return [
        guard('EXISTS (SELECT 1 FROM host WHERE name = ? AND version = ?)', name, version),
        statement(
          'UPDATE host SET version = version + 1, record = ? WHERE name = ?',
          JSON.stringify({ ...write.host, version: version + 1 }),
          name,
        ),
      ]
    }
    case 'put-key':
      return [statement('INSERT INTO key (kid, host) VALUES (?, ?)', write.kid, write.host)]
    case 'create-token': {
      const { id, host, macKey, expiresAt } = write.token
      const sql = 'INSERT INTO token (id, host, mac_key, expires_at) VALUES (?, ?, ?, ?)'
      return [statement(sql, id, host, macKey, expiresAt)]
    }
    case 'use-token':
      return [
        guard('EXISTS (SELECT 1 FROM token WHERE id = ? AND used_kid IS NULL)', write.id),
        statement(
          'UPDATE token SET used_kid = ?, used_index = ? WHERE id = ?',
          write.used.kid,
          write.used.index,
          write.id,
        ),
      ]
    case 'own-names':
      return [
        guard(
          `NOT EXISTS (SELECT 1 FROM name_owner WHERE name IN (${LISTED}) AND host <> ?)`,
          JSON.stringify(write.names),
          write.host,
        ),
        addOwner(write),
      ]
    case 'share-names':
      return [addOwner(write)]
    case 'release-names':
      return [
        statement(
          `DELETE FROM name_owner WHERE name IN (${LISTED}) AND host = ?`,
          JSON.stringify(write.names),
          write.host,
        ),
      ]
    case 'desire':
      return [desire([write])]
    case 'mark-applied':
      return [markApplied([write])]
    case 'reopen':
      return [
        guard(
          'EXISTS (SELECT 1 FROM desired WHERE name = ? AND type = ? AND version = ?)',
          ...[write.key.name, write.key.type, write.version],
        ),
        statement(
          'UPDATE desired SET applied = 0, flushed = NULL WHERE name = ? AND type = ?',
          ...[write.key.name, write.key.type],
        ),
      ]
    case 'record-report':
      return [insertReport(write.report)]
    case 'finish-report':
      return [
        guard(
          "EXISTS (SELECT 1 FROM report WHERE kid = ? AND seq = ? AND verdict = 'pending')",
          ...[write.kid, write.seq],
        ),
        statement(
          "UPDATE report SET verdict = 'applied', applied_index = ? WHERE kid = ? AND seq = ?",
          ...[write.appliedIndex, write.kid, write.seq],
        ),
      ]
  }
}

type Desire = Extract<StateWrite, { kind: 'desire' }>
type MarkApplied = Extract<StateWrite, { kind: 'mark-applied' }>

/** The members of a JSON list: one argument, however many they are. */
const LISTED = 'SELECT value FROM json_each(?)'

function addOwner({ names, host }: { readonly names: readonly Fqdn[]; readonly host: string }) {
  const sql = 'INSERT OR IGNORE INTO name_owner (name, host) SELECT value, ? FROM json_each(?)'
  return statement(sql, host, JSON.stringify(names))
}

function desire(writes: readonly Desire[]): SqlStatement {
  const rows = writes.map(({ row: { name, type, zone, ttl, set, host, version } }) => {
    const values = set === null ? null : JSON.stringify(set.values)
    return [name, type, zone, ttl, values, host, version]
  })
  const columns = rows[0]?.map((_, i) => `value ->> ${i}`).join(', ')
  return statement(
    'INSERT OR REPLACE INTO desired (name, type, zone, ttl, rr_values, host, version, applied) ' +
      `SELECT ${columns}, 0 FROM json_each(?)`,
    JSON.stringify(rows),
  )
}

function markApplied(writes: readonly MarkApplied[]): SqlStatement {
  return statement(
    'UPDATE desired SET applied = 1 WHERE (name, type, version) IN ' +
      '(SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))',
    JSON.stringify(writes.map(({ key: { name, type }, version }) => [name, type, version])),
  )
}

/** Looks up several RRsets at once. */
export function selectDesired(keys: readonly RRKey[]): SqlStatement {
  const asked = "SELECT value ->> '$.name', value ->> '$.type' FROM json_each(?)"
  const sql = `SELECT ${COLUMNS.desired} FROM desired WHERE (desired.name, desired.type) IN (${asked}) ORDER BY desired.name, desired.type`
  return statement(sql, JSON.stringify(keys.map(({ name, type }) => ({ name, type }))))
}

/** One page of a zone's desired rows, or all of them. */
export function selectZone(
  zone: Fqdn,
  page?: { readonly after?: RRKey | undefined; readonly limit: number },
): SqlStatement {
  const { after, limit = -1 } = page ?? {}
  const sql =
    `SELECT ${COLUMNS.desired} FROM desired WHERE desired.zone = ? ` +
    'AND (desired.name, desired.type) > (?, ?) ORDER BY desired.name, desired.type LIMIT ?'
  return statement(sql, zone, after?.name ?? '', after?.type ?? '', limit)
}

/** Gives one row when the lease is the holder's now, and none when it is another's. */
export function takeLease(
  ...[zone, holder, nowMs, untilMs]: readonly [Fqdn, string, number, number]
): SqlStatement {
  return statement(
    'INSERT INTO lease (zone, holder, until_ms) VALUES (?, ?, ?) ' +
      'ON CONFLICT (zone) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms ' +
      'WHERE lease.holder = excluded.holder OR lease.until_ms <= ? RETURNING until_ms',
    ...[zone, holder, untilMs, nowMs],
  )
}

/** Two statements for any number of rows: stores that count statements have low limits. */
export function noteStatements(notes: readonly FlushNote[]): readonly SqlStatement[] {
  const list = JSON.stringify(
    notes.map(({ key: { name, type }, version, flushed, isApplied }) => ({
      ...{ name, type, version, applied: isApplied ? 1 : 0 },
      flushed: JSON.stringify(flushed),
    })),
  )
  const given =
    "FROM (SELECT value ->> 'name' AS name, value ->> 'type' AS type, " +
    "value ->> 'version' AS version, value ->> 'applied' AS applied, " +
    "value ->> 'flushed' AS flushed FROM json_each(?)) AS note " +
    'WHERE desired.name = note.name AND desired.type = note.type'
  return [
    statement(
      `UPDATE desired SET flushed = note.flushed, applied = note.applied ${given} ` +
        'AND desired.version = note.version',
      list,
    ),
    statement(
      `UPDATE desired SET applied = 0, flushed = NULL ${given} AND desired.version > note.version`,
      list,
    ),
  ]
}

/** A statement with its arguments. */
export function statement(sql: string, ...args: readonly SqlValue[]): SqlStatement {
  return { sql, args }
}

function insertReport({ kid, seq, digest, index, verdict, keys }: StoredReport): SqlStatement {
  return statement(
    'INSERT INTO report (kid, seq, digest, log_index, verdict, keys) VALUES (?, ?, ?, ?, ?, ?)',
    ...[kid, seq, digest, index, verdict],
    JSON.stringify(keys.map(({ name, type }) => ({ name, type }))),
  )
}
