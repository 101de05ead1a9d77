import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Readable } from 'node:stream'
import { Log, LogLevel, Miniflare } from 'miniflare'
import { openD1 } from '../../cloud/store/d1.ts'
import { MIGRATIONS, renderMigration, splitStatements } from '../../cloud/store/migrate.ts'
import { bindingOf, D1_WORKER } from '../stores/d1-databases.ts'
import { type Deployment, deploy } from './embed.ts'
import { type CloudSetting, type RunningCloud, secretsOf, settingsOf } from './running-cloud.ts'

/** A Worker in workerd on this machine, with its D1 database. */
export interface RunningWorker extends RunningCloud {
  /** What `wrangler d1 migrations apply` does. */
  migrate(): Promise<void>
}

/** What differs from a Worker as it is meant to be. */
export interface WorkerChange {
  /** Secrets that are there instead. */
  readonly secrets?: Readonly<Record<string, string>>
  readonly isMigrated?: boolean
  /** Where the database outlives the Worker; otherwise it is in memory. */
  readonly persistIn?: string
}

/** A Worker's modules, the main one first. */
export type WorkerModules = Awaited<ReturnType<typeof readModules>>

/** What workerd runs. */
export interface WorkerdOptions {
  readonly modules: WorkerModules
  readonly bindings: Readonly<Record<string, string>>
  readonly persistIn?: string | undefined
  readonly onOutput?: (text: string) => void
  /** Whether `migrate` will be asked to make the schema. */
  readonly canMigrate?: boolean
}

const MIGRATOR = 'migrator.test'
const COMMON = {
  compatibilityDate: '2026-04-01',
  compatibilityFlags: ['nodejs_compat'],
  d1Databases: { DB: 'reprefix' },
}

/** Runs a Worker with a D1 database `DB` in a workerd of its own; not yet there when this returns. */
export function openWorkerd(options: WorkerdOptions): Miniflare {
  const { modules, bindings, persistIn, onOutput, canMigrate = false } = options
  const migrator = { ...COMMON, name: MIGRATOR, modules: true, script: D1_WORKER }
  return new Miniflare({
    workers: [
      { ...COMMON, name: 'reprefix', modules: [...modules], bindings },
      ...(canMigrate ? [{ ...migrator, routes: [`${MIGRATOR}/*`] }] : []),
    ],
    ...(persistIn !== undefined && { d1Persist: persistIn }),
    host: '127.0.0.1',
    unsafeTriggerHandlers: true,
    // Asks no other machine for anything.
    cf: false,
    log: new Log(LogLevel.ERROR),
    handleRuntimeStdio(out: Readable, err: Readable) {
      for (const stream of [out, err]) {
        stream.setEncoding('utf8')
        stream.on('data', (text: string) => onOutput?.(text))
      }
    },
  })
}

/** A Worker with the settings of the suite. */
export const deployWorker = (setting: CloudSetting): Promise<Deployment> =>
  deploy('workers', settingsOf(setting, 'd1:DB'))

/** Deploys a Worker with the settings of the suite to workerd. */
export async function startWorker(
  setting: CloudSetting,
  { secrets, isMigrated = true, persistIn }: WorkerChange = {},
): Promise<RunningWorker> {
  const deployment = await deployWorker(setting)
  let logged = ''
  const miniflare = openWorkerd({
    modules: await readModules(deployment.directory),
    bindings: secrets ?? secretsOf(setting),
    persistIn,
    onOutput: (text) => {
      logged += text
    },
    canMigrate: true,
  })
  const base = await miniflare.ready
  if (isMigrated) await migrate(miniflare)
  return {
    url: base.href.replace(/\/$/, ''),
    from: (address) => ({ 'cf-connecting-ip': address }),
    claims: { 'x-forwarded-for': '2001:db8:66::1', forwarded: 'for="[2001:db8:66::2]"' },
    logged: () => logged,
    async pass() {
      const answer = await fetch(new URL('/cdn-cgi/handler/scheduled', base))
      const outcome = await answer.text()
      if (outcome !== 'ok') throw new Error(`the cron trigger ended with ${outcome}: ${logged}`)
    },
    migrate: () => migrate(miniflare),
    async stop() {
      await miniflare.dispose()
      await deployment.remove()
    },
  }
}

/** Reads `worker.js` of a directory and all that it may import. */
export async function readModules(directory: string) {
  const all = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = all
    .filter((entry) => entry.isFile() && entry.name.endsWith('.js'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((a, b) => Number(b.endsWith('/worker.js')) - Number(a.endsWith('/worker.js')))
  return Promise.all(
    paths.map(async (path) => ({
      type: 'ESModule' as const,
      path: relative(directory, path),
      contents: await readFile(path, 'utf8'),
    })),
  )
}

async function migrate(miniflare: Miniflare): Promise<void> {
  const port = openD1(bindingOf(miniflare, 'DB', `http://${MIGRATOR}/`))
  for (const from of MIGRATIONS.keys()) {
    const statements = splitStatements(renderMigration(from))
    await port.batch(statements.map((sql) => ({ sql, args: [] })))
  }
}
