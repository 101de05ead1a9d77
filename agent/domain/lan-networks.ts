import { contains, type Prefix } from '../../shared/ipv6.ts'
import type { RememberedSubnet } from './agent-state.ts'
import type {
  AddressState,
  AttachmentState,
  Intent,
  NetworkState,
  Observed,
  UplinkIntent,
} from './model.ts'
import type { PlacedNetwork } from './placement.ts'
import type { Problem } from './problem.ts'

/**
 * Whether the containers of a network are machines of the LAN themselves: they answer neighbour
 * solicitations there, and nothing that they send or get passes this host's routes or packet filter.
 */
export function isOnLan({ driver }: Pick<NetworkState, 'driver'>): boolean {
  return driver === 'macvlan' || driver === 'ipvlan'
}

/** Why a network of that kind cannot be numbered; `undefined` where it can. */
export function whyNotOnLan(
  { driver, mode, bridge, bridgeIndex }: NetworkState,
  { uplink, source }: UplinkIntent,
  isUplinkNamed: boolean,
): { readonly what: string; readonly remedy: string } | undefined {
  if (bridge === '') {
    return {
      what: `it is a ${driver} network without a parent, whose containers reach only each other`,
      remedy: `create it with the option parent=${uplink}, or remove its subnet`,
    }
  }
  if (bridgeIndex === null) {
    return {
      what: `its parent ${bridge} is not on this host`,
      remedy: `bring ${bridge} up, or create the network anew with another parent`,
    }
  }
  if (driver === 'ipvlan' && (mode ?? 'l2') !== 'l2') {
    return {
      what: `it is an ipvlan network in mode ${mode}, whose containers answer no neighbour on the LAN`,
      remedy: 'create it with the option ipvlan_mode=l2, or remove its subnet',
    }
  }
  if (source !== 'slaac') {
    return {
      what: `the prefix of ${uplink} is routed to this host, and the kernel lets no host reach its own ${driver} containers`,
      remedy: 'use a bridge network, or remove its subnet',
    }
  }
  if (bridge !== uplink && !isUplinkNamed) {
    return {
      what: `its parent is ${bridge}, and the prefix of ${uplink} may not be the one of that LAN`,
      remedy: `name the uplink that is on the same LAN: label reprefix.uplink, or add ${bridge} to uplinks in the settings`,
    }
  }
  return undefined
}

/** Says of each network that is asked to be filtered that this host cannot do it. */
export function unfiltered(
  networks: readonly PlacedNetwork[],
  { firewall }: Pick<Intent, 'firewall'>,
): readonly Problem[] {
  if (firewall.backend === 'none' || firewall.default === 'accept') return []
  return networks
    .filter(({ network }) => isOnLan(network))
    .map(({ network: { name, driver } }) => ({
      code: 'UNFILTERED',
      where: `network ${name}`,
      what: `its containers are on the LAN themselves (${driver}): this host's packet filter sees none of their traffic, so all their ports are open, exposed or not`,
      remedy: 'filter on the router or in the containers, or use a bridge network',
    }))
}

/**
 * The subnets to remember of networks that have no route to show where leftovers of ours can be: those
 * in use now, and former ones until nothing is left in them.
 */
export function rememberSubnets(
  remembered: readonly RememberedSubnet[],
  current: readonly RememberedSubnet[],
  observed: Observed,
): readonly RememberedSubnet[] {
  const key = ({ networkId, subnet }: RememberedSubnet) => `${networkId} ${subnet}`
  const all = [...current, ...remembered.filter((one) => isInUse(one, observed))]
  const distinct = new Map(all.map((one) => [key(one), one]))
  return [...distinct.values()].toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** Unknown is not empty: a container that cannot be looked into may have anything. */
function isInUse({ networkId, subnet }: RememberedSubnet, { containers }: Observed): boolean {
  return containers.some(({ attachments }) =>
    attachments.some(
      (at) =>
        at.networkId === networkId &&
        (at.interface === null || at.addresses.some((state) => isOursIn(subnet, state, at))),
    ),
  )
}

/** Whether an address in a subnet of ours is neither Docker's nor the kernel's own. */
export function isOursIn(
  subnet: Prefix,
  { address, isLearnt }: AddressState,
  { dockerAddress }: Pick<AttachmentState, 'dockerAddress'>,
): boolean {
  return isLearnt !== true && address !== dockerAddress && contains(subnet, address)
}
