import { readFile } from 'node:fs/promises'
import { createLogger, type Logger } from '../../shared/logger.ts'
import { probeCloud } from '../adapters/cloud-probe.ts'
import { runCommand } from '../adapters/command.ts'
import { withDelegations } from '../adapters/delegation-source.ts'
import { readEnrolment } from '../adapters/enrolment-file.ts'
import { attempt, readFileFacts, readFreeBytes, readPrograms } from '../adapters/host-facts.ts'
import { createIproute } from '../adapters/iproute.ts'
import { createKernel } from '../adapters/kernel.ts'
import { createLastAttemptFile } from '../adapters/last-attempt.ts'
import { createLastFaultFile } from '../adapters/last-fault.ts'
import { isLocked } from '../adapters/lock.ts'
import {
  readForwarding,
  readLinksUp,
  readNeighbourTable,
  readRules,
  readUplinkSettings,
} from '../adapters/network-facts.ts'
import { createOutbox } from '../adapters/outbox.ts'
import { readPendingKey } from '../adapters/pending-key.ts'
import { readDockerHost, readIptables, readNdppd } from '../adapters/plane-facts.ts'
import { createProcessTable } from '../adapters/processes.ts'
import { createReceipts } from '../adapters/receipts.ts'
import { createReportingStateFile } from '../adapters/reporting-state.ts'
import { createStateFile } from '../adapters/state-file.ts'
import type { AgentConfig } from '../config.ts'
import type { DoctorFacts } from '../domain/doctor.ts'
import type { HostFacts } from '../domain/doctor-host.ts'
import type { NetworkFacts } from '../domain/doctor-network.ts'
import type { PlaneFacts } from '../domain/doctor-planes.ts'
import type { RecordFacts } from '../domain/doctor-records.ts'
import { foldPrefixList } from '../domain/prefix-list.ts'
import { uplinksOf } from '../domain/uplinks.ts'
import { assemble } from './assemble.ts'
import { readNewestClaim } from './newest-claim.ts'

/** Reads everything that `doctor` judges; changes nothing, and goes on past whatever fails. */
export async function readDoctorFacts(
  config: AgentConfig,
  settingsPath: string,
): Promise<DoctorFacts> {
  const [host, network, planes, records] = await Promise.all([
    readHost(config, settingsPath),
    readNetwork(config),
    readPlanes(config),
    readRecords(config),
  ])
  return { host, network, planes, records }
}

async function readHost(config: AgentConfig, settingsPath: string): Promise<HostFacts> {
  const { paths } = config
  const [settings, stateDirectory, keyFile, freeBytes, programs, isAgentRunning, fault] =
    await Promise.all([
      readFileFacts(settingsPath),
      readFileFacts(paths.directory),
      readFileFacts(paths.enrolment),
      attempt(() => readFreeBytes(paths.directory)),
      readPrograms(programsOf(config)),
      isLocked(paths.directory),
      createLastFaultFile(paths.lastFault)
        .read()
        .catch(() => null),
    ])
  const lastFault = fault && { since: fault.since, message: fault.message }
  const isRoot = process.getuid?.() === 0
  return {
    isRoot,
    settings,
    stateDirectory,
    keyFile,
    freeBytes,
    programs,
    isAgentRunning,
    lastFault,
  }
}

/** The programs that the agent starts under these settings. */
function programsOf({ intent, ndp }: AgentConfig): readonly string[] {
  return [
    'ip',
    'nsenter',
    ...(intent.firewall.backend === 'ip6tables' ? ['ip6tables', 'ip6tables-restore'] : []),
    ...(intent.proxy === 'ndppd' ? ['ndppd', ndp.restart[0]] : []),
    ...uplinksOf(intent).flatMap(({ source }) =>
      typeof source !== 'string' && 'command' in source ? [source.command[0]] : [],
    ),
  ]
}

