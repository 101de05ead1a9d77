import { messageOf } from '../../shared/errors.ts'
import {
  type Address,
  contains,
  hostPart,
  lengthOf,
  parseAddress,
  splice,
} from '../../shared/ipv6.ts'
import type { AttachmentState, ContainerState, Intent, Observed } from './model.ts'
import { emptySubnet, type PlacedNetwork } from './placement.ts'
import type { Admitted, Problem } from './problem.ts'
import { uplinksOf } from './uplinks.ts'

/** On a container: its whole address below the prefix, such as `::1:0:0:2`. */
export const ADDRESS_LABEL = 'reprefix.address'

const UNSPECIFIED = parseAddress('::')

/** A container's interface on a numbered network, and its address below whatever the prefix is. */
export interface PlacedContainer extends PlacedNetwork {
  readonly container: ContainerState
  readonly attachment: AttachmentState
  readonly interface: string
  /** All bits below the prefix, those of the prefix zero: what survives a renumbering. */
  readonly host: Address
}

/** The container interfaces to number, and those that were meant to be but cannot. */
export interface ContainerPlacement {
  readonly placed: readonly PlacedContainer[]
  /** Keys (`attachmentKey`) of interfaces left exactly as they are until their problem is solved. */
  readonly refused: ReadonlySet<string>
  readonly problems: readonly Problem[]
}

/** One string per container interface, for sets. */
export function attachmentKey(container: ContainerState, networkId: string): string {
  return `${container.id}/${networkId}`
}

/**
 * Finds the address of each running container below the prefix: the one that its label asks for, else
 * the host bits of Docker's own address, so that a container keeps them through every renumbering.
 * What cannot be numbered is left out by itself; of two that want the same address the one that has it
 * stays, else the first by name.
 */
export function placeContainers(
  observed: Observed,
  networks: readonly PlacedNetwork[],
  intent: Intent,
): ContainerPlacement {
  const problems: Problem[] = []
  const refused = new Set<string>()
  const refuse = (container: ContainerState, networkId: string, problem: Problem) => {
    refused.add(attachmentKey(container, networkId))
    problems.push(problem)
  }
  const candidates = observed.containers.flatMap((container) => {
    const places = placesOf(container, networks)
    const wish = readWish(container, places)
    if (wish !== undefined && 'fault' in wish) {
      for (const { network } of places) {
        refuse(container, network.id, {
          code: 'ADDRESS_INVALID',
          where: `container ${container.name}, label ${ADDRESS_LABEL}`,
          what: wish.fault,
          remedy: `write an address inside the network's subnet, like ${exampleIn(places)}`,
        })
      }
      return []
    }
    return places.flatMap((place) => {
      const placed = placeOne(container, place, wish?.value)
      if ('host' in placed) return [placed]
      refuse(container, place.network.id, placed)
      return []
    })
  })
  const taken = new Map(foreignHosts(observed, intent))
  const placed: PlacedContainer[] = []
  for (const candidate of inPrecedence(candidates)) {
    const key = hostKey(candidate.uplink, candidate.host)
    const owner = taken.get(key)
    if (owner === undefined) {
      taken.set(key, `container ${candidate.container.name}`)
      placed.push(candidate)
      continue
    }
    refuse(candidate.container, candidate.network.id, {
      code: 'ADDRESS_TAKEN',
      where: `container ${candidate.container.name} on network ${candidate.network.name}`,
      what: `${candidate.host} below the prefix belongs to ${owner}`,
      remedy: `give it another address, by a fixed IPv6 address in Docker or by label ${ADDRESS_LABEL}`,
    })
  }
  return { placed: placed.toSorted(byName), refused, problems }
}

interface Place extends PlacedNetwork {
  readonly attachment: AttachmentState
}

function placesOf(container: ContainerState, networks: readonly PlacedNetwork[]): Place[] {
  return container.attachments.flatMap((attachment) =>
    networks
      .filter(({ network }) => network.id === attachment.networkId)
      .map((placed) => ({ ...placed, attachment })),
  )
}

