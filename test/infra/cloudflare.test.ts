import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateNoteSigner } from '../../shared/checkpoint.ts'
import type { RunResult } from '../lab/command.ts'
import {
  createPreparedDirectory,
  createWorkerDirectory,
  DATABASE_ID,
  type WorkerDirectory,
} from './worker-directory.ts'

const URL = 'https://reprefix.example.org'

describe('preparing a Worker', () => {
  let directory: WorkerDirectory
  beforeAll(async () => {
    directory = await createPreparedDirectory()
  })
  afterAll(() => directory.remove())

  it('makes the files that are the operator’s, once', async () => {
    const fresh = await createWorkerDirectory()
    try {
      const first = await fresh.prepare()
      expect(first).toMatchObject({ code: 0, stderr: '' })
      expect(first.stdout).toContain('deploy/cloud.yaml is made: put in what is yours')
      expect((await readdir(fresh.path)).sort()).toEqual(['cloud.yaml', 'wrangler.jsonc'])
      await fresh.edit('wrangler.jsonc', '"name": "reprefix"', '"name": "mine"')
      expect((await fresh.prepare()).stdout).not.toContain('is made')
      expect(await readFile(join(fresh.path, 'wrangler.jsonc'), 'utf8')).toContain('"mine"')
    } finally {
      await fresh.remove()
    }
  })

  it('says that the database comes first', async () => {
    const undo = await directory.edit('wrangler.jsonc', DATABASE_ID, '')
    const { stdout } = await directory.prepare()
    await undo()
    expect(stdout).toContain('npx wrangler d1 create reprefix')
    expect(stdout).not.toContain('npx wrangler deploy')
  })

  it('says what comes next: secrets, schema, program', async () => {
    const { stdout } = await directory.prepare()
    const commands = stdout.split('\n').map((line) => line.split('#')[0]?.trim())
    expect(commands.filter((line) => line?.startsWith('npx'))).toEqual([
      'npx wrangler secret put LOG_KEY --cwd deploy',
      'npx wrangler secret put ADMIN_TOKEN --cwd deploy',
      'npx wrangler secret put CLOUDFLARE_DNS_TOKEN --cwd deploy',
      'npx wrangler d1 migrations apply reprefix --remote --cwd deploy',
      'npx wrangler deploy --cwd deploy',
    ])
  })

  it('warns of a URL that leads elsewhere', async () => {
    const undo = await directory.edit(
      'wrangler.jsonc',
      '"pattern": "reprefix.',
      '"pattern": "other.',
    )
    const { code, stderr } = await directory.prepare()
    await undo()
    expect(code).toBe(0)
    expect(stderr).toMatch(/wrangler\.jsonc: routes: none is for reprefix\.example\.org/)
  })

  it.each([
    ['store/file', 'store: d1:DB', 'store: file:x.db', /cloud\.yaml: store: .*write d1:BINDING/],
    ['store/unbound', 'store: d1:DB', 'store: d1:BD', /wrangler\.jsonc: d1_databases: .*d1:BD/],
    ['log/key-file', `"\${env:LOG_KEY}"`, 'log.key', /log\.key: .*"reprefix audit new-key"/],
    ['admin/key', 'admin: {', 'admins: {', /cloud\.yaml: admins/],
    ['secret/file', `\${env:ADMIN_TOKEN}`, `\${file:/run/token}`, /a Worker has no files: store/],
    ['zone/provider', 'providers: [cloudflare]', 'providers: [cf]', /zones\.example\.org.*cf/],
  ])('refuses %s with path and remedy, and lays out nothing', async (_, from, to, fault) => {
    const undo = await directory.edit('cloud.yaml', from, to)
    const refused = await directory.prepare()
    await undo()
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(fault)
    expect(refused.stdout).toBe('')
    expect(await readdir(directory.path)).not.toContain('worker.new')
  })

  it.each([
    ['cron/none', '"*/5 * * * *"', '', /wrangler\.jsonc: triggers\.crons/],
    ['text/not-jsonc', '"workers_dev": true', '"workers_dev": maybe', /wrangler\.jsonc/],
  ])('refuses wrangler.jsonc with %s', async (_, from, to, fault) => {
    const undo = await directory.edit('wrangler.jsonc', from, to)
    const refused = await directory.prepare()
    await undo()
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(fault)
  })
})

