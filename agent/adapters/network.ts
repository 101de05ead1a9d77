import type { AddressState, Delegation, NeighbourEntry, RouteState } from '../domain/model.ts'
import type { Step } from '../domain/step.ts'

/** An interface. */
export interface Link {
  readonly index: number
  readonly name: string
  /** Link-layer address in lower case, empty where there is none. */
  readonly mac: string
}

/** What a network namespace showed at one moment. */
export interface NamespaceView {
  readonly links: readonly Link[]
  /** Link-local addresses left out, in the kernel's order; an interface that is not there has none. */
  addressesOf(interfaceName: string): readonly AddressState[]
}

/** What the agent's own namespace showed at one moment. */
export interface HostView extends NamespaceView {
  /**
   * How many distinct default routers of an interface were learnt from router advertisements. One that
   * announces prefixes with a router lifetime of 0 (RFC 4861 §6.3.4) has no default route and is not
   * counted.
   */
  routersOf(interfaceName: string): number
  /** What DHCPv6 clients have left in the routing tables, each prefix once. */
  readonly delegations: readonly Delegation[]
  /** Our own routes; see {@link ROUTE_PROTOCOL}. */
  readonly routes: readonly RouteState[]
  readonly neighbours: readonly NeighbourEntry[]
}

/** Steps that change an address inside a container's network namespace. */
export type AddressStep = Extract<
  Step,
  { kind: 'address-add' | 'address-deprecate' | 'address-remove' }
>

/** Steps that change the host's own addresses and routes. */
export type HostStep = Extract<
  Step,
  { kind: 'route-add' | 'route-move' | 'route-remove' | 'uplink-deprecate' }
>

/** The kernel's addresses and routes, by whatever means they are read and changed. */
export interface Network {
  readonly means: 'netlink' | 'iproute2'
  lookAtHost(): Promise<HostView>
  /** Looks into the namespace of a process. Rejects where it cannot be entered. */
  lookInto(pid: number): Promise<NamespaceView>
  /**
   * Takes steps in the namespace of a process, or in the agent's own, in their order, whether or not
   * earlier ones fail. Returns why a step failed, by its index; what was to be removed and is gone
   * already has not. Rejects where nothing is known of what was done.
   */
  change(
    pid: number | 'self',
    steps: readonly (AddressStep | HostStep)[],
  ): Promise<ReadonlyMap<number, string>>
}

/**
 * The routing protocol number of our routes and proxied neighbours: it tells them from all that others
 * have set. Not one of those that iproute2 names in rt_protos, so that every version prints and takes it
 * as a number.
 */
export const ROUTE_PROTOCOL = 174