/** The address that the label asks for; `undefined` where there is none. Untrusted text. */
function readWish(
  container: ContainerState,
  places: readonly Place[],
): Admitted<Address> | undefined {
  const text = container.labels[ADDRESS_LABEL]
  if (text === undefined || places.length === 0) return undefined
  let address: Address
  try {
    address = parseAddress(text)
  } catch (error) {
    return { fault: messageOf(error) }
  }
  const shortest = Math.min(...places.map(({ prefixLength }) => prefixLength))
  if (hostPart(address, shortest) !== address) {
    return { fault: `${address} has bits inside the first ${shortest}, the prefix's own` }
  }
  const place = places.find((candidate) => contains(emptySubnet(candidate), address))
  if (place === undefined) {
    const subnets = places.map(({ network, suffix }) => `${suffix} (${network.name})`).join(', ')
    return { fault: `${address} is outside the subnet ${subnets}` }
  }
  if (hostPart(address, lengthOf(place.suffix)) === UNSPECIFIED) {
    return { fault: `${address} is the subnet-router anycast address (RFC 4291 §2.6.1)` }
  }
  return { value: address }
}

function placeOne(
  container: ContainerState,
  place: Place,
  wish: Address | undefined,
): PlacedContainer | Problem {
  const { attachment, network } = place
  const where = `container ${container.name} on network ${network.name}`
  if (attachment.dockerAddress === null) {
    return {
      code: 'CONTAINER_WITHOUT_IPV6',
      where,
      what: 'Docker gave it no IPv6 address, so it has no IPv6 at all on this network',
      remedy: 'create the network with --ipv6 and a subnet of its own, such as fd00:1::/80',
    }
  }
  if (attachment.interface === null) {
    return {
      code: 'INTERFACE_MISSING',
      where,
      what: 'its interface was not found in its network namespace',
      remedy: 'nothing if it is starting or stopping just now; otherwise restart the container',
    }
  }
  const subnet = emptySubnet(place)
  const isWished = wish !== undefined && contains(subnet, wish)
  const host = isWished ? wish : splice(subnet, attachment.dockerAddress)
  return { ...place, container, interface: attachment.interface, host }
}

/** Host bits that containers must not take: those of the host itself and of named LAN machines. */
function foreignHosts(observed: Observed, intent: Intent): [string, string][] {
  const own = uplinksOf(intent).flatMap(({ uplink, prefixLength, source }) => {
    // A delegated prefix is not that of the interface's own addresses.
    if (source !== 'slaac') return []
    const snapshot = observed.uplinks.find((candidate) => candidate.interface === uplink)
    return (snapshot?.addresses ?? []).map(({ address }): [string, string] => [
      hostKey(uplink, hostPart(address, prefixLength)),
      `this host's interface ${uplink}`,
    ])
  })
  const named = intent.endpoints.flatMap(({ address, uplink }): [string, string][] =>
    address === undefined
      ? []
      : [[hostKey(uplink ?? intent.uplink, address), 'another machine in settings, endpoints']],
  )
  return [...own, ...named]
}

/** The same host bits below the prefixes of two uplinks are two addresses. */
function hostKey(uplink: string, host: Address): string {
  return `${uplink} ${host}`
}

function exampleIn(places: readonly Place[]): string {
  const [first] = places
  return first === undefined ? '::1:0:0:2' : splice(emptySubnet(first), parseAddress('::2'))
}

function inPrecedence(candidates: readonly PlacedContainer[]): readonly PlacedContainer[] {
  const [holders, others] = [true, false].map((has) =>
    candidates.filter((candidate) => hasAlready(candidate) === has).toSorted(byName),
  )
  return [...(holders ?? []), ...(others ?? [])]
}

function hasAlready({ attachment, host, prefixLength }: PlacedContainer): boolean {
  return attachment.addresses.some(
    ({ address }) =>
      address !== attachment.dockerAddress && hostPart(address, prefixLength) === host,
  )
}

function byName(a: PlacedContainer, b: PlacedContainer): number {
  if (a.container.name !== b.container.name) return a.container.name < b.container.name ? -1 : 1
  return a.network.name < b.network.name ? -1 : 1
}
