import { mkdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeBase64, encodeBase64 } from '../../shared/base64.ts'
import { parseVkey } from '../../shared/checkpoint.ts'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { removeInterruptedWrites } from '../../shared/files.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { importSigningKey, signReport } from '../../shared/jws.ts'
import type { Logger } from '../../shared/logger.ts'
import { verifyReceipt } from '../../shared/receipt.ts'
import { VERSION } from '../../shared/version.ts'
import { createActuator } from '../adapters/actuator.ts'
import { type BridgeSettling, createBridgeSettling } from '../adapters/bridge-settling.ts'
import { followCommand, type RunCommand, runCommand } from '../adapters/command.ts'
import { connectNetwork } from '../adapters/connect-network.ts'
import { createContainerInterfaces } from '../adapters/container-interfaces.ts'
import {
  createDefaultBridgeSettler,
  type DefaultBridgeSettler,
} from '../adapters/default-bridge.ts'
import { withDelegations } from '../adapters/delegation-source.ts'
import { createDockerApi, createDockerControl, type DockerApi } from '../adapters/docker.ts'
import { createDockerContainers } from '../adapters/docker-containers.ts'
import { ENROL_AGAIN, type Enrolment, readEnrolment } from '../adapters/enrolment-file.ts'
import { startFirewallMonitor } from '../adapters/firewall-monitor.ts'
import { createHttpPost } from '../adapters/http-post.ts'
import { createIp6tables } from '../adapters/ip6tables.ts'
import { createOtherVariant } from '../adapters/ip6tables-variant.ts'
import { createJournal } from '../adapters/journal.ts'
import { createKernel } from '../adapters/kernel.ts'
import { createKernelProxy } from '../adapters/kernel-proxy.ts'
import { createLastAttemptFile } from '../adapters/last-attempt.ts'
import type { Listener } from '../adapters/monitor.ts'
import { createNdppd } from '../adapters/ndppd.ts'
import type { Network } from '../adapters/network.ts'
import { createOutbox } from '../adapters/outbox.ts'
import { readOwnAddresses } from '../adapters/own-addresses.ts'
import { createProcessTable } from '../adapters/processes.ts'
import { createReceipts } from '../adapters/receipts.ts'
import { postReport, reportsUrl } from '../adapters/report-client.ts'
import { createReporter, type Reporter } from '../adapters/reporter.ts'
import { createReportingStateFile } from '../adapters/reporting-state.ts'
import { createSettleJournal } from '../adapters/settle-journal.ts'
import { createSettler } from '../adapters/settler.ts'
import { createSettling, localMinuteOfDay, type Settling } from '../adapters/settling.ts'
import { createStateFile } from '../adapters/state-file.ts'
import type { AgentConfig } from '../config.ts'
import type { AgentState } from '../domain/agent-state.ts'
import { parseReportedClaim } from '../domain/claim-text.ts'
import { SUBNET_LABEL } from '../domain/placement.ts'
import { uplinksOf } from '../domain/uplinks.ts'
import { createReconciler, type Reconciler } from '../reconcile.ts'

/** The parts of an agent that a command works with. */
export interface Assembly {
  /** By what addresses and routes are read and changed. */
  readonly means: Network['means']
  readonly reconciler: Reconciler
  readonly docker: DockerApi
  /** Hints from the planes that passes look after, until stopped. */
  readonly watch: (onHint: (plane: string) => void) => Listener
  readonly settling: Settling
  readonly bridgeSettling: BridgeSettling
  readonly bridgeSettler: DefaultBridgeSettler
  readonly readState: () => Promise<AgentState>
  readonly close: () => Promise<void>
}

/**
 * Builds the adapters that the settings ask for. Reads and changes nothing by itself. `newestClaim` is
 * what the newest report said, as `claimOf` gives it; `onProgress` is called whenever a command or a
 * change of Docker's state has ended, however it did.
 */
