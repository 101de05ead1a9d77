import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { messageOf, ReprefixError } from '../shared/errors.ts'
import { createReferenceResolver } from '../shared/files.ts'
import {
  hostPart,
  networkOf,
  overlaps,
  type Prefix,
  parseAddress,
  subnetOf,
} from '../shared/ipv6.ts'
import { parseSettings, type ReferenceResolver } from '../shared/settings.ts'
import { type ConfigFile, configSchema, prefixSettings } from './config-schema.ts'
import type { Intent, UplinkIntent } from './domain/model.ts'
import { DEFAULT_BRIDGE } from './domain/settle-need.ts'
import type { SettlePolicy } from './domain/settle-policy.ts'

/** Where `--config` points when it is not given. */
export const DEFAULT_CONFIG_PATH = '/etc/reprefix/agent.yaml'

/** Settings of an agent, checked as a whole. */
export interface AgentConfig {
  readonly intent: Intent
  /** The cloud's URL, where the file says it; enrolment says it too, and both must agree. */
  readonly cloud: string | undefined
  readonly dockerSocket: string
  /** When Docker's own state may be made true. */
  readonly settle: SettlePolicy
  /** Docker's own settings file, and how Docker is restarted for it. */
  readonly daemon: { readonly configPath: string; readonly restart: readonly [string, ...string[]] }
  readonly ndp: { readonly configPath: string; readonly restart: readonly [string, ...string[]] }
  readonly paths: StatePaths
}

/** The files of the state directory. */
export interface StatePaths {
  readonly directory: string
  readonly enrolment: string
  readonly state: string
  readonly reporting: string
  readonly ndppd: string
  readonly journal: string
  readonly outbox: string
  readonly receipts: string
  readonly lastChange: string
  readonly lastAttempt: string
  readonly lastFault: string
  readonly problems: string
  readonly pending: string
  /** The key that is to replace that of the enrolment. */
  readonly successor: string
  /** The settle under way. */
  readonly settle: string
  /** The change to Docker's settings file under way. */
  readonly daemon: string
}

function pathsIn(directory: string): StatePaths {
  return {
    directory,
    enrolment: join(directory, 'enrolment.json'),
    state: join(directory, 'state.json'),
    reporting: join(directory, 'reporting.json'),
    ndppd: join(directory, 'ndppd.json'),
    journal: join(directory, 'journal.ndjson'),
    outbox: join(directory, 'outbox'),
    receipts: join(directory, 'receipts'),
    lastChange: join(directory, 'last-change.json'),
    lastAttempt: join(directory, 'last-attempt.json'),
    lastFault: join(directory, 'last-fault.json'),
    problems: join(directory, 'problems.json'),
    pending: join(directory, 'enrolment-pending.json'),
    successor: join(directory, 'successor.json'),
    settle: join(directory, 'settle.json'),
    daemon: join(directory, 'default-bridge.json'),
  }
}

/** Any prefix will do to see whether suffixes fit and keep clear of each other. */
const SAMPLE = parseAddress('2001:db8::')

type Fail = (path: string, fault: string) => never
type Uplinks = readonly [UplinkIntent, ...UplinkIntent[]]

/** The uplinks, by either way of writing them; the first is the main one. */
function readUplinks({ interface: name, prefix, uplinks }: ConfigFile, fail: Fail): Uplinks {
  if (uplinks === undefined) {
    if (name === undefined) fail('interface', 'is missing: name the interface of the uplink')
    return [uplinkOf({ interface: name, prefix })]
  }
  if (name !== undefined) fail('interface', 'is said beside uplinks: make it the first of them')
  if (prefix !== undefined) fail('prefix', 'is said beside uplinks: write it inside each of them')
  const names = uplinks.map((uplink) => uplink.interface)
  const twice = names.findIndex((one, index) => names.indexOf(one) !== index)
  if (twice >= 0) fail(`uplinks.${twice}.interface`, `${names[twice]} is named twice`)
  const [main, ...others] = uplinks.map(uplinkOf)
  return main === undefined ? fail('uplinks', 'must name at least one uplink') : [main, ...others]
}

function uplinkOf(uplink: {
  readonly interface: string
  readonly prefix?: v.InferOutput<typeof prefixSettings> | undefined
}): UplinkIntent {
  const { length, within, settle, source } = uplink.prefix ?? v.parse(prefixSettings, {})
  return { uplink: uplink.interface, prefixLength: length, within, settleMs: settle, source }
}

