import { contains, lengthOf, type Prefix, splice, subnetOf } from '../../shared/ipv6.ts'
import { type AgentState, numberingOf, type RememberedSubnet } from './agent-state.ts'
import { type PlacedContainer, placeContainers } from './container-placement.ts'
import {
  type DesiredNeighbours,
  desireNeighbours,
  type ProxiedAddress,
} from './desired-neighbours.ts'
import { type DesiredProxy, desireProxy } from './desired-proxy.ts'
import { desireFirewall } from './firewall-rules.ts'
import { isOnLan, unfiltered } from './lan-networks.ts'
import type {
  AddressState,
  FirewallState,
  Instant,
  Intent,
  NetworkState,
  Observed,
  RetiringPrefix,
  RouteState,
  UplinkSnapshot,
} from './model.ts'
import { livePrefixes, type Numbering } from './numbering.ts'
import { hasRouteOfOurs, type OwnedSubnet, ownedSubnets, refusedInterfaces } from './ownership.ts'
import { type NetworkPlacement, placeNetworks } from './placement.ts'
import type { Problem } from './problem.ts'
import type { ContainerAddress, UplinkAddress } from './step.ts'

/** An address that a container shall have. */
export interface DesiredAddress extends ContainerAddress {
  readonly containerId: string
  readonly networkId: string
  readonly bridge: string
  readonly isDeprecated: boolean
  /** Remaining valid lifetime, `null` is forever. */
  readonly validSeconds: number | null
  /** The kernel's own, which may be deprecated and nothing else. */
  readonly isLearnt?: boolean
}

/** Everything this host shall look like. What it does not speak of is left alone. */
export interface Desired {
  readonly addresses: readonly DesiredAddress[]
  readonly routes: readonly RouteState[]
  /** Addresses of the host itself that shall be deprecated. */
  readonly uplink: readonly UplinkAddress[]
  /** `null` where the plane is left to others. */
  readonly proxy: DesiredProxy | null
  readonly neighbours: DesiredNeighbours | null
  readonly firewall: {
    readonly rules: readonly string[]
    readonly hook: FirewallState['hook']
  } | null
  readonly owned: readonly OwnedSubnet[]
  /** Subnets in use that no route shows: to be remembered before they are. */
  readonly lan: readonly RememberedSubnet[]
  /** Container interfaces (`attachmentKey`) that are left exactly as they are. */
  readonly refused: ReadonlySet<string>
}

/** What is desired, the containers it speaks of, and what had to be left out. */
export interface Desire {
  readonly desired: Desired
  readonly placed: readonly PlacedContainer[]
  readonly problems: readonly Problem[]
}

/**
 * Works out what the host shall look like (RFC 4192: the new prefix beside the old one).
 *
 * Every container on a numbered network has the current prefix in front of its own host bits, as long
 * as it lives. Former prefixes stay, deprecated, for the rest of their valid lifetime; one lost in a
 * flash renumbering is not given to containers anew. Docker's own address is never removed: inside a
 * former prefix it is deprecated, elsewhere untouched. Every subnet in use has a route to its bridge.
 * After a flash renumbering the host's own announced addresses in the old prefix are deprecated too,
 * unless that prefix has been announced since. Each network is numbered from its own uplink. Reading this changes nothing, and nothing is changed
 * before it is complete.
 */
export function desire(
  observed: Observed,
  state: Pick<AgentState, 'uplinks' | 'lan'>,
  intent: Intent,
  now: Instant,
): Desire {
  const networks = placeNetworks(observed, intent)
  const containers = placeContainers(observed, networks.placed, intent)
  // Who is on the LAN answers there by itself, and past this host's packet filter.
  const bridged = networks.placed.filter(({ network }) => !isOnLan(network))
  const proxy = desireProxy(observed, bridged, intent)
  const firewall = desireFirewall(observed, bridged, containers.placed, intent, now)
  const refused = refusedInterfaces(observed, networks, containers)
  const numbered = containers.placed.map(
    (placed) => [placed, addressesOf(placed, numberingOf(state, placed.uplink), now)] as const,
  )
  const proxied = numbered
    .filter(([{ network }]) => !isOnLan(network))
    .flatMap(([{ uplink }, addresses]) =>
      addresses.map(({ address }): ProxiedAddress => ({ interface: uplink, address })),
    )
  const neighbours = desireNeighbours(observed, proxied, state, intent, refused)
  const desired: Desired = {
    addresses: numbered.flatMap(([, addresses]) => addresses),
    routes: routesOf(networks, state, now),
    uplink: observed.uplinks.flatMap((uplink) =>
      deprecatedOnUplink(uplink, numberingOf(state, uplink.interface), now),
    ),
    proxy: proxy.desired,
    neighbours: neighbours.desired,
    firewall: firewall.desired,
    owned: ownedSubnets(observed, networks, state, intent),
    lan: subnetsOf(networks, state, now)
      .filter(({ network }) => isOnLan(network))
      .map(({ network, subnet }) => ({ networkId: network.id, subnet })),
    refused,
  }
  return {
    desired,
    placed: containers.placed,
    problems: [
      ...networks.problems,
      ...containers.problems,
      ...proxy.problems,
      ...neighbours.problems,
      ...firewall.problems,
      ...unfiltered(networks.placed, intent),
    ],
  }
}

