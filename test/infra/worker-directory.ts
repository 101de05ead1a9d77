import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RunResult, tryRun } from '../lab/command.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..')
/** What stands for a database's id where there is none yet. */
const NO_ID = '00000000-0000-0000-0000-000000000000'
/** Miniflare finds the local database by this. */
export const DATABASE_ID = '11111111-1111-1111-1111-111111111111'

/** A directory as an operator deploys from, and what they type. */
export interface WorkerDirectory {
  readonly path: string
  /** Runs infra/cloudflare/prepare.mjs on it. */
  prepare(): Promise<RunResult>
  /** Runs wrangler in it, with a home of its own, that knows no account. */
  wrangler(args: readonly string[]): Promise<RunResult>
  /** Replaces a text in one of its files, which must be there; returns what undoes it. */
  edit(file: string, from: string, to: string): Promise<() => Promise<void>>
  remove(): Promise<void>
}

/** Makes an empty one. */
export async function createWorkerDirectory(): Promise<WorkerDirectory> {
  const base = await mkdtemp(join(tmpdir(), 'reprefix-worker-'))
  const path = join(base, 'deploy')
  const environment = [
    'env',
    '-i',
    `PATH=${process.env.PATH}`,
    `HOME=${base}`,
    'CI=1',
    'NO_COLOR=1',
    'WRANGLER_SEND_METRICS=false',
  ]
  const node = (script: string, args: readonly string[], directory: string) =>
    tryRun([...environment, process.execPath, join(ROOT, script), ...args], {
      directory,
      timeoutMs: 120_000,
    })
  return {
    path,
    prepare: () => node('infra/cloudflare/prepare.mjs', ['deploy'], base),
    wrangler: (args) => node('node_modules/wrangler/bin/wrangler.js', args, path),
    edit: async (file, from, to) => {
      const text = await readFile(join(path, file), 'utf8')
      if (!text.includes(from)) throw new Error(`${file} has no ${from}`)
      await writeFile(join(path, file), text.replace(from, to))
      return () => writeFile(join(path, file), text)
    },
    remove: () => rm(base, { recursive: true, force: true }),
  }
}

/** Makes one with an operator's answers filled in, and prepared. */
export async function createPreparedDirectory(): Promise<WorkerDirectory> {
  const directory = await createWorkerDirectory()
  await directory.prepare()
  await directory.edit('wrangler.jsonc', NO_ID, DATABASE_ID)
  await directory.edit('wrangler.jsonc', '// "routes"', '"routes"')
  const { code, stderr } = await directory.prepare()
  if (code !== 0 || stderr !== '') throw new Error(`prepare.mjs: ${code}: ${stderr}`)
  return directory
}
