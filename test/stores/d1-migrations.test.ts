import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Miniflare } from 'miniflare'
import { afterEach, describe, expect, it } from 'vitest'
import { openD1 } from '../../cloud/store/d1.ts'
import { requireSchema } from '../../cloud/store/schema-version.ts'
import type { SqlPort } from '../../cloud/store/sql-port.ts'
import { createSqlRepository } from '../../cloud/store/sql-repository.ts'
import { expectFirstSchema, fillFirstSchema } from '../contract/first-schema.ts'
import { bindingOf, D1_WORKER } from './d1-databases.ts'

const RELEASED = resolve('infra/cloudflare/migrations')
const WRANGLER = resolve('node_modules/.bin/wrangler')
const DATABASE_ID = '00000000-0000-0000-0000-000000000001'

describe('a D1 database that wrangler migrates', () => {
  const directories: string[] = []
  afterEach(async () => {
    for (const directory of directories.splice(0)) await rm(directory, { recursive: true })
  })

  /** A project of wrangler's, with none of the migrations yet. */
  async function project(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'reprefix-wrangler-'))
    directories.push(directory)
    await mkdir(join(directory, 'migrations'))
    const database = { binding: 'DB', database_name: 'reprefix', database_id: DATABASE_ID }
    const settings = {
      name: 'reprefix',
      compatibility_date: '2026-04-01',
      d1_databases: [database],
    }
    await writeFile(join(directory, 'wrangler.json'), JSON.stringify(settings))
    return directory
  }

  async function migrate(directory: string, files: readonly string[]): Promise<void> {
    for (const file of files) await cp(join(RELEASED, file), join(directory, 'migrations', file))
    const args = ['d1', 'migrations', 'apply', 'reprefix', '--local', '--persist-to', 'state']
    const env = { ...process.env, CI: '1', HOME: directory, WRANGLER_SEND_METRICS: 'false' }
    await promisify(execFile)(WRANGLER, args, { cwd: directory, env, timeout: 100_000 })
  }

  async function withDatabase(directory: string, use: (port: SqlPort) => Promise<void>) {
    const miniflare = new Miniflare({
      modules: true,
      script: D1_WORKER,
      compatibilityDate: '2026-04-01',
      d1Databases: { DB: DATABASE_ID },
      d1Persist: join(directory, 'state', 'v3', 'd1'),
      cf: false,
    })
    try {
      await use(openD1(bindingOf(miniflare, 'DB')))
    } finally {
      await miniflare.dispose()
    }
  }

  it('keeps what was in it at its first schema, and is ready for this version', async () => {
    const directory = await project()
    const [first, ...more] = (await readdir(RELEASED)).sort()
    await migrate(directory, [first ?? ''])
    await withDatabase(directory, async (port) => {
      await expect(requireSchema(port, 'run wrangler')).rejects.toMatchObject({
        code: 'STORE_TOO_OLD',
        message: expect.stringMatching(/has schema 1, .*; run wrangler$/),
      })
      await port.batch(await fillFirstSchema())
    })
    await migrate(directory, more)
    await withDatabase(directory, async (port) => {
      await requireSchema(port, 'run wrangler')
      await expectFirstSchema(createSqlRepository(port))
    })
  })
})
