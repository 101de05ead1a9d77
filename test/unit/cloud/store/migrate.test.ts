import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openLibsql } from '../../../../cloud/store/libsql.ts'
import {
  MIGRATIONS,
  migrate,
  renderMigration,
  splitStatements,
} from '../../../../cloud/store/migrate.ts'
import { requireSchema, SCHEMA_VERSION } from '../../../../cloud/store/schema-version.ts'
import { createSqlRepository } from '../../../../cloud/store/sql-repository.ts'
import { parseName } from '../../../../shared/rrset.ts'
import { expectFirstSchema, fillFirstSchema } from '../../../contract/first-schema.ts'

describe('migrate', () => {
  const directories: string[] = []
  afterEach(async () => {
    for (const directory of directories.splice(0)) await rm(directory, { recursive: true })
  })
  async function path(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'reprefix-migrate-'))
    directories.push(directory)
    return join(directory, 'cloud.db')
  }

  it('makes the store on first start and leaves it alone afterwards', async () => {
    const port = await openLibsql(`file:${await path()}`)
    await migrate(port)
    await createSqlRepository(port).commit([], [{ kind: 'put-key', kid: 'k', host: 'home' }])
    await migrate(port)
    const [count] = await port.batch([{ sql: 'SELECT count(*) AS n FROM key', args: [] }])
    expect(count?.rows).toEqual([{ n: 1 }])
    port.close()
  })

  it('makes every commit durable', async () => {
    const port = await openLibsql(`file:${await path()}`)
    const pragma = async (name: string) =>
      (await port.batch([{ sql: `PRAGMA ${name}`, args: [] }]))[0]?.rows[0]?.[name]
    expect(await pragma('journal_mode')).toBe('wal')
    expect(await pragma('synchronous')).toBe(2)
    port.close()
  })

  it('goes forward step by step from any earlier schema', async () => {
    const file = `file:${await path()}`
    const early = await openLibsql(file)
    await migrate(early)
    early.close()
    const port = await openLibsql(file)
    await migrate(port, [
      ...MIGRATIONS,
      'CREATE TABLE later (x INTEGER) STRICT;\nDROP TABLE guard;\n',
    ])
    const tables = await port.batch([{ sql: 'SELECT name FROM sqlite_master', args: [] }])
    const names = tables[0]?.rows.map(({ name }) => name)
    expect(names).toContain('later')
    expect(names).not.toContain('guard')
    port.close()
  })

  it('undoes a migration that fails half-way', async () => {
    const port = await openLibsql(`file:${await path()}`)
    const faulty = 'CREATE TABLE half (x INTEGER) STRICT;\nCREATE NONSENSE;\n'
    await expect(migrate(port, [faulty])).rejects.toMatchObject({ code: 'STORE_FAILED' })
    const [tables] = await port.batch([{ sql: 'SELECT name FROM sqlite_master', args: [] }])
    expect(tables?.rows).toEqual([{ name: 'schema' }])
    port.close()
  })

  it('refuses a store that a newer version has written', async () => {
    const port = await openLibsql(`file:${await path()}`)
    await migrate(port, [...MIGRATIONS, 'CREATE TABLE later (x INTEGER) STRICT;'])
    await expect(migrate(port)).rejects.toMatchObject({
      code: 'STORE_TOO_NEW',
      message: expect.stringMatching(/has schema 4, this version knows 3; start the version/),
    })
    port.close()
  })

  it('ends with the version that other runtimes require', () => {
    expect(SCHEMA_VERSION).toBe(MIGRATIONS.length)
  })

  it('may be required to have been run already', async () => {
    const port = await openLibsql(`file:${await path()}`)
    const remedy = 'run the migrations'
    await expect(requireSchema(port, remedy)).rejects.toMatchObject({
      code: 'STORE_TOO_OLD',
      message: expect.stringMatching(
        /has no schema yet, this version needs \d+; run the migrations/,
      ),
    })
    await migrate(port, MIGRATIONS.slice(0, 1))
    await expect(requireSchema(port, remedy)).rejects.toMatchObject({
      code: 'STORE_TOO_OLD',
      message: expect.stringMatching(/has schema 1, this version needs \d+; run the migrations/),
    })
    await migrate(port)
    await requireSchema(port, remedy)
    await migrate(port, [...MIGRATIONS, 'CREATE TABLE later (x INTEGER) STRICT;'])
    await expect(requireSchema(port, remedy)).rejects.toMatchObject({ code: 'STORE_TOO_NEW' })
    port.close()
  })

  it.each(MIGRATIONS.map((_, i) => i + 1))('keeps everything from schema %i', async (version) => {
    const port = await openLibsql(`file:${await path()}`)
    await migrate(port, MIGRATIONS.slice(0, version))
    await port.batch(await fillFirstSchema())
    await migrate(port)
    await expectFirstSchema(createSqlRepository(port))
    port.close()
  })

  it('keeps the owners of names from schema 1', async () => {
    const port = await openLibsql(`file:${await path()}`)
    await migrate(port, MIGRATIONS.slice(0, 1))
    const sql = "INSERT INTO name_owner (name, host) VALUES ('www.example.org', 'home')"
    await port.batch([{ sql, args: [] }])
    await migrate(port)
    const www = parseName('www.example.org')
    const repository = createSqlRepository(port)
    expect(await repository.owners([www])).toEqual(new Map([[www, ['home']]]))
    await repository.commit([], [{ kind: 'share-names', host: 'office', names: [www] }])
    expect(await repository.owners([www])).toEqual(new Map([[www, ['home', 'office']]]))
    port.close()
  })

  it('keeps desired rows and pending reports from schema 2', async () => {
    const port = await openLibsql(`file:${await path()}`)
    await migrate(port, MIGRATIONS.slice(0, 2))
    const run = (sql: string) => port.batch([{ sql, args: [] }])
    await run(
      "INSERT INTO desired VALUES ('www.example.org', 'AAAA', 'example.org', 60, NULL, 'home', 3, 0)",
    )
    await run("INSERT INTO report VALUES ('kid', 8, 'digest', 3, 'pending', NULL, '[]')")
    await migrate(port)
    const repository = createSqlRepository(port)
    const [row] = await repository.desiredIn(parseName('example.org'))
    expect(row).toMatchObject({ version: 3, isApplied: false })
    expect(row).not.toHaveProperty('flushed')
    expect(await repository.unfinished(0, 9)).toMatchObject([{ kid: 'kid', seq: 8, index: 3 }])
    port.close()
  })

  it('says that the file may be another program’s', async () => {
    const port = await openLibsql(`file:${await path()}`)
    await port.batch([{ sql: 'CREATE TABLE log (x INTEGER)', args: [] }])
    await expect(migrate(port)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/table log already exists; is it the file of another program/),
    })
    port.close()
  })

  // Deployed with `wrangler d1 migrations apply`; `npx vitest run --project unit -u` writes them anew.
  it('is written out as the SQL files of a D1 deployment', async () => {
    const modules = (await readdir('cloud/store/migrations')).sort()
    expect(modules).toHaveLength(MIGRATIONS.length)
    const files = modules.map((module) => module.replace(/\.sql\.ts$/, '.sql'))
    const directory = 'infra/cloudflare/migrations'
    for (const [from, file] of files.entries()) {
      await expect(renderMigration(from)).toMatchFileSnapshot(`../../../../${directory}/${file}`)
    }
    expect(files).toEqual(expect.arrayContaining(await readdir(directory)))
  })

  it('splits statements at the ends of lines', () => {
    expect(splitStatements('A;\nB (\n  c\n);\n\nD; ')).toEqual(['A', 'B (\n  c\n)', 'D'])
  })

  it('says clearly what is wrong with the file', async () => {
    const file = await path()
    await writeFile(
      file,
      'this is not a database, but it is long enough to be looked at '.repeat(20),
    )
    await expect(openLibsql(`file:${file}`)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/cloud\.db: this file is not a database/),
    })
    await expect(openLibsql('file:/nowhere/at/all/cloud.db')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/\/nowhere\/at\/all\/cloud\.db: cannot be opened; does its/),
    })
  })
})
