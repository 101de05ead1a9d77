import { messageOf } from '../../shared/errors.ts'
import {
  addressOf,
  hostPart,
  lengthOf,
  networkOf,
  overlaps,
  type Prefix,
  parseAddress,
  parseSuffix,
  type Suffix,
  subnetOf,
} from '../../shared/ipv6.ts'
import { isOnLan, isOursIn, whyNotOnLan } from './lan-networks.ts'
import type { Intent, NetworkState, Observed } from './model.ts'
import type { Admitted, Problem } from './problem.ts'
import { findUplink, UPLINK_LABEL, uplinksOf } from './uplinks.ts'

/** On a network: its subnet below whatever the prefix is, such as `::1:0:0:0/80`. */
export const SUBNET_LABEL = 'reprefix.subnet'

/** A Docker network that is numbered, and its place below the prefix of its uplink. */
export interface PlacedNetwork {
  readonly network: NetworkState
  readonly suffix: Suffix
  /** The interface that its prefix comes in by. */
  readonly uplink: string
  /** Length and ranges of the prefixes that count there. */
  readonly prefixLength: number
  readonly within: readonly Prefix[]
}

/** The subnet of a network below a prefix with nothing in it. */
export function emptySubnet({ prefixLength, suffix }: PlacedNetwork): Prefix {
  return subnetOf(emptyPrefix(prefixLength), suffix)
}

/** The networks that take part, and those that were meant to but cannot. */
export interface NetworkPlacement {
  readonly placed: readonly PlacedNetwork[]
  /** Ids of networks left exactly as they are until their problem is solved. */
  readonly refused: ReadonlySet<string>
  readonly problems: readonly Problem[]
}

interface Candidate extends PlacedNetwork {
  readonly where: string
  /** Lower goes first where two want the same addresses. */
  readonly rank: number
}

/** A prefix of the configured length with nothing in it, to compute with before the real one is known. */
export function emptyPrefix(length: number): Prefix {
  return networkOf(parseAddress('::'), length)
}

/**
 * Finds the networks to number, from the settings and from labels; the settings win where both speak.
 * A network that cannot be numbered is refused by itself. Of two whose subnets overlap, the one named
 * in the settings stays, else the one numbered already, else the first by name; on different uplinks
 * too, because two uplinks may be in the same LAN.
 */
export function placeNetworks(observed: Observed, intent: Intent): NetworkPlacement {
  const problems: Problem[] = missingNetworks(observed, intent)
  const refused = new Set<string>()
  const candidates = observed.networks.flatMap((network) => {
    const wish = wishFor(network, intent)
    if (wish === undefined) return []
    const admitted = admit(network, wish, intent)
    if ('value' in admitted) {
      const place = admitted.value
      const rank = wish.isSetting ? 0 : isNumbered(place, observed) ? 1 : 2
      return [{ ...place, where: wish.where, rank }]
    }
    refused.add(network.id)
    problems.push({ ...admitted.problem, where: wish.where })
    return []
  })
  const placed: Candidate[] = []
  for (const candidate of candidates.toSorted(byPrecedence)) {
    const other = placed.find((earlier) => isOverlapping(earlier, candidate))
    if (other === undefined) {
      placed.push(candidate)
      continue
    }
    refused.add(candidate.network.id)
    problems.push({
      code: 'SUBNET_OVERLAP',
      where: candidate.where,
      what: `${candidate.suffix} overlaps ${other.suffix} of network ${other.network.name}`,
      remedy: 'give each network a subnet of its own; this one is left as it is',
    })
  }
  return { placed, refused, problems }
}

function missingNetworks(observed: Observed, intent: Intent): Problem[] {
  return Object.keys(intent.networks)
    .filter((name) => observed.networks.every((network) => network.name !== name))
    .map((name) => ({
      code: 'NETWORK_MISSING' as const,
      where: `settings, docker.networks.${name}`,
      what: `Docker has no network ${name}`,
      remedy: `create it (docker network create), or correct the name`,
    }))
}

interface Wish {
  readonly text: string
  /** Name of the uplink, as written. */
  readonly uplink: string
  /** Whether somebody has named the uplink, as opposed to its being the obvious one. */
  readonly isUplinkNamed: boolean
  readonly where: string
  readonly isSetting: boolean
}

function wishFor(network: NetworkState, intent: Intent): Wish | undefined {
  const named = namedUplink(network, intent)
  const uplink = { uplink: named ?? obviousUplink(network, intent), isUplinkNamed: !!named }
  const setting = Object.hasOwn(intent.networks, network.name)
    ? intent.networks[network.name]
    : undefined
  if (setting !== undefined) {
    const where = `settings, docker.networks.${network.name}`
    return { text: setting, ...uplink, where, isSetting: true }
  }
  const label = network.labels[SUBNET_LABEL]
  if (label === undefined) return undefined
  const where = `network ${network.name}, label ${SUBNET_LABEL}`
  return { text: label, ...uplink, where, isSetting: false }
}

