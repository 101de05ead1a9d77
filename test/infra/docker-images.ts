import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../lab/command.ts'
import type { DockerApi } from '../lab/docker-api.ts'
import { renderTar, type TarEntry } from '../lab/image.ts'
import { programPath } from '../lab/packages.ts'

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..')
/** What the Dockerfile runs in the base image. */
const APPLETS = ['sh', 'cat', 'true', 'mkdir', 'chown', 'chmod', 'rm', 'tar', 'touch']
const BASE = 'reprefix-base'
/** Only these of the packages that are not for production are needed to build. */
const BUILD_TOOLS = /^node_modules\/(?:rolldown|@rolldown\/[^/]+|@oxc-project\/types)$/

/** A package of package-lock.json. */
interface LockedPackage {
  readonly dev?: boolean
  readonly devOptional?: boolean
}

/** A program at a path of the image, and at theirs the libraries that it and `others` are linked with. */
async function entriesOf(
  program: string,
  path: string,
  others: readonly string[] = [],
): Promise<readonly TarEntry[]> {
  const linked = await run(['ldd', program, ...others])
  const found = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, library]) => library ?? '')
  const libraries = [...new Set(found)].map((from) => ({ from, to: from }))
  const entries = [{ from: program, to: path }, ...libraries].map(
    async ({ from, to }): Promise<TarEntry> => ({
      name: to.slice(1),
      mode: 0o755,
      type: '0',
      content: await readFile(from),
    }),
  )
  return Promise.all(entries)
}

/** The drivers of the store that are made for glibc, of which one fits this machine. */
async function nativeDrivers(): Promise<readonly string[]> {
  const room = join(ROOT, 'node_modules/@libsql')
  const names = (await readdir(room)).filter((name) => name.endsWith('-gnu'))
  return names.map((name) => join(room, name, 'index.node'))
}

function directories(names: readonly string[]): readonly TarEntry[] {
  return names.map((name) => ({ name, mode: name === 'tmp/' ? 0o1777 : 0o755, type: '5' }))
}

/** Imports an image of these files; `changes` are lines of a Dockerfile. */
async function importImage(
  api: DockerApi,
  name: string,
  entries: readonly TarEntry[],
  changes: readonly string[] = [],
): Promise<void> {
  const [repo, tag = 'latest'] = name.split(':')
  const query = changes.map((line) => `&changes=${encodeURIComponent(line)}`).join('')
  await api.call(
    'POST',
    `/images/create?fromSrc=-&repo=${repo}&tag=${tag}${query}`,
    renderTar(entries),
  )
}

/** A base image with this machine's own Node, in place of the one from a registry. */
async function importBase(api: DockerApi): Promise<void> {
  const links = APPLETS.map(
    (name): TarEntry => ({ name: `bin/${name}`, mode: 0o777, type: '2', link: 'busybox' }),
  )
  const busybox = await readFile(programPath('busybox'))
  await importImage(api, BASE, [
    ...directories(['bin/', 'tmp/']),
    { name: 'bin/busybox', mode: 0o755, type: '0', content: busybox },
    ...links,
    ...(await entriesOf(process.execPath, '/usr/local/bin/node', await nativeDrivers())),
  ])
}

/** The image `caddy:2` with Debian's Caddy in it, started as the official one is. */
export async function importCaddy(api: DockerApi): Promise<void> {
  const entries = await entriesOf(programPath('caddy'), '/usr/bin/caddy')
  const command = ['caddy', 'run', '--config', '/etc/caddy/Caddyfile', '--adapter', 'caddyfile']
  await importImage(
    api,
    'caddy:2',
    [...directories(['tmp/']), ...entries],
    ['ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data', `CMD ${JSON.stringify(command)}`],
  )
}

/** What the image is built of, with the dependencies, which an offline build cannot fetch. */
async function packContext(file: string): Promise<Buffer> {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'))
  const packages = Object.entries(lock.packages as Record<string, LockedPackage>)
  const needed = packages
    // What lies inside another package comes with it.
    .filter(([path]) => path.lastIndexOf('node_modules/') === 0)
    .filter(([path, { dev, devOptional }]) => !(dev || devOptional) || BUILD_TOOLS.test(path))
    .map(([path]) => path)
  const rooms = ['agent', 'cloud', 'docs/schema', 'infra', 'shared', 'test']
  const sources = ['package.json', 'package-lock.json', ...rooms]
  await run(['tar', '-cf', file, '--ignore-failed-read', ...sources, ...needed], {
    directory: ROOT,
  })
  return readFile(file)
}

/** Builds infra/compose/Dockerfile as `reprefix-cloud`, by the legacy builder and without network. */
export async function buildCloudImage(api: DockerApi, directory: string): Promise<void> {
  await importBase(api)
  const query = new URLSearchParams({
    dockerfile: 'infra/compose/Dockerfile',
    t: 'reprefix-cloud',
    networkmode: 'none',
    buildargs: JSON.stringify({ BASE, INSTALL: 'true' }),
  })
  const context = await packContext(join(directory, 'context.tar'))
  const said = await api.call('POST', `/build?${query}`, context)
  // A failed build is told in the stream, under status 200.
  const error = /"error":"(?:[^"\\]|\\.)*"/.exec(String(said))
  if (error !== null) throw new Error(`the image was not built: ${String(said).slice(-3000)}`)
}
