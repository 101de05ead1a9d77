import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
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
import { type ConfigFile, configSchema } from './config-schema.ts'
import type { Intent } from './domain/model.ts'

/** Where `--config` points when it is not given. */
export const DEFAULT_CONFIG_PATH = '/etc/reprefix/agent.yaml'

/** Settings of an agent, checked as a whole. */
export interface AgentConfig {
  readonly intent: Intent
  /** The cloud's URL, where the file says it; enrolment says it too, and both must agree. */
  readonly cloud: string | undefined
  readonly dockerSocket: string
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
  }
}

/** Any prefix will do to see whether suffixes fit and keep clear of each other. */
const SAMPLE = parseAddress('2001:db8::')

function checkNetworks(file: ConfigFile, fail: (path: string, fault: string) => never): void {
  const prefix = networkOf(SAMPLE, file.prefix.length)
  const taken: { readonly name: string; readonly subnet: Prefix }[] = []
  for (const [name, suffix] of Object.entries(file.docker.networks)) {
    const path = `docker.networks.${name}`
    let subnet: Prefix
    try {
      subnet = subnetOf(prefix, suffix)
    } catch (cause) {
      fail(path, messageOf(cause))
    }
    const other = taken.find((network) => overlaps(network.subnet, subnet))
    if (other) {
      const theirs = file.docker.networks[other.name]
      fail(path, `${suffix} overlaps ${theirs} of network ${other.name}: give each its own subnet`)
    }
    taken.push({ name, subnet })
  }
}

function checkEndpoints(file: ConfigFile, fail: (path: string, fault: string) => never): void {
  file.endpoints.forEach(({ address }, index) => {
    if (address === undefined || hostPart(address, file.prefix.length) === address) return
    fail(
      `endpoints.${index}.address`,
      `${address} has bits inside the first ${file.prefix.length}, which the prefix fills:` +
        ` did you mean ${hostPart(address, file.prefix.length)}?`,
    )
  })
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
  checkNetworks(file, fail)
  checkEndpoints(file, fail)
  return {
    intent: {
      uplink: file.interface,
      prefixLength: file.prefix.length,
      within: file.prefix.within,
      settleMs: file.prefix.settle,
      networks: file.docker.networks,
      endpoints: file.endpoints,
      proxy: file.ndp.backend,
      firewall: file.firewall,
    },
    cloud: file.cloud,
    dockerSocket: file.docker.socket,
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
