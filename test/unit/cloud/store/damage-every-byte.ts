import type { SqlPort, SqlValue } from '../../../../cloud/store/sql-port.ts'
import { isReprefixError } from '../../../../shared/errors.ts'
import { makeSmallLog } from '../log/tampering.ts'

/**
 * A program of its own, as a driver that meets text which is not UTF-8 may end the process: sets each byte
 * of each text in a store to 0xff, one at a time, and reads all there is. Prints what the store told.
 */
async function main(): Promise<void> {
  const { cloud, agent, rows } = await makeSmallLog()
  const { store, repository } = cloud
  const run = async (sql: string, ...args: SqlValue[]) =>
    (await store.batch([{ sql, args }]))[0]?.rows ?? []
  // The records of this log are withdrawn and applied: such rows are not read, or have no values.
  await run('UPDATE desired SET applied = 0, rr_values = ?', '["2001:db8:1::1"]')
  const zone = cloud.deps.zones[0]?.name
  await run('UPDATE desired SET flushed = ?', JSON.stringify({ outcomes: [], retryAtMs: 1 }))
  await run("UPDATE report SET verdict = 'pending' WHERE verdict = 'applied'")
  if (zone !== undefined) await repository.keepPassMemory(zone, '{"lastMs":1}')
  const [token, report] = [
    await run('SELECT id FROM token'),
    await run('SELECT kid, seq FROM report'),
  ]
  const names = await run('SELECT name FROM name_owner UNION SELECT name FROM desired')
  const named = names.map(({ name }) => name as NonNullable<typeof zone>)
  const keys = named.map((name) => ({ name, type: 'AAAA' as const }))
  await run("INSERT INTO name_owner (name, host) SELECT name, 'home' FROM desired")
  const reads: readonly (() => Promise<unknown>)[] = [
    () => repository.lastRow(),
    () => repository.rows(rows.map(({ index }) => index)),
    () => repository.range(0, 100),
    () => repository.host('home'),
    () => repository.hosts(),
    () => repository.hostOfKey(agent.key.kid),
    ...token.map(
      ({ id }) =>
        () =>
          repository.token(String(id)),
    ),
    () => repository.owners(named),
    () => repository.desired(keys),
    ...(zone === undefined
      ? []
      : [
          () => repository.pending(zone),
          () => repository.desiredIn(zone, { limit: 10 }),
          () => repository.passMemory(zone),
        ]),
    () => repository.unfinished(0, 10),
    ...report.map(
      ({ kid, seq }) =>
        () =>
          repository.report(String(kid), Number(seq)),
    ),
  ]
  const told: Record<string, number> = {}
  let altered = 0
  for await (const place of textsOf(store)) {
    const update = `UPDATE ${place.table} SET ${place.column} = CAST(? AS TEXT) WHERE rowid = ?`
    for (let at = 0; at < place.bytes.length; at++) {
      await run(update, place.bytes.with(at, 0xff), place.row)
      altered++
      for (const read of reads) {
        try {
          await read()
        } catch (error) {
          if (!isReprefixError(error, 'STORE_FAILED')) throw error
          const name = `${place.table}.${place.column}`
          if (!error.message.includes(` ${name}:`)) throw error
          told[name] = (told[name] ?? 0) + 1
        }
      }
    }
    await run(update, place.bytes, place.row)
  }
  for (const read of reads) await read()
  process.stdout.write(JSON.stringify({ altered, told: Object.keys(told).sort() }))
}

interface Text {
  readonly table: string
  readonly column: string
  readonly row: number
  readonly bytes: Uint8Array
}

/** Every text that the tables hold, by the schema that they have. */
async function* textsOf(store: SqlPort): AsyncGenerator<Text> {
  const [tables] = await store.batch([
    {
      sql:
        'SELECT m.name AS "table", c.name AS "column" FROM sqlite_master AS m ' +
        "JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.type = 'TEXT'",
      args: [],
    },
  ])
  for (const { table, column } of tables?.rows ?? []) {
    const sql = `SELECT rowid AS row, CAST(${column} AS BLOB) AS bytes FROM ${table} WHERE ${column} IS NOT NULL`
    const [found] = await store.batch([{ sql, args: [] }])
    for (const { row, bytes } of found?.rows ?? []) {
      if (!(bytes instanceof Uint8Array)) throw new Error(`${table}.${column} is no text`)
      yield { table: String(table), column: String(column), row: Number(row), bytes }
    }
  }
}

await main()
