// Lays out what wrangler deploys: node infra/cloudflare/prepare.mjs [DIRECTORY], deploy/cloudflare unless
// given. Yours in it are cloud.yaml and wrangler.jsonc, made the first time and never written again; the
// program, its settings and the migrations are written anew each time, once cloud.yaml has been found right.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unstable_readConfig } from 'wrangler'
import { bundleWorker } from '../bundle-worker.mjs'

/**
 * What is used of wrangler.jsonc, as wrangler itself reads it.
 * @typedef {object} WranglerConfig
 * @property {{ binding: string, database_name?: string, database_id?: string }[]} d1_databases
 * @property {(string | { pattern: string })[]} [routes]
 * @property {boolean} [workers_dev]
 * @property {{ crons?: string[] }} [triggers]
 */

const REFERENCE = /\$\{env:(\w+)\}/g
const NO_DATABASE = /^[0-]*$/

const here = dirname(fileURLToPath(import.meta.url))
const dist = join(here, '../../dist')
const directory = process.argv[2] ?? 'deploy/cloudflare'
/** @param {string} name */
const inside = (name) => join(directory, name)

/**
 * Ends with what is wrong, and how it is put right.
 * @param {string} fault
 * @returns {never}
 */
function refuse(fault) {
  console.error(fault)
  process.exit(2)
}

/** Puts the files there that are the operator's; says whether there were some to make. */
async function putTemplates() {
  await mkdir(directory, { recursive: true })
  const missing = ['cloud.yaml', 'wrangler.jsonc'].filter((name) => !existsSync(inside(name)))
  for (const name of missing) {
    await copyFile(join(here, name), inside(name))
    console.log(`${inside(name)} is made: put in what is yours`)
  }
  return missing.length > 0
}

/**
 * Checks cloud.yaml, and writes the program for it.
 * @returns {Promise<{ url: string, store: string, secrets: string[] }>}
 */
async function layOut() {
  const next = inside('worker.new')
  await rm(next, { recursive: true, force: true })
  await mkdir(next)
  const settings = join(next, 'settings.js')
  const embed = ['config', 'embed', '--runtime', 'workers']
  const files = ['--config', inside('cloud.yaml'), '--out', settings]
  try {
    execFileSync(process.execPath, [join(dist, 'reprefix.js'), ...embed, ...files], {
      // It has said itself what is wrong; that some secrets are not known here is no news.
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  } catch {
    await rm(next, { recursive: true, force: true })
    process.exit(2)
  }
  const { settings: embedded, text } = await bundleWorker(resolve(next))
  await rm(inside('worker'), { recursive: true, force: true })
  await rename(next, inside('worker'))
  await rm(inside('migrations'), { recursive: true, force: true })
  await cp(join(here, 'migrations'), inside('migrations'), { recursive: true })
  const { url, store } = embedded
  const secrets = [...text.matchAll(REFERENCE)].map(([, name]) => name ?? '')
  return { url, store, secrets: [...new Set(secrets)] }
}

/**
 * @param {string} path
 * @returns {WranglerConfig}
 */
function readWranglerConfig(path) {
  try {
    return unstable_readConfig({ config: path }, { hideWarnings: true })
  } catch (error) {
    return refuse(`${path}: ${error instanceof Error ? error.message : error}`)
  }
}

/**
 * Finds what cloud.yaml and wrangler.jsonc say against each other; the database, and whether it exists.
 * @param {{ url: string, store: string }} settings
 */
function checkWranglerConfig({ url, store }) {
  const path = inside('wrangler.jsonc')
  const { d1_databases, routes = [], workers_dev, triggers } = readWranglerConfig(path)
  const database = d1_databases.find(({ binding }) => `d1:${binding}` === store)
  if (database === undefined) {
    refuse(`${path}: d1_databases: none is bound as cloud.yaml says (store: ${store}): add it`)
  }
  if (!triggers?.crons?.length) {
    refuse(`${path}: triggers.crons: without one nobody finishes what a report has left to do`)
  }
  const { hostname } = new URL(url)
  const patterns = routes.map((route) => (typeof route === 'string' ? route : route.pattern))
  const isRouted = patterns.some((pattern) => pattern.split('/')[0] === hostname)
  if (!isRouted && !(workers_dev && hostname.endsWith('.workers.dev'))) {
    console.error(
      `${path}: routes: none is for ${hostname}, where cloud.yaml says that agents find the Worker: add ` +
        `{ "pattern": "${hostname}", "custom_domain": true }, or make it one in the dashboard`,
    )
  }
  const name = database.database_name ?? database.binding
  return { name, exists: !NO_DATABASE.test(database.database_id ?? '') }
}

if (!existsSync(join(dist, 'reprefix.js'))) refuse('dist/reprefix.js is missing: npm run build')
if (await putTemplates()) process.exit(0)
const settings = await layOut()
const database = checkWranglerConfig(settings)
const wrangler = 'npx wrangler'
const at = `--cwd ${directory}`
console.log(`${inside('cloud.yaml')} is right, and ${inside('worker')} is ready. Next:`)
if (!database.exists) {
  console.log(`  ${wrangler} d1 create ${database.name}
      and its id into ${inside('wrangler.jsonc')}, as database_id; then this command again`)
} else {
  for (const name of settings.secrets) {
    console.log(`  ${wrangler} secret put ${name} ${at}    # once, and when it changes`)
  }
  console.log(`  ${wrangler} d1 migrations apply ${database.name} --remote ${at}
  ${wrangler} deploy ${at}
  curl ${settings.url}/readyz`)
}