describe('the Worker as wrangler deploys it', () => {
  let directory: WorkerDirectory
  let dryRun: RunResult

  beforeAll(async () => {
    directory = await createPreparedDirectory()
    dryRun = await directory.wrangler(['deploy', '--dry-run', '--outdir', 'out'])
  }, 120_000)
  afterAll(() => directory.remove())

  /** Starts what the dry run has written, with the bindings of wrangler.jsonc. */
  async function start(): Promise<Miniflare> {
    const out = join(directory.path, 'out')
    const files = (await readdir(out, { recursive: true })).filter((name) => name.endsWith('.js'))
    // The first is the Worker, the others are what it imports.
    files.sort((a, b) => Number(b === 'worker.js') - Number(a === 'worker.js'))
    const { secret } = await generateNoteSigner('reprefix.example.org')
    return new Miniflare({
      modules: await Promise.all(
        files.map(async (path) => ({
          type: 'ESModule' as const,
          path: join(out, path),
          contents: await readFile(join(out, path), 'utf8'),
        })),
      ),
      modulesRoot: out,
      compatibilityDate: '2026-04-01',
      compatibilityFlags: ['nodejs_compat'],
      bindings: {
        LOG_KEY: secret,
        ADMIN_TOKEN: 'operator-token-of-the-tests',
        CLOUDFLARE_DNS_TOKEN: 'token-of-the-tests',
      },
      d1Databases: { DB: DATABASE_ID },
      d1Persist: join(directory.path, '.wrangler/state/v3/d1'),
      cf: false,
      // Nothing leaves this machine.
      outboundService: () => new Response('no network', { status: 503 }),
    })
  }

  it('is taken whole by a dry run, within the limits of the free plan', async () => {
    const { code, stdout, stderr } = dryRun
    expect(code, stderr).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/env\.DB \(reprefix\) +D1 Database/)
    const [, kibibytes] = /gzip: ([\d.]+) KiB/.exec(stdout) ?? []
    // https://developers.cloudflare.com/workers/platform/limits/: 3 MB compressed
    expect(Number(kibibytes)).toBeLessThan(3 * 1024)
    const laidOut = await readdir(join(directory.path, 'worker'), { recursive: true })
    const taken = await readdir(join(directory.path, 'out'), { recursive: true })
    const modules = laidOut.filter((name) => name.endsWith('.js'))
    expect(taken).toEqual(expect.arrayContaining(modules))
    expect(modules).toContain('settings.js')
  })

  it('says that it is not ready while its database has no schema', async () => {
    const miniflare = await start()
    try {
      const answer = await miniflare.dispatchFetch(`${URL}/readyz`)
      expect(answer.status).toBe(503)
      expect(await answer.json()).toMatchObject({ code: 'NOT_READY' })
    } finally {
      await miniflare.dispose()
    }
  })

  describe('with the schema that wrangler has made', () => {
    const apply = ['d1', 'migrations', 'apply', 'reprefix', '--local']
    let miniflare: Miniflare
    beforeAll(async () => {
      const { code, stderr } = await directory.wrangler(apply)
      expect(code, stderr).toBe(0)
      miniflare = await start()
    }, 120_000)
    afterAll(() => miniflare.dispose())

    it.each([
      ['/healthz', 'ok'],
      ['/readyz', 'ready'],
    ])('answers %s', async (path, status) => {
      const answer = await miniflare.dispatchFetch(`${URL}${path}`)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({ status })
    })

    it('has none left to apply', async () => {
      expect((await directory.wrangler(apply)).stdout).toContain('No migrations to apply')
    })

    it('tells a host the address that Cloudflare has seen, whatever it says itself', async () => {
      const headers = { 'cf-connecting-ip': '2001:db8::7', 'x-forwarded-for': '2001:db8::bad' }
      const answer = await miniflare.dispatchFetch(`${URL}/v1/whoami`, { headers })
      expect(await answer.json()).toEqual({ address: '2001:db8::7' })
    })

    it('makes its scheduled pass', async () => {
      // Miniflare's types have `fetch` only.
      const worker = (await miniflare.getWorker()) as unknown as {
        scheduled(options: { readonly cron: string }): Promise<{ readonly outcome: string }>
      }
      expect(await worker.scheduled({ cron: '*/5 * * * *' })).toMatchObject({ outcome: 'ok' })
    })
  })
})