function namedUplink({ name, labels }: NetworkState, intent: Intent): string | undefined {
  const setting = Object.hasOwn(intent.networkUplinks, name)
    ? intent.networkUplinks[name]
    : undefined
  return setting ?? labels[UPLINK_LABEL]
}

/** A network on the LAN of an uplink has the prefix of that LAN. */
function obviousUplink(network: NetworkState, intent: Intent): string {
  const own = isOnLan(network) ? findUplink(intent, network.bridge) : undefined
  return (own ?? intent).uplink
}

function admit(
  network: NetworkState,
  wish: Wish,
  intent: Intent,
): { value: PlacedNetwork } | { problem: Omit<Problem, 'where'> } {
  const unsuitable = whyUnsuitable(network)
  if (unsuitable !== undefined) return { problem: { code: 'NETWORK_UNSUITABLE', ...unsuitable } }
  const found = findUplink(intent, wish.uplink)
  if (found === undefined) return { problem: unknownUplink(wish.uplink, intent) }
  const { uplink, prefixLength, within } = found
  const misplaced = isOnLan(network) ? whyNotOnLan(network, found, wish.isUplinkNamed) : undefined
  if (misplaced !== undefined) return { problem: { code: 'NETWORK_UNSUITABLE', ...misplaced } }
  const suffix = readSuffix(wish.text, prefixLength)
  if ('value' in suffix) {
    return { value: { network, suffix: suffix.value, uplink, prefixLength, within } }
  }
  return {
    problem: {
      code: 'SUBNET_INVALID',
      what: suffix.fault,
      remedy: `write a subnet below a /${prefixLength} prefix, like ::1:0:0:0/80`,
    },
  }
}

function unknownUplink(name: string, intent: Intent): Omit<Problem, 'where'> {
  const known = uplinksOf(intent).map(({ uplink }) => uplink)
  return {
    code: 'UPLINK_UNKNOWN',
    what: `it names the uplink ${JSON.stringify(name)}, and the settings have ${known.join(', ')}`,
    remedy: `correct label ${UPLINK_LABEL} of the network, or add the interface to uplinks in the settings`,
  }
}

function whyUnsuitable(network: NetworkState): { what: string; remedy: string } | undefined {
  if (network.driver !== 'bridge' && !isOnLan(network)) {
    return {
      what: `it is a ${network.driver} network`,
      remedy:
        'only bridge, macvlan and ipvlan networks can be numbered: remove the subnet from this one',
    }
  }
  if (network.isInternal) {
    return {
      what: 'it is internal, so nothing outside this host reaches it',
      remedy: 'create it without --internal, or remove its subnet',
    }
  }
  if (network.bridgeIndex === null && !isOnLan(network)) {
    return {
      what: `its bridge ${network.bridge} is not on this host`,
      remedy: `remove the network and create it again, or restart Docker`,
    }
  }
  return undefined
}

/** Reads a suffix that leaves room for hosts and for the prefix. */
function readSuffix(text: string, prefixLength: number): Admitted<Suffix> {
  try {
    const suffix = parseSuffix(text)
    subnetOf(emptyPrefix(prefixLength), suffix)
    if (lengthOf(suffix) > 126) {
      return { fault: `a /${lengthOf(suffix)} subnet has no room for containers` }
    }
    return { value: suffix }
  } catch (error) {
    return { fault: messageOf(error) }
  }
}

/** Whether it has this subnet already, by a route of the host, in a container, or from Docker itself. */
function isNumbered(place: PlacedNetwork, { routes, containers }: Observed): boolean {
  const { network, suffix, prefixLength } = place
  const routed = routes.filter((route) => route.interface === network.bridge)
  const isInPlace = [...routed.map(({ subnet }) => subnet), ...network.subnets].some(
    (subnet) =>
      lengthOf(subnet) === lengthOf(suffix) &&
      hostPart(addressOf(subnet), prefixLength) === addressOf(suffix),
  )
  if (isInPlace || !isOnLan(network)) return isInPlace
  const attachments = containers.flatMap((container) => container.attachments)
  return attachments
    .filter(({ networkId }) => networkId === network.id)
    .some((at) =>
      at.addresses.some((state) =>
        isOursIn(subnetOf(networkOf(state.address, prefixLength), suffix), state, at),
      ),
    )
}

function isOverlapping(a: PlacedNetwork, b: PlacedNetwork): boolean {
  return overlaps(emptySubnet(a), emptySubnet(b))
}

function byPrecedence(a: Candidate, b: Candidate): number {
  if (a.rank !== b.rank) return a.rank - b.rank
  return a.network.name < b.network.name ? -1 : 1
}
