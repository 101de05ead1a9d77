import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../shared/logger.ts'
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
import { startFirewallMonitor } from '../adapters/firewall-monitor.ts'
import { createIp6tables } from '../adapters/ip6tables.ts'
import { createOtherVariant } from '../adapters/ip6tables-variant.ts'
import { createJournal } from '../adapters/journal.ts'
import { createKernel } from '../adapters/kernel.ts'
import { createKernelProxy } from '../adapters/kernel-proxy.ts'
import type { Listener } from '../adapters/monitor.ts'
import { createNdppd } from '../adapters/ndppd.ts'
import type { Network } from '../adapters/network.ts'
import { createProcessTable } from '../adapters/processes.ts'
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
