import { mapBounded } from './bounded.ts'
import type { DockerControl } from './docker.ts'
import { decodeIds, decodeSettleEndpoint, type ReadEndpoint } from './settle-decode.ts'

/** A container's place on a network as Docker keeps it now. */
export type AttachedEndpoint = ReadEndpoint

const CONCURRENCY = 8

/** Reads one container's place on a network; `null` when it has none, or is gone. */
export async function readEndpoint(
  control: DockerControl,
  containerId: string,
  networkName: string,
): Promise<AttachedEndpoint | null> {
  const value = await control.inspectContainer(containerId)
  return value === null ? null : decodeSettleEndpoint(value, networkName)
}

/** Reads every container that has a place on a network, whatever its state. */
export async function readEndpoints(
  control: DockerControl,
  networkName: string,
): Promise<readonly AttachedEndpoint[]> {
  const ids = decodeIds(await control.listAttached(networkName))
  const found = await mapBounded(ids, CONCURRENCY, (id) => readEndpoint(control, id, networkName))
  return found.filter((endpoint) => endpoint !== null)
}