function addressesOf(
  placed: PlacedContainer,
  numbering: Numbering,
  now: Instant,
): readonly DesiredAddress[] {
  const { attachment, container, network, suffix, prefixLength } = placed
  const build = (state: Pick<AddressState, 'address' | 'length'>, deprecation: Deprecation) => ({
    container: container.name,
    containerId: container.id,
    networkId: network.id,
    pid: container.pid,
    interface: placed.interface,
    bridge: network.bridge,
    address: state.address,
    length: state.length,
    ...deprecation,
  })
  const present = (address: AddressState['address']) =>
    attachment.addresses.find((state) => state.address === address)
  const overlay = livePrefixes(numbering, prefixLength, now).flatMap((prefix) => {
    const address = splice(prefix.prefix, placed.host)
    // The kernel keeps the length an address was added with, and asks for it when it is removed.
    const known = present(address)
    // The kernel's own, where a container asks for just that one: it keeps the lifetimes right.
    if (known?.isLearnt && isOnLan(network)) return []
    const state = known ?? { address, length: lengthOf(suffix) }
    if (!prefix.retiring) return [build(state, PREFERRED)]
    if (prefix.retiring.cause === 'flash' && !present(address)) return []
    const isDockers = address === attachment.dockerAddress
    return [build(state, deprecated(isDockers ? null : prefix.retiring.validUntil, now))]
  })
  const own = attachment.addresses.find(({ address }) => address === attachment.dockerAddress)
  const isInFormer = numbering.retiring.some(({ prefix }) => own && contains(prefix, own.address))
  const isListed = overlay.some(({ address }) => address === own?.address)
  const dockers = own && isInFormer && !isListed ? [build(own, deprecated(null, now))] : []
  const learnt = isOnLan(network)
    ? lostAddresses(attachment.addresses, numbering, now).map(([state, validUntil]) => {
        return { ...build(state, deprecated(validUntil, now)), isLearnt: true }
      })
    : []
  return [...overlay, ...dockers, ...learnt]
}

/**
 * What the container's own kernel has learnt in a prefix that was lost: it prefers that until it hears
 * otherwise, and the router says nothing of such a prefix any more.
 */
function lostAddresses(
  addresses: readonly AddressState[],
  numbering: Numbering,
  now: Instant,
): readonly (readonly [AddressState, Instant | null])[] {
  const lost = lostPrefixes(numbering, now)
  return addresses
    .filter(({ isLearnt, isTemporary }) => isLearnt === true && !isTemporary)
    .flatMap((state) => {
      const former = lost.find(({ prefix }) => contains(prefix, state.address))
      return former === undefined ? [] : [[state, former.validUntil] as const]
    })
}

/** Former prefixes that no router has announced since they were given up for another. */
function lostPrefixes(
  { prefixes, current, retiring }: Numbering,
  now: Instant,
): readonly RetiringPrefix[] {
  return retiring.filter(({ prefix, cause, since, validUntil }) => {
    if (cause !== 'flash' || prefix === current?.prefix) return false
    if (validUntil !== null && validUntil <= now) return false
    // Refreshed since then, it is another live prefix: the kernel knows best.
    const entry = prefixes.find((known) => known.prefix === prefix)
    return entry === undefined || entry.lastRefreshed <= since
  })
}

type Deprecation = Pick<DesiredAddress, 'isDeprecated' | 'validSeconds'>
const PREFERRED: Deprecation = { isDeprecated: false, validSeconds: null }

function deprecated(validUntil: Instant | null, now: Instant): Deprecation {
  const validSeconds = validUntil === null ? null : Math.ceil((validUntil - now) / 1000)
  return { isDeprecated: true, validSeconds }
}

function subnetsOf(
  { placed }: NetworkPlacement,
  state: Pick<AgentState, 'uplinks'>,
  now: Instant,
): readonly { readonly network: NetworkState; readonly subnet: Prefix }[] {
  return placed.flatMap(({ network, suffix, uplink, prefixLength }) =>
    livePrefixes(numberingOf(state, uplink), prefixLength, now).map(({ prefix }) => ({
      network,
      subnet: subnetOf(prefix, suffix),
    })),
  )
}

function routesOf(
  networks: NetworkPlacement,
  state: Pick<AgentState, 'uplinks'>,
  now: Instant,
): readonly RouteState[] {
  return subnetsOf(networks, state, now)
    .filter(({ network, subnet }) => hasRouteOfOurs(subnet, network))
    .map(({ network, subnet }) => ({ subnet, interface: network.bridge }))
}

function deprecatedOnUplink(
  uplink: UplinkSnapshot,
  numbering: Numbering,
  now: Instant,
): readonly UplinkAddress[] {
  const lost = lostPrefixes(numbering, now)
  return uplink.addresses
    .filter(({ address, isDynamic }) => {
      return isDynamic && lost.some(({ prefix }) => contains(prefix, address))
    })
    .map(({ address, length, validSeconds }) => ({
      interface: uplink.interface,
      address,
      length,
      validSeconds,
    }))
}
