import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openLibsql } from '../../../../cloud/store/libsql.ts'
import type { SqlPort, SqlStatement, SqlValue } from '../../../../cloud/store/sql-port.ts'

const ports: SqlPort[] = []
const directories: string[] = []
afterEach(async () => {
  for (const port of ports.splice(0)) port.close()
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true })
})

function statement(sql: string, ...args: SqlValue[]): SqlStatement {
  return { sql, args }
}

async function open(url = ':memory:'): Promise<SqlPort> {
  const port = await openLibsql(url)
  ports.push(port)
  return port
}

async function openTable(): Promise<SqlPort> {
  const port = await open()
  await port.batch([statement('CREATE TABLE t (i INTEGER PRIMARY KEY, x BLOB) STRICT')])
  return port
}

async function all(port: SqlPort) {
  return (await port.batch([statement('SELECT * FROM t ORDER BY i')]))[0]?.rows
}

describe('openLibsql', () => {
  it.each(['cloud.db', 'a cloud.db'])('opens the file that its URL names: %s', async (name) => {
    const directory = await mkdtemp(join(tmpdir(), 'reprefix-libsql-'))
    directories.push(directory)
    await open(`file:${join(directory, name)}`)
    await open(`file:${relative('.', join(directory, `near ${name}`))}`)
    const files = (await readdir(directory)).filter((file) => file.endsWith('.db'))
    expect(files.sort()).toEqual([name, `near ${name}`].sort())
  })

  it('runs a statement again with other values, and none of the values before', async () => {
    const port = await openTable()
    const insert = 'INSERT INTO t (i, x) VALUES (?, ?)'
    const bytes = Uint8Array.from([1, 2, 3])
    await port.batch([statement(insert, 1, bytes)])
    await port.batch([statement(insert, 2, null), statement(insert, 3, bytes.subarray(1))])
    expect(await all(port)).toEqual([
      { i: 1, x: bytes },
      { i: 2, x: null },
      { i: 3, x: bytes.subarray(1) },
    ])
  })

  it('undoes a whole batch when one statement fails, and goes on', async () => {
    const port = await openTable()
    const insert = statement('INSERT INTO t (i) VALUES (?)', 1)
    await expect(port.batch([insert, insert])).rejects.toMatchObject({ code: 'STORE_CONFLICT' })
    expect(await all(port)).toEqual([])
    await port.batch([insert, statement('INSERT INTO t (i) VALUES (?)', 2)])
    expect(await all(port)).toHaveLength(2)
  })

  it('undoes a batch whose last statement is not understood', async () => {
    const port = await openTable()
    const batch = port.batch([statement('INSERT INTO t (i) VALUES (1)'), statement('NONSENSE')])
    await expect(batch).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(await all(port)).toEqual([])
  })

  it('reads the columns that a table has by now', async () => {
    const port = await openTable()
    await port.batch([statement('INSERT INTO t (i) VALUES (?)', 1)])
    expect(await all(port)).toEqual([{ i: 1, x: null }])
    await port.batch([statement("ALTER TABLE t ADD COLUMN y TEXT NOT NULL DEFAULT 'new'")])
    expect(await all(port)).toEqual([{ i: 1, x: null, y: 'new' }])
  })

  it('sees what another connection has written since', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'reprefix-libsql-'))
    directories.push(directory)
    const url = `file:${join(directory, 'cloud.db')}`
    const [one, other] = [await open(url), await open(url)]
    await one.batch([statement('CREATE TABLE t (i INTEGER PRIMARY KEY) STRICT')])
    for (let i = 1; i <= 250; i++) {
      await one.batch([statement('INSERT INTO t (i) VALUES (?)', i)])
      if (i % 50 === 0) expect(await all(other)).toHaveLength(i)
    }
  })

  it('runs more different statements than it keeps ready', async () => {
    const port = await openTable()
    for (let i = 0; i < 500; i++) {
      const [result] = await port.batch([statement(`SELECT ${i} AS i`)])
      expect(result?.rows).toEqual([{ i }])
    }
  })

  it('refuses a number that JavaScript cannot hold', async () => {
    const port = await open()
    const batch = port.batch([statement('SELECT 9007199254740993 AS i')])
    await expect(batch).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })
})