/** The uplink that a setting names, the main one where it names none. */
function namedUplink(name: string | undefined, uplinks: Uplinks, path: string, fail: Fail) {
  const found = name === undefined ? uplinks[0] : uplinks.find(({ uplink }) => uplink === name)
  const known = uplinks.map(({ uplink }) => uplink).join(', ')
  return found ?? fail(`${path}.uplink`, `${name} is no uplink: use one of ${known}`)
}

/** The networks of the settings by name; the default bridge is one of them. */
function networksOf({ docker }: ConfigFile): ConfigFile['docker']['networks'] {
  const { networks, defaultBridge } = docker
  if (defaultBridge === undefined) return networks
  return { ...networks, [DEFAULT_BRIDGE]: { subnet: defaultBridge } }
}

function checkNetworks(file: ConfigFile, uplinks: Uplinks, fail: Fail): void {
  const settings = networksOf(file)
  const taken: { readonly name: string; readonly subnet: Prefix }[] = []
  for (const [name, network] of Object.entries(settings)) {
    const path = `docker.networks.${name}`
    const { prefixLength } = namedUplink(network.uplink, uplinks, path, fail)
    let subnet: Prefix
    try {
      subnet = subnetOf(networkOf(SAMPLE, prefixLength), network.subnet)
    } catch (cause) {
      fail(path, messageOf(cause))
    }
    const other = taken.find((earlier) => overlaps(earlier.subnet, subnet))
    if (other) {
      const theirs = settings[other.name]?.subnet
      const fault = `${network.subnet} overlaps ${theirs} of network ${other.name}`
      fail(path, `${fault}: give each its own subnet`)
    }
    taken.push({ name, subnet })
  }
}

function checkEndpoints({ endpoints }: ConfigFile, uplinks: Uplinks, fail: Fail): void {
  endpoints.forEach(({ address, uplink }, index) => {
    const path = `endpoints.${index}`
    const { prefixLength } = namedUplink(uplink, uplinks, path, fail)
    if (address === undefined || hostPart(address, prefixLength) === address) return
    fail(
      `${path}.address`,
      `${address} has bits inside the first ${prefixLength}, which the prefix fills:` +
        ` did you mean ${hostPart(address, prefixLength)}?`,
    )
  })
}

function readIntent(file: ConfigFile, fail: Fail): Intent {
  const uplinks = readUplinks(file, fail)
  if (
    file.docker.defaultBridge !== undefined &&
    Object.hasOwn(file.docker.networks, DEFAULT_BRIDGE)
  ) {
    fail('docker.networks.bridge', 'is said beside docker.defaultBridge: say it once')
  }
  checkNetworks(file, uplinks, fail)
  checkEndpoints(file, uplinks, fail)
  const [main, ...others] = uplinks
  const networks = Object.entries(networksOf(file))
  return {
    ...main,
    others,
    networks: Object.fromEntries(networks.map(([name, { subnet }]) => [name, subnet])),
    networkUplinks: Object.fromEntries(
      networks.flatMap(([name, { uplink }]) => (uplink === undefined ? [] : [[name, uplink]])),
    ),
    endpoints: file.endpoints,
    proxy: file.ndp.backend,
    firewall: file.firewall,
  }
}

/**
 * Reads an agent's settings from YAML text.
 * @throws ReprefixError CONFIG_INVALID naming the file, the path and the remedy
 */
export function parseConfig(
  text: string,
  fileName: string,
  resolve: ReferenceResolver,
): AgentConfig {
  const file = parseSettings(text, fileName, configSchema, resolve)
  const fail = (path: string, fault: string): never => {
    throw new ReprefixError('CONFIG_INVALID', `${fileName}: ${path}: ${fault}`)
  }
  return {
    intent: readIntent(file, fail),
    cloud: file.cloud,
    dockerSocket: file.docker.socket,
    settle: file.docker.settle,
    daemon: { configPath: file.docker.config, restart: file.docker.restart },
    ndp: { configPath: file.ndp.config, restart: file.ndp.restart },
    paths: pathsIn(file.stateDirectory),
  }
}

/**
 * Reads the settings file of an agent.
 * @throws ReprefixError FILE_READ_FAILED when there is none, CONFIG_INVALID when it is wrong
 */
export async function readConfig(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<AgentConfig> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new ReprefixError(
      'CONFIG_INVALID',
      `failed to read the settings file ${path}: ${messageOf(cause)}; name another with --config`,
      { cause },
    )
  }
  return parseConfig(text, path, createReferenceResolver(environment))
}
