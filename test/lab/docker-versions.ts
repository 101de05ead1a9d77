import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { run } from './command.ts'
import { programPath } from './packages.ts'

/** A Docker that the lab can run. */
export interface DockerVersion {
  /** As `dockerd --version` says it, for example `26.1.5+dfsg1`. */
  readonly version: string
  /** Directories with its programs, to be put first in PATH; none for the machine's own. */
  readonly path: string | undefined
}

/** A Docker that could not be had here, and why. */
export interface MissingDocker {
  readonly suite: string
  readonly reason: string
}

/** Debian's later releases, whose Docker runs on this one with its containerd and runc. */
const SUITES = ['trixie', 'sid'] as const
const CACHE = '/var/cache/reprefix-lab/docker'
const COMPOSE_CACHE = '/var/cache/reprefix-lab/compose'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** Slow mirrors are waited for, dead ones not for ever. */
const NETWORK_TIMEOUT_MS = 180_000

async function versionOf(program: string): Promise<string> {
  const said = await run([program, '--version'])
  const [, version] = /version ([^\s,]+)/.exec(said) ?? []
  if (version === undefined) throw new ReprefixError('LAB_FAILED', `${program}: ${said}`)
  return version
}

/** The mirror that this machine itself installs from. */
async function ownMirror(): Promise<string> {
  const format = ['--format', '$(REPO_URI) $(COMPONENT)']
  const targets = await run(['apt-get', 'indextargets', ...format, 'Created-By: Packages'])
  const mirror = targets
    .split('\n')
    .map((line) => line.split(' '))
    .find(([uri = '', component]) => component === 'main' && /\/debian\/?$/.test(uri))
  if (mirror?.[0] === undefined) {
    throw new ReprefixError('LAB_FAILED', 'no Debian mirror is configured in /etc/apt')
  }
  return mirror[0]
}

/** Options that keep apt's state of another suite in a directory of its own. */
async function privateApt(directory: string, suite: string): Promise<readonly string[]> {
  for (const each of ['etc/apt.conf.d', 'etc/preferences.d', 'state/lists/partial', 'cache']) {
    await mkdir(join(directory, each), { recursive: true })
  }
  const source = `deb [signed-by=${KEYRING}] ${await ownMirror()} ${suite} main\n`
  await writeFile(join(directory, 'etc/sources.list'), source)
  await writeFile(join(directory, 'status'), '')
  const settings = {
    'Dir::Etc': join(directory, 'etc'),
    'Dir::State': join(directory, 'state'),
    'Dir::State::status': join(directory, 'status'),
    'Dir::Cache': join(directory, 'cache'),
    'Acquire::Languages': 'none',
    // The files lie in directories of root, which apt's own user may not enter.
    'APT::Sandbox::User': 'root',
  }
  return Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
}

/** Downloads a package of a suite and unpacks it into `target`, which then is there whole or not at all. */
async function download(suite: string, name: string, target: string): Promise<void> {
  const work = `${target}.new`
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  const options = await privateApt(work, suite)
  const network = { timeoutMs: NETWORK_TIMEOUT_MS }
  await run(['apt-get', '-q', ...options, 'update'], network)
  await run(['apt-get', '-q', ...options, 'download', name], { ...network, directory: work })
  const file = (await readdir(work)).find((each) => each.endsWith('.deb'))
  if (file === undefined) throw new ReprefixError('LAB_FAILED', `no ${name} of ${suite} came`)
  await run(['dpkg', '-x', join(work, file), join(work, 'root')], network)
  await rename(join(work, 'root'), target)
  await rm(work, { recursive: true, force: true })
}

async function obtain(suite: string): Promise<DockerVersion> {
  const target = join(CACHE, suite)
  if (!existsSync(target)) await download(suite, 'docker.io', target)
  const path = ['usr/sbin', 'usr/bin', 'usr/libexec/docker'].map((each) => join(target, each))
  return { version: await versionOf(join(target, 'usr/sbin/dockerd')), path: path.join(':') }
}

/**
 * Every Docker that this machine can run: its own, and those of Debian's later suites, downloaded once
 * from its own mirror and unpacked beside it; nothing is installed. What cannot be had is named.
 */
export async function dockerVersions(): Promise<{
  readonly available: readonly DockerVersion[]
  readonly missing: readonly MissingDocker[]
}> {
  const own = { version: await versionOf(programPath('dockerd')), path: undefined }
  const available: DockerVersion[] = [own]
  const missing: MissingDocker[] = []
  for (const suite of SUITES) {
    try {
      const other = await obtain(suite)
      if (available.every(({ version }) => version !== other.version)) available.push(other)
    } catch (cause) {
      missing.push({ suite, reason: messageOf(cause) })
    }
  }
  return { available, missing }
}

/** A compose that the lab can run against any of its Dockers. */
export interface ComposeVersion {
  readonly version: string
  readonly program: string
}

/** Compose of Debian's later suites, obtained like their Docker; the one of Debian 12 is another program. */
export async function composeVersions(): Promise<{
  readonly available: readonly ComposeVersion[]
  readonly missing: readonly MissingDocker[]
}> {
  const available: ComposeVersion[] = []
  const missing: MissingDocker[] = []
  for (const suite of SUITES) {
    const target = join(COMPOSE_CACHE, suite)
    try {
      if (!existsSync(target)) await download(suite, 'docker-compose', target)
      const program = join(target, 'usr/libexec/docker/cli-plugins/docker-compose')
      const version = (await run([program, 'version', '--short'])).trim()
      available.push({ version, program })
    } catch (cause) {
      missing.push({ suite, reason: messageOf(cause) })
    }
  }
  return { available, missing }
}
