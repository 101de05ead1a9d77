import { messageOf } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import type { AttachmentState, ContainerState, NetworkState } from '../domain/model.ts'
import type { Containers, Kernel } from '../ports.ts'
import { type ContainerInterfaces, NOT_FOUND } from './container-interfaces.ts'
import type { DockerApi } from './docker.ts'
import {
  decodeContainers,
  decodeNetworks,
  decodePid,
  type ListedContainer,
  type ListedEndpoint,
} from './docker-decode.ts'
import type { LinkIndexes } from './kernel.ts'
import type { ProcessIdentity, ProcessTable } from './processes.ts'

/** What reading Docker needs. */
export interface DockerContainersParts {
  readonly api: DockerApi
  readonly interfaces: ContainerInterfaces
  readonly processes: ProcessTable
  readonly linkIndexes: LinkIndexes
  readonly readRoutes: Kernel['readRoutes']
  /**
   * Whether a network is ours to number. Those that have a route of ours still were: they are read too,
   * so that what they had is taken away. Nobody looks into containers of other networks only.
   */
  readonly takesPart: (network: NetworkState) => boolean
  readonly log: Logger
}

/** Containers read at once; more processes than this only queue for the processors. */
const CONCURRENCY = 16

/** Maps in parallel, but never more than `limit` at a time; keeps the order. */
async function mapBounded<A, B>(
  items: readonly A[],
  limit: number,
  map: (item: A) => Promise<B>,
): Promise<readonly B[]> {
  const results: B[] = []
  const pending = items.entries()
  async function work(): Promise<void> {
    for (const [index, item] of pending) results[index] = await map(item)
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work))
  return results
}

/**
 * Reads Docker's networks and running containers, and each container's interfaces from inside its
 * network namespace. Containers that share another's namespace or the host's (`network_mode`
 * `container:`, `host`, `none`) have no attachment of their own and are left out; the container whose
 * namespace they share is numbered. A container that ends while it is read is left out too.
 */
export function createDockerContainers(parts: DockerContainersParts): Containers {
  const { api, interfaces, processes, log } = parts
  const pids = new Map<string, ProcessIdentity>()

  async function pidOf(id: string): Promise<number | null> {
    const known = pids.get(id)
    // The very process still lives, so it is still the container's: a restart makes another one.
    if (known && (await processes.identify(known.pid))?.startTicks === known.startTicks) {
      return known.pid
    }
    pids.delete(id)
    const inspected = await api.inspectContainer(id)
    const pid = inspected === null ? null : decodePid(inspected)
    const identity = pid === null ? null : await processes.identify(pid)
    if (identity) pids.set(id, identity)
    return pid
  }

  async function readInterfaces(pid: number, name: string, endpoints: readonly ListedEndpoint[]) {
    try {
      return await interfaces.read(pid, endpoints)
    } catch (cause) {
      // A container that cannot be looked into is unknown, which is not gone.
      const fields = { container: name, reason: messageOf(cause) }
      log.warn(fields, `failed to look into container ${name}; it is left as it is for now`)
      return endpoints.map(() => NOT_FOUND)
    }
  }

  async function readContainer(
    { id, name, labels, ...listed }: ListedContainer,
    networkIds: ReadonlySet<string>,
  ): Promise<ContainerState | null> {
    const endpoints = listed.endpoints.filter(({ networkId }) => networkIds.has(networkId))
    if (endpoints.length === 0) return { id, name, pid: 0, labels, attachments: [] }
    const pid = await pidOf(id)
    const found = pid === null ? null : await readInterfaces(pid, name, endpoints)
    if (pid === null || found === null) return null
    const attachments = endpoints.map(
      ({ networkId, dockerAddress }, index): AttachmentState => ({
        networkId,
        dockerAddress,
        ...(found[index] ?? NOT_FOUND),
      }),
    )
    return { id, name, pid, labels, attachments }
  }

  async function read(also: ReadonlySet<string> = new Set()) {
    const [networkList, containerList, indexes, routes] = await Promise.all([
      api.listNetworks(),
      api.listContainers(),
      parts.linkIndexes(),
      parts.readRoutes(),
    ])
    const hasRoute = ({ bridge }: NetworkState) =>
      routes.some((route) => route.interface === bridge)
    const networks = decodeNetworks(networkList)
      .filter((network) => parts.takesPart(network) || hasRoute(network) || also.has(network.id))
      .map((network) => ({ ...network, bridgeIndex: indexes.get(network.bridge) ?? null }))
    const ids = new Set(networks.map(({ id }) => id))
    const listed = decodeContainers(containerList)
    const containers = await mapBounded(listed, CONCURRENCY, (one) => readContainer(one, ids))
    for (const [id, { pid }] of pids) {
      if (listed.some((one) => one.id === id)) continue
      pids.delete(id)
      interfaces.forget(pid)
    }
    return { networks, containers: containers.filter((container) => container !== null) }
  }

  return { read }
}