async function readNetwork({ intent }: AgentConfig): Promise<NetworkFacts> {
  const uplinks = uplinksOf(intent)
  const linux = createKernel(createIproute(runCommand, uplinks), uplinks)
  const { kernel } = withDelegations(linux.kernel, uplinks, { run: runCommand, now: Date.now })
  const [forwardsIPv6, neighbours, rules, up, snapshots, settings] = await Promise.all([
    readForwarding(),
    readNeighbourTable(),
    attempt(() => readRules(runCommand)),
    readLinksUp(runCommand).catch(() => new Set<string>()),
    kernel.readUplinks().catch(() => []),
    Promise.all(uplinks.map(({ uplink }) => readUplinkSettings(uplink))),
  ])
  return {
    forwardsIPv6,
    neighbours,
    rules,
    proxy: intent.proxy,
    uplinks: uplinks.flatMap((one, index) => {
      const snapshot = snapshots.find((each) => each.interface === one.uplink)
      const kernelSettings = settings[index]
      if (kernelSettings === undefined) return []
      const seen = snapshot ? foldPrefixList([], snapshot, one, Date.now()) : []
      return [
        {
          intent: one,
          isPresent: snapshot?.isPresent ?? false,
          isUp: up.has(one.uplink),
          settings: kernelSettings,
          prefixes: seen.flatMap(({ prefix, isEligible }) => (isEligible ? [prefix] : [])),
          addressCount: snapshot?.addresses.length ?? 0,
          isAdvertised: one.source === 'slaac',
          unknown: snapshot?.unknown ?? null,
        },
      ]
    }),
  }
}

async function readPlanes(config: AgentConfig): Promise<PlaneFacts> {
  const { intent, ndp, dockerSocket } = config
  const [ndppd, iptables, docker] = await Promise.all([
    intent.proxy === 'ndppd' ? readNdppd(runCommand, createProcessTable(), ndp.configPath) : null,
    intent.firewall.backend === 'ip6tables' ? attempt(() => readIptables(runCommand)) : null,
    attempt(() => readDockerHost(runCommand, dockerSocket, intent)),
  ])
  const isReadable = !('fault' in docker) && (iptables === null || !('fault' in iptables))
  // What keeps a pass from being planned at all is a finding already.
  const problems = isReadable ? await attempt(() => readProblems(config)) : null
  return { ndppd, iptables, docker, problems }
}

const SILENT: Logger = createLogger({
  level: 'error',
  name: 'reprefix-agent',
  destination: { write: () => undefined },
})

async function readProblems(config: AgentConfig) {
  const { reconciler, readState, close } = assemble(
    config,
    SILENT,
    () => undefined,
    () => readNewestClaim(config.paths),
  )
  try {
    return (await reconciler.plan(await readState())).problems
  } finally {
    await close()
  }
}

async function readRecords({ paths, cloud, intent }: AgentConfig): Promise<RecordFacts> {
  const [enrolment, pending, state, journal, outbox, receipts, reporting] = await Promise.all([
    attempt(() => readEnrolment(paths.enrolment)),
    attempt(async () => ((await readPendingKey(paths.pending)) ? { path: paths.pending } : null)),
    attempt(() => createStateFile(paths.state, intent.uplink).read()),
    attempt(() => readJournal(paths.journal)),
    attempt(() => readOutbox(paths)),
    attempt(() => createReceipts(paths.receipts).latest()),
    attempt(() => createReportingStateFile(paths.reporting).read()),
  ])
  const url = ('value' in enrolment ? enrolment.value?.url : undefined) ?? cloud
  return {
    enrolment,
    cloud: cloud ?? null,
    pending,
    state: 'fault' in reporting ? reporting : state,
    journal,
    outbox,
    receipts,
    refused: 'value' in reporting ? (reporting.value?.refused ?? null) : null,
    answer: url === undefined ? null : await attempt(() => probeCloud(url)),
  }
}

async function readOutbox({ outbox, lastAttempt }: AgentConfig['paths']) {
  const { entries, damaged } = await createOutbox(outbox).read()
  const last = await createLastAttemptFile(lastAttempt).read()
  return {
    waiting: entries.length,
    since: entries[0]?.at ?? null,
    reason: last?.reason ?? null,
    damaged,
  }
}

async function readJournal(path: string): Promise<{ cutLines: number }> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return ''
    throw cause
  })
  const lines = text.split('\n').filter((line) => line !== '')
  return { cutLines: lines.filter((line) => !line.endsWith('}') || !line.startsWith('{')).length }
}
