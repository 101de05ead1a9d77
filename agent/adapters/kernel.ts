import type { UplinkIntent, UplinkSnapshot } from '../domain/model.ts'
import type { Kernel } from '../ports.ts'
import type { HostView, Network } from './network.ts'

/** Index of every link of the agent's network namespace, by name. */
export type LinkIndexes = () => Promise<ReadonlyMap<string, number>>

/** What the kernel is asked of an uplink. */
export type KernelUplink = Pick<UplinkIntent, 'uplink' | 'source'>

/** Lets callers that ask at the same time share one answer; the next caller asks anew. */
function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let inFlight: Promise<T> | undefined
  return () => {
    inFlight ??= read().finally(() => {
      inFlight = undefined
    })
    return inFlight
  }
}

function snapshotOf({ uplink, source }: KernelUplink, view: HostView): UplinkSnapshot {
  const isPresent = view.links.some(({ name }) => name === uplink)
  const snapshot = {
    interface: uplink,
    isPresent,
    addresses: view.addressesOf(uplink),
    routers: view.routersOf(uplink),
  }
  if (source === 'route') return { ...snapshot, delegations: view.delegations }
  if (isPresent || source !== 'slaac') return snapshot
  const unknown = `there is no interface ${uplink}: correct its name in the settings, or bring it up`
  return { ...snapshot, unknown }
}

/** The kernel as a pass sees it: everything that is asked at the same time comes from one look. */
export function createKernel(
  { lookAtHost }: Pick<Network, 'lookAtHost'>,
  uplinks: readonly KernelUplink[],
): { readonly kernel: Kernel; readonly linkIndexes: LinkIndexes } {
  const look = shared(lookAtHost)
  return {
    kernel: {
      readUplinks: async () => {
        const view = await look()
        return uplinks.map((uplink) => snapshotOf(uplink, view))
      },
      readRoutes: async () => (await look()).routes,
      readNeighbours: async () => (await look()).neighbours,
    },
    linkIndexes: async () => new Map((await look()).links.map(({ name, index }) => [name, index])),
  }
}
