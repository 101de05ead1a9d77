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
import type { Intent, NetworkState, Observed } from './model.ts'
import type { Admitted, Problem } from './problem.ts'

/** On a network: its subnet below whatever the prefix is, such as `::1:0:0:0/80`. */
export const SUBNET_LABEL = 'reprefix.subnet'

/** A Docker network that is numbered, and its place below the prefix. */
export interface PlacedNetwork {
  readonly network: NetworkState
  readonly suffix: Suffix
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
 * in the settings stays, else the one numbered already, else the first by name.
 */
export function placeNetworks(observed: Observed, intent: Intent): NetworkPlacement {
  const problems: Problem[] = missingNetworks(observed, intent)
  const refused = new Set<string>()
  const candidates = observed.networks.flatMap((network) => {
    const wish = wishFor(network, intent)
    if (wish === undefined) return []
    const admitted = admit(network, wish.text, intent)
    if ('value' in admitted) {
      const suffix = admitted.value
      const hasItAlready = isNumbered(network, suffix, observed, intent.prefixLength)
      const rank = wish.isSetting ? 0 : hasItAlready ? 1 : 2
      return [{ network, suffix, where: wish.where, rank }]
    }
    refused.add(network.id)
    problems.push({ ...admitted.problem, where: wish.where })
    return []
  })
  const placed: Candidate[] = []
  for (const candidate of candidates.toSorted(byPrecedence)) {
    const other = placed.find((earlier) => isOverlapping(earlier, candidate, intent.prefixLength))
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

function wishFor(
  network: NetworkState,
  intent: Intent,
): { text: string; where: string; isSetting: boolean } | undefined {
  const setting = Object.hasOwn(intent.networks, network.name)
    ? intent.networks[network.name]
    : undefined
  if (setting !== undefined) {
    return { text: setting, where: `settings, docker.networks.${network.name}`, isSetting: true }
  }
  const label = network.labels[SUBNET_LABEL]
  if (label === undefined) return undefined
  return { text: label, where: `network ${network.name}, label ${SUBNET_LABEL}`, isSetting: false }
}

function admit(
  network: NetworkState,
  text: string,
  intent: Intent,
): { value: Suffix } | { problem: Omit<Problem, 'where'> } {
  const unsuitable = whyUnsuitable(network)
  if (unsuitable !== undefined) return { problem: { code: 'NETWORK_UNSUITABLE', ...unsuitable } }
  const suffix = readSuffix(text, intent.prefixLength)
  if ('value' in suffix) return suffix
  return {
    problem: {
      code: 'SUBNET_INVALID',
      what: suffix.fault,
      remedy: `write a subnet below a /${intent.prefixLength} prefix, like ::1:0:0:0/80`,
    },
  }
}

function whyUnsuitable(network: NetworkState): { what: string; remedy: string } | undefined {
  if (network.driver !== 'bridge') {
    return {
      what: `it is a ${network.driver} network`,
      remedy: 'only bridge networks can be numbered: remove the subnet from this one',
    }
  }
  if (network.isInternal) {
    return {
      what: 'it is internal, so nothing outside this host reaches it',
      remedy: 'create it without --internal, or remove its subnet',
    }
  }
  if (network.bridgeIndex === null) {
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

/** Whether it has this subnet already, by a route of the host or from Docker itself. */
function isNumbered(
  network: NetworkState,
  suffix: Suffix,
  { routes }: Observed,
  prefixLength: number,
): boolean {
  const routed = routes.filter((route) => route.interface === network.bridge)
  return [...routed.map(({ subnet }) => subnet), ...network.subnets].some(
    (subnet) =>
      lengthOf(subnet) === lengthOf(suffix) &&
      hostPart(addressOf(subnet), prefixLength) === addressOf(suffix),
  )
}

function isOverlapping(a: PlacedNetwork, b: PlacedNetwork, prefixLength: number): boolean {
  const prefix = emptyPrefix(prefixLength)
  return overlaps(subnetOf(prefix, a.suffix), subnetOf(prefix, b.suffix))
}

function byPrecedence(a: Candidate, b: Candidate): number {
  if (a.rank !== b.rank) return a.rank - b.rank
  return a.network.name < b.network.name ? -1 : 1
}
