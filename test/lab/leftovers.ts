import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { contains, type Prefix, parseAddress, parsePrefix } from '../../shared/ipv6.ts'
import { inNamespace, run } from './command.ts'
import type { Home } from './home.ts'
import { HOME, type LabContainer } from './lab-names.ts'
import { processesOf } from './sweep.ts'

/** Prefixes in which the agent may have left something: the current one and the former ones. */
interface Numbered {
  readonly current: Prefix | undefined
  readonly live: readonly Prefix[]
}

/** What of the state file counts here, of one uplink; an older version has a single one. */
interface SavedNumbering {
  readonly current: { readonly prefix: Prefix } | null
  readonly retiring: readonly { readonly prefix: Prefix }[]
}

async function readNumbered({ lab }: Home): Promise<Numbered> {
  const text = await readFile(join(lab.directory.path, 'agent/state/state.json'), 'utf8')
  const saved = JSON.parse(text) as { uplinks?: Record<string, SavedNumbering> } & SavedNumbering
  const { current, retiring } = saved.uplinks?.[HOME.uplink] ?? saved
  const former = retiring.map(({ prefix }) => prefix)
  if (current === null) return { current: undefined, live: former }
  return { current: current.prefix, live: [current.prefix, ...former] }
}

type Overlay = ReadonlyMap<string, readonly string[]>

function isLive({ live }: Numbered, address: string): boolean {
  return live.some((prefix) => contains(prefix, parseAddress(address)))
}

/** Global addresses that are not the stable base, by the name of the container. */
export async function overlayAddresses(
  { lab }: Home,
  containers: readonly LabContainer[],
): Promise<Overlay> {
  const lives = await lab.home.lives(containers)
  const addresses = new Map<string, readonly string[]>()
  for (const { name, pid } of lives) {
    const text = await readFile(`/proc/${pid}/net/if_inet6`, 'utf8').catch(() => '')
    const found = text
      .split('\n')
      .filter((line) => line.startsWith('2'))
      .map((line) => parseAddress((line.slice(0, 32).match(/.{4}/g) ?? []).join(':')))
    addresses.set(name, found)
  }
  return addresses
}

function foreignAddresses(overlay: Overlay, numbered: Numbered): readonly string[] {
  const { current } = numbered
  return [...overlay].flatMap(([name, addresses]) => [
    ...addresses
      .filter((address) => !isLive(numbered, address))
      .map((address) => `container ${name} has ${address}`),
    ...(current === undefined || addresses.some((each) => contains(current, parseAddress(each)))
      ? []
      : [`container ${name} has no address in ${current}`]),
  ])
}

async function foreignRoutes(home: Home, numbered: Numbered): Promise<readonly string[]> {
  const show = ['ip', '-6', 'route', 'show', 'table', 'all']
  const text = await run(inNamespace(home.lab.namespaces.home, show))
  return text
    .split('\n')
    .filter((line) => /^2\S+\/\d+ dev /.test(line) && !line.includes(` dev ${HOME.uplink} `))
    .filter((line) => !isLive(numbered, line.slice(0, line.indexOf('/'))))
    .map((line) => `route ${line.trim()}`)
}

async function foreignRules(home: Home): Promise<readonly string[]> {
  const text = await run(inNamespace(home.lab.namespaces.home, ['ip', '-6', 'rule', 'show']))
  return text
    .split('\n')
    .filter((line) => line !== '' && !/lookup (?:local|main|default)\s*$/.test(line))
    .map((line) => `rule ${line}`)
}

async function foreignProxies(home: Home, overlay: Overlay): Promise<readonly string[]> {
  const show = ['ip', '-6', 'neighbour', 'show', 'proxy']
  const text = await run(inNamespace(home.lab.namespaces.home, show))
  const owned = new Set([...overlay.values()].flat())
  return text
    .split('\n')
    .filter((line) => line !== '' && !owned.has(line.split(' ')[0] ?? ''))
    .map((line) => `neighbour proxy ${line.trim()}`)
}

async function foreignFilter(home: Home): Promise<readonly string[]> {
  const text = await run(inNamespace(home.lab.namespaces.home, ['ip6tables', '-S']))
  const lines = text.split('\n')
  const chains = lines.filter((line) => /^-N .*REPREFIX/.test(line))
  const jumps = lines.filter((line) => line.endsWith('-j REPREFIX'))
  const isOne = chains.length === 1 && chains[0] === '-N REPREFIX' && jumps.length === 1
  return isOne ? [] : [`filter: ${[...chains, ...jumps].join('; ') || 'no chain'}`]
}

/** Siblings that an interrupted replacement of a file leaves (`.NAME.new`). */
async function temporaryFiles({ lab }: Home): Promise<readonly string[]> {
  const names = [
    ...(await readdir(join(lab.directory.path, 'agent'), { recursive: true })),
    ...(await readdir(lab.directory.path)),
  ]
  return names
    .filter((name) => /^\..*\.new$|\.tmp$/.test(basename(name)))
    .map((name) => `file ${name}`)
}

async function surplusDaemons({ lab }: Home): Promise<readonly string[]> {
  const names = await Promise.all(
    processesOf(lab.directory.id).map((pid) =>
      readFile(`/proc/${pid}/comm`, 'utf8').then(
        (text) => text.trim(),
        () => '', // ended meanwhile
      ),
    ),
  )
  const count = names.filter((name) => name === 'ndppd').length
  return count <= 1 ? [] : [`${count} processes of ndppd`]
}

/**
 * Everything on the home server that belongs to no prefix in use, in words: addresses in containers,
 * routes, rules, proxy entries, surplus chains, temporary files, daemons. Empty on a host in order.
 */
export async function leftoversOf(
  home: Home,
  containers: readonly LabContainer[] = home.lab.containers,
): Promise<readonly string[]> {
  const numbered = await readNumbered(home)
  const overlay = await overlayAddresses(home, containers)
  const found = await Promise.all([
    foreignAddresses(overlay, numbered),
    foreignRoutes(home, numbered),
    foreignRules(home),
    foreignProxies(home, overlay),
    foreignFilter(home),
    temporaryFiles(home),
    surplusDaemons(home),
  ])
  return found.flat()
}

/** The prefix that the agent numbers from, as its state file says. */
export async function currentPrefix(home: Home): Promise<Prefix | undefined> {
  return (await readNumbered(home)).current
}

/** A fresh prefix for every `index` from 0, all inside what the provider hands out. */
export function prefixNumber(index: number): Prefix {
  const group = (0x100 + index).toString(16)
  return parsePrefix(`2001:db8:${group}:${group}::/64`)
}
