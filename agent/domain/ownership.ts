import { contains, lengthOf, type Prefix, subnetOf } from '../../shared/ipv6.ts'
import { attachmentKey, type ContainerPlacement } from './container-placement.ts'
import type { NetworkState, Observed } from './model.ts'
import type { Numbering } from './numbering.ts'
import type { NetworkPlacement } from './placement.ts'

/** A range in which whatever is not desired is a leftover of ours. */
export interface OwnedSubnet {
  readonly networkId: string
  readonly bridge: string
  readonly subnet: Prefix
  /** False where Docker's own connected route leads there. */
  readonly hasRoute: boolean
}

/** Docker's own subnets have the bridge's connected route. */
export function isDockersOwn(subnet: Prefix, network: NetworkState): boolean {
  return network.subnets.some((own) => contains(own, subnet))
}

/**
 * Where leftovers of ours can be: the subnets of numbered networks in every prefix still remembered,
 * and, for networks no longer numbered or numbered otherwise, what a route to their bridge shows.
 * Nothing is owned on a network that was refused.
 */
export function ownedSubnets(
  observed: Observed,
  { placed, refused }: NetworkPlacement,
  { current, retiring }: Numbering,
  prefixLength: number,
): readonly OwnedSubnet[] {
  const isUsable = (prefix: Prefix) => lengthOf(prefix) === prefixLength
  const former = retiring.map(({ prefix }) => prefix)
  const remembered = current && isUsable(current.prefix) ? [current.prefix, ...former] : former
  const numbered = placed.flatMap(({ network, suffix }) =>
    remembered.filter(isUsable).map((prefix) => {
      const subnet = subnetOf(prefix, suffix)
      return { network, subnet, hasRoute: !isDockersOwn(subnet, network) }
    }),
  )
  const routed = observed.networks.flatMap((network) =>
    observed.routes
      .filter((route) => route.interface === network.bridge)
      .filter(({ subnet }) => remembered.some((prefix) => contains(prefix, subnet)))
      .filter(({ subnet }) => !isDockersOwn(subnet, network))
      .map(({ subnet }) => ({ network, subnet, hasRoute: true })),
  )
  const seen = new Set<string>()
  return [...numbered, ...routed].flatMap(({ network, subnet, hasRoute }) => {
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