export function assemble(
  config: AgentConfig,
  log: Logger,
  onStateSaved: (state: AgentState) => void,
  newestClaim: () => Promise<string | null>,
  onProgress: () => void = () => undefined,
): Assembly {
  const run: RunCommand = (...call) => runCommand(...call).finally(onProgress)
  const { intent, paths } = config
  const processes = createProcessTable()
  const uplinks = uplinksOf(intent)
  const network = connectNetwork(run, uplinks, log)
  const { kernel: linux, linkIndexes } = createKernel(network, uplinks)
  const { kernel, watchSources } = withDelegations(linux, uplinks, {
    run,
    now: Date.now,
  })
  const interfaces = createContainerInterfaces(network, processes)
  const docker = createDockerApi(config.dockerSocket)
  const ndppd =
    intent.proxy === 'ndppd'
      ? createNdppd({ ...config.ndp, recordPath: paths.ndppd }, { run, processes, linkIndexes })
      : null
  const kernelProxy = createKernelProxy({
    run,
    readNeighbours: kernel.readNeighbours,
    uplinks: intent.proxy === 'kernel' ? uplinks.map(({ uplink }) => uplink) : [],
  })
  const otherVariant = createOtherVariant(run)
  const ip6tables =
    intent.firewall.backend === 'ip6tables' ? createIp6tables(run, otherVariant) : null
  const journal = createJournal({ path: paths.journal, now: () => new Date(), log })
  const stateFile = createStateFile(paths.state, intent.uplink)
  const reconciler = createReconciler(
    {
      kernel,
      containers: createDockerContainers({
        api: docker,
        interfaces,
        processes,
        linkIndexes,
        readRoutes: kernel.readRoutes,
        takesPart: ({ name, labels }) =>
          Object.hasOwn(intent.networks, name) || Object.hasOwn(labels, SUBNET_LABEL),
        log,
      }),
      proxy: ndppd,
      neighbours: kernelProxy,
      firewall: ip6tables,
      actuator: createActuator({
        run,
        network,
        processes,
        ndppd,
        kernelProxy,
        ip6tables,
        onContainerChanged: interfaces.changed,
        log,
      }),
      journal,
      saveState: async (state) => {
        await stateFile.write(state)
        onStateSaved(state)
      },
      reportedClaim: async () => parseReportedClaim(await newestClaim()),
      clock: Date.now,
      sleep,
      linkIndexes,
    },
    intent,
  )
  const control = createDockerControl(config.dockerSocket, onProgress)
  const time = { now: Date.now, minuteOfDay: localMinuteOfDay }
  const settling = createSettling({
    policy: config.settle,
    control,
    settler: createSettler({ control, journal: createSettleJournal(paths.settle), log }),
    ...time,
    log,
  })
  const bridgeSettler = createDefaultBridgeSettler(
    { ...config.daemon, recordPath: paths.daemon },
    { run, control },
  )
  const bridgeSettling = createBridgeSettling({
    policy: config.settle,
    settler: bridgeSettler,
    ...time,
    log,
  })
  return {
    means: network.means,
    reconciler,
    docker,
    settling,
    bridgeSettling,
    bridgeSettler,
    watch: (onHint) => {
      const listeners = [
        ndppd?.watch(() => onHint('ndppd')),
        ip6tables &&
          startFirewallMonitor(otherVariant.variant, () => onHint('packet filter'), {
            follow: followCommand,
            log,
            heldBackMs: ip6tables.heldBackMs,
          }),
      ]
      // Whether these listen does not matter: a glance reads the sources too.
      const sources = watchSources(() => onHint('prefix source'), log)
      return {
        isListening: () => listeners.every((one) => one?.isListening() ?? true),
        stop: () => {
          for (const one of [...listeners, sources]) one?.stop()
        },
      }
    },
    readState: () => stateFile.read(),
    close: () => journal.close(),
  }
}

/**
 * Creates the state directory, private to root: it holds the host's key.
 * @throws ReprefixError FILE_WRITE_FAILED
 */
