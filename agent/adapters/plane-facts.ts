import { readFile } from 'node:fs/promises'
import { isReprefixError } from '../../shared/errors.ts'
import type { DockerHostFacts, IptablesFacts, NdppdFacts } from '../domain/doctor-planes.ts'
import type { Intent } from '../domain/model.ts'
import { SUBNET_LABEL } from '../domain/placement.ts'
import type { RunCommand } from './command.ts'
import { createDockerControl } from './docker.ts'
import { decodeDockerFacts, decodeNetworks } from './docker-decode.ts'
import { attempt } from './host-facts.ts'
import { createOtherVariant, type OtherVariant } from './ip6tables-variant.ts'
import { readInterface } from './network-facts.ts'
import type { ProcessTable } from './processes.ts'

/** ndppd has no option for its version: it prints it before it fails to read a file that is not there. */
const NO_FILE = '/nonexistent/reprefix'

/** Reads whether ndppd is installed and runs, and its configuration. */
export async function readNdppd(
  run: RunCommand,
  processes: ProcessTable,
  configPath: string,
): Promise<NdppdFacts> {
  const [version, running, configText] = await Promise.all([
    readNdppdVersion(run),
    processes.findByName('ndppd'),
    attempt(() => readOrEmpty(configPath)),
  ])
  return { version, isRunning: running.length > 0, configPath, configText }
}

async function readNdppdVersion(run: RunCommand): Promise<string | null> {
  try {
    const { stdout, stderr } = await run(['ndppd', '-c', NO_FILE])
    return /version (\S+)/.exec(`${stdout}${stderr}`)?.[1] ?? 'of unknown version'
  } catch (cause) {
    if (isReprefixError(cause, 'TOOL_MISSING')) return null
    throw cause
  }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return ''
    throw cause
  }
}

/** Reads which packet filter `ip6tables` writes to, and whether the other one has rules too. */
export async function readIptables(
  run: RunCommand,
  other: OtherVariant = createOtherVariant(run),
): Promise<IptablesFacts> {
  const [{ stdout }, variant, conflict] = await Promise.all([
    run(['ip6tables', '-V']),
    other.variant(),
    other.findRules(),
  ])
  const [, version = 'of unknown version'] = /v(\d\S*)/.exec(stdout) ?? []
  return { version, variant, conflict }
}

/** Reads Docker's version and networks, and what is on its own bridge. */
export async function readDockerHost(
  run: RunCommand,
  socket: string,
  { networks: named }: Pick<Intent, 'networks'>,
): Promise<DockerHostFacts> {
  const docker = createDockerControl(socket)
  const [info, list, docker0] = await Promise.all([
    docker.readInfo(),
    docker.listNetworks(),
    readInterface(run, 'docker0'),
  ])
  const networks = decodeNetworks(list)
  const taking = networks.filter(
    ({ name, labels }) => Object.hasOwn(named, name) || Object.hasOwn(labels, SUBNET_LABEL),
  )
  return {
    facts: decodeDockerFacts(info),
    networks,
    taking: taking.map(({ name }) => name),
    docker0,
  }
}
