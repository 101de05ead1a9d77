import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openD1 } from '../../cloud/store/d1.ts'
import { migrate } from '../../cloud/store/migrate.ts'
import { requireSchema } from '../../cloud/store/schema-version.ts'
import type { SqlPort, SqlValue } from '../../cloud/store/sql-port.ts'
import { createSqlRepository } from '../../cloud/store/sql-repository.ts'
import { describeRepository } from '../contract/repository.ts'
import { type D1Databases, openD1Databases } from './d1-databases.ts'

let databases: D1Databases
beforeAll(async () => {
  databases = await openD1Databases()
})
afterAll(() => databases.close())

describeRepository('D1', async () => {
  const database = await databases.next()
  await migrate(openD1(database))
  return {
    async open() {
      const port = openD1(database)
      await requireSchema(port, 'migrate it')
      return createSqlRepository(port)
    },
    async writeNewerSchema() {
      await openD1(database).batch([statement('UPDATE schema SET version = version + 1')])
    },
    close: async () => undefined,
  }
})

function statement(sql: string, ...args: SqlValue[]) {
  return { sql, args }
}

describe('a D1 database', () => {
  async function open(): Promise<SqlPort> {
    return openD1(await databases.next())
  }

  it('gives back bytes, text and numbers as they were stored', async () => {
    const port = await open()
    await port.batch([statement('CREATE TABLE t (i INTEGER, x BLOB, s TEXT) STRICT')])
    const every = Uint8Array.from({ length: 258 }, (_, i) => i)
    const rows = [
      { i: 0, x: every.subarray(1, 257), s: 'a\0b \u{1f600} \ufeff"\\' },
      { i: Number.MAX_SAFE_INTEGER, x: new Uint8Array(), s: '' },
      { i: -1, x: null, s: null },
    ]
    const insert = 'INSERT INTO t (i, x, s) VALUES (?, ?, ?)'
    const all = await port.batch([
      ...rows.map(({ i, x, s }) => statement(insert, i, x, s)),
      statement('SELECT i, x, s FROM t ORDER BY rowid'),
    ])
    expect(all.map((result) => result.rows)).toEqual([[], [], [], rows])
    expect(await port.batch([])).toEqual([])
  })

  it('undoes a whole batch when one statement fails', async () => {
    const port = await open()
    await port.batch([statement('CREATE TABLE t (i INTEGER PRIMARY KEY) STRICT')])
    const insert = statement('INSERT INTO t (i) VALUES (?)', 1)
    await expect(port.batch([insert, insert])).rejects.toMatchObject({ code: 'STORE_CONFLICT' })
    await expect(port.batch([insert, statement('NONSENSE')])).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/syntax error/),
    })
    expect(await port.batch([statement('SELECT * FROM t')])).toEqual([{ rows: [] }])
  })

  it('refuses a number that JavaScript cannot hold', async () => {
    const batch = (await open()).batch([statement('SELECT 9007199254740993 AS i')])
    await expect(batch).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })

  it('without a schema says what makes it', async () => {
    const port = await open()
    await expect(createSqlRepository(port).lastRow()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/wrangler d1 migrations apply/),
    })
    await expect(requireSchema(port, 'migrate it')).rejects.toMatchObject({ code: 'STORE_TOO_OLD' })
  })
})