export async function prepareStateDirectory({ paths }: AgentConfig): Promise<void> {
  try {
    await mkdir(paths.directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new ReprefixError(
      'FILE_WRITE_FAILED',
      `could not create the state directory ${paths.directory}: ${messageOf(cause)};` +
        ' run this as root, or correct stateDirectory in the settings',
      { cause },
    )
  }
}

/**
 * Removes what an agent killed while it wrote has left in the state directory. Only under its lock: a
 * running agent is between writing a file and renaming it at any time.
 */
export async function tidyStateDirectory({ paths }: AgentConfig): Promise<void> {
  const directories = [paths.directory, paths.outbox, paths.receipts]
  await Promise.all(directories.map(removeInterruptedWrites))
}

/** Builds the reporter from the enrolment; `null`, and a warning, on a host that has not enrolled. */
export async function assembleReporter(
  config: AgentConfig,
  log: Logger,
  signal: AbortSignal,
): Promise<Reporter | null> {
  const { paths } = config
  const enrolment = await readEnrolment(paths.enrolment)
  if (enrolment === null) {
    log.warn(
      { event: 'not-enrolled' },
      'this host is not enrolled: it is renumbered, but no DNS name is; reprefix-agent enroll JOIN',
    )
    return null
  }
  requireSameCloud(config, enrolment)
  const { key, verifiers } = await importKeys(enrolment, paths.enrolment)
  const stateFile = createReportingStateFile(paths.reporting)
  const start = await stateFile.read()
  if (start === null) {
    throw new ReprefixError(
      'STATE_CORRUPT',
      `${paths.reporting} is missing although this host is enrolled; ${ENROL_AGAIN}`,
    )
  }
  const url = reportsUrl(enrolment.url)
  const parts = {
    host: enrolment.host,
    version: VERSION,
    outbox: createOutbox(paths.outbox),
    receipts: createReceipts(paths.receipts),
    stateFile,
    lastAttempt: createLastAttemptFile(paths.lastAttempt),
    sign: (...[report, header]: Parameters<Parameters<typeof createReporter>[0]['sign']>) =>
      signReport(report, key, { url, ...header }),
    post: (jws: string, timeoutMs: number, prefix: string) => {
      const sources = () => readOwnAddresses(config.intent.uplink, parsePrefix(prefix))
      const post = createHttpPost(sources)
      return postReport(enrolment.url, jws, { timeoutMs, signal, post })
    },
    verify: async (receipt: unknown, witness: { size: number; root: string }, jws: string) => {
      const seen = { size: witness.size, root: decodeBase64(witness.root) }
      const proven = await verifyReceipt(receipt, { verifiers, witness: seen, jws })
      for (const { name, type, provider, outcome, error } of proven.entry.outcomes) {
        if (outcome !== 'failed') continue
        log.warn(
          { event: 'dns-failed', name, type, provider, error },
          `the cloud could not set ${name} ${type} at ${provider} yet: ${error?.message ?? 'no reason given'}`,
        )
      }
      const { size, root } = proven.checkpoint
      return { witness: { size, root: encodeBase64(root) }, entry: proven.index }
    },
    now: Date.now,
    random: Math.random,
    log,
  }
  return createReporter(parts, start)
}

async function importKeys({ key, vkey }: Enrolment, path: string) {
  try {
    return { key: await importSigningKey(key), verifiers: [await parseVkey(vkey)] }
  } catch (cause) {
    throw new ReprefixError(
      'STATE_CORRUPT',
      `${path} is damaged: ${messageOf(cause)}; ${ENROL_AGAIN}`,
      { cause },
    )
  }
}

function requireSameCloud(config: AgentConfig, enrolment: Enrolment): void {
  if (config.cloud === undefined || config.cloud === enrolment.url) return
  throw new ReprefixError(
    'CONFIG_INVALID',
    `the settings say cloud: ${config.cloud}, but this host is enrolled at ${enrolment.url}:` +
      ' correct the settings, or enrol again with a join string of that cloud',
  )
}
