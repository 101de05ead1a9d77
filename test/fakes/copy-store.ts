import { openLibsql } from '../../cloud/store/libsql.ts'
import { migrate } from '../../cloud/store/migrate.ts'
import type { SqlPort } from '../../cloud/store/sql-port.ts'

/** Another database in memory with the same rows: a backup, or the beginning of a fork. */
export async function copyStore(from: SqlPort): Promise<SqlPort> {
  const to = await openLibsql(':memory:')
  await migrate(to)
  const sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
  const [tables] = await from.batch([{ sql, args: [] }])
  for (const { name } of tables?.rows ?? []) {
    const [content] = await from.batch([{ sql: `SELECT * FROM ${name}`, args: [] }])
    await to.batch([{ sql: `DELETE FROM ${name}`, args: [] }])
    for (const row of content?.rows ?? []) {
      const args = Object.values(row)
      const places = args.map(() => '?').join(', ')
      await to.batch([{ sql: `INSERT INTO ${name} VALUES (${places})`, args }])
    }
  }
  return to
}
