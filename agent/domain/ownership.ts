import { contains, lengthOf, type Prefix, subnetOf } from '../../shared/ipv6.ts'
import { type AgentState, numberingOf } from './agent-state.ts'
import { attachmentKey, type ContainerPlacement } from './container-placement.ts'
import { isOnLan } from './lan-networks.ts'
import type { Intent, NetworkState, Observed } from './model.ts'
import type { NetworkPlacement } from './placement.ts'
import { uplinksOf } from './uplinks.ts'

/** A range in which whatever is not desired is a leftover of ours. */
export interface OwnedSubnet {
  readonly networkId: string
  readonly bridge: string
  readonly subnet: Prefix
  /** False where Docker's own connected route leads there, or the one of the LAN. */
  readonly hasRoute: boolean
}

/** Docker's own subnets have the bridge's connected route. */
export function isDockersOwn(subnet: Prefix, network: NetworkState): boolean {
  return network.subnets.some((own) => contains(own, subnet))
}

/** Whether a subnet in use has a route of ours; the LAN's own one leads to a network that is on it. */
export function hasRouteOfOurs(subnet: Prefix, network: NetworkState): boolean {
  return !isOnLan(network) && !isDockersOwn(subnet, network)
}

/**
 * Where leftovers of ours can be: the subnets of numbered networks in every prefix still remembered,
 * and, for networks no longer numbered or numbered otherwise, what a route to their bridge shows or,
 * where they have no route, the state remembers.
 * Prefixes of other uplinks count too: a network may have been moved. Nothing is owned on a network
 * that was refused.
 */
export function ownedSubnets(
  observed: Observed,
  { placed, refused }: NetworkPlacement,
  state: Pick<AgentState, 'uplinks' | 'lan'>,
  intent: Intent,
): readonly OwnedSubnet[] {
  const remembered = uplinksOf(intent).flatMap(({ uplink, prefixLength }) => {
    const { current, retiring } = numberingOf(state, uplink)
    const former = retiring.map(({ prefix }) => prefix)
    // Taken before the settings said another length: it is in use until another one is taken.
    const isUsable = current !== null && lengthOf(current.prefix) === prefixLength
    return isUsable ? [current.prefix, ...former] : former
  })
  const numbered = placed.flatMap(({ network, suffix, prefixLength }) =>
    remembered
      .filter((prefix) => lengthOf(prefix) === prefixLength)
      .map((prefix) => {
        const subnet = subnetOf(prefix, suffix)
        return { network, subnet, hasRoute: hasRouteOfOurs(subnet, network) }
      }),
  )
  const routed = observed.networks.flatMap((network) =>
    observed.routes
      .filter((route) => route.interface === network.bridge)
      .filter(({ subnet }) => remembered.some((prefix) => contains(prefix, subnet)))
      .filter(({ subnet }) => !isDockersOwn(subnet, network))
      .map(({ subnet }) => ({ network, subnet, hasRoute: true })),
  )
  const known = observed.networks.flatMap((network) =>
    (state.lan ?? [])
      .filter(({ networkId }) => networkId === network.id)
      .map(({ subnet }) => ({ network, subnet, hasRoute: false })),
  )
  const seen = new Set<string>()
  return [...numbered, ...routed, ...known].flatMap(({ network, subnet, hasRoute }) => {
    const key = `${network.id} ${subnet}`
    if (refused.has(network.id) || seen.has(key)) return []
    seen.add(key)
    return [{ networkId: network.id, bridge: network.bridge, subnet, hasRoute }]
  })
}

/** Every interface that is left as it is: its own problem, or that of its network. */
export function refusedInterfaces(
  { containers }: Observed,
  networks: NetworkPlacement,
  { refused }: ContainerPlacement,
): ReadonlySet<string> {
  const onRefusedNetworks = containers.flatMap((container) =>
    container.attachments
      .filter(({ networkId }) => networks.refused.has(networkId))
      .map(({ networkId }) => attachmentKey(container, networkId)),
  )
  return new Set([...refused, ...onRefusedNetworks])
}
