import {
  type Address,
  addressOf,
  contains,
  lengthOf,
  networkOf,
  overlaps,
  type Prefix,
  parseAddress,
  splice,
} from '../../shared/ipv6.ts'
import { isGlobal } from './docker-advice.ts'
import type { EndpointRecipe, NetworkRecipe, PoolRecipe } from './docker-recipes.ts'
import type { NetworkState } from './model.ts'
import type { Problem } from './problem.ts'
import { refusalsOf } from './settle-refusals.ts'

/** A network as Docker keeps it. */
export interface SettleNetwork {
  readonly id: string
  /** `local`, or `swarm` where a manager decides. */
  readonly scope: string
  readonly isIngress: boolean
  /** The network whose configuration this one uses; empty where it has its own. */
  readonly configFrom: string
  readonly isConfigOnly: boolean
  readonly recipe: NetworkRecipe
}

/** A container's place on the network, in whatever state the container is. */
export interface SettleEndpoint {
  readonly containerId: string
  readonly containerName: string
  /** Running or paused: it holds the addresses below. */
  readonly isRunning: boolean
  /** Between two tries of its restart policy: neither running nor stopped, and without a network. */
  readonly isRestarting: boolean
  /** `HostConfig.NetworkMode`, which names the network by name or by id. */
  readonly networkMode: string
  /** The MAC address that the user asked for. */
  readonly userMac: string | null
  readonly ipv4: string | null
  readonly ipv6: Address | null
  readonly mac: string | null
  /** What was asked for when it was connected; what Docker chose is not in it. */
  readonly recipe: EndpointRecipe
}

/** One container to take off the network and put back. */
export type SettledAttachment = {
  readonly containerId: string
  readonly containerName: string
  readonly isRunning: boolean
  /** Is stopped for the time of the change, and started again after it. */
  readonly isRestarting: boolean
  /** Has addresses of its own choice: it is put back before any that takes what is free. */
  readonly isFixed: boolean
  readonly before: EndpointRecipe
  readonly after: EndpointRecipe
}

/** How one network is made anew, and how it was; a JSON value, as it is kept in a journal. */
export type SettlePlan = {
  readonly network: string
  /** Docker's subnet of a former prefix. */
  readonly from: Prefix
  readonly to: Prefix
  readonly before: NetworkRecipe
  readonly after: NetworkRecipe
  readonly attachments: readonly SettledAttachment[]
  readonly dockerMajor: number | null
}

/** What a settle is planned from. */
export interface SettleRequest {
  readonly network: SettleNetwork
  readonly endpoints: readonly SettleEndpoint[]
  /** Subnets of all other networks of Docker. */
  readonly otherSubnets: readonly { readonly network: string; readonly subnet: Prefix }[]
  readonly from: Prefix
  readonly to: Prefix
  /** `null` where Docker does not say; it is treated as a new one. */
  readonly dockerMajor: number | null
}

/** The first Docker in which an endpoint is given the MAC address that it is asked for. */
const FIRST_WITH_ENDPOINT_MAC = 29

/**
 * The subnet of Docker's own that is a global one outside the current prefix: of a former prefix, or of
 * none of ours. `undefined` where there is nothing to settle, as in the stable base layout.
 */
export function staleSubnet(
  { subnets }: Pick<NetworkState, 'subnets'>,
  current: Prefix,
  within: readonly Prefix[],
): Prefix | undefined {
  return subnets.find((subnet) => isGlobal(subnet, within) && !contains(current, subnet))
}

/**
 * Plans how a network is made anew with the subnet `to` in place of `from` and everything else as it
 * was, and how each container gets its place back: the same IPv4 address, the same IPv6 host bits,
 * aliases, links, MAC address, driver options. Refuses before anything is touched where Docker would
 * not give something back.
 */
export function planSettle(
  request: SettleRequest,
): { readonly plan: SettlePlan } | { readonly problems: readonly Problem[] } {
  const { network, from, to } = request
  const problems = [...refusalsOf(request)]
  const other = request.otherSubnets.find(({ subnet }) => overlaps(subnet, to))
  if (other !== undefined) {
    problems.push({
      code: 'SETTLE_REFUSED',
      where: `network ${network.recipe.Name}`,
      what: `its new subnet ${to} overlaps ${other.subnet} of network ${other.network}`,
      remedy: `give network ${other.network} another subnet, or remove it`,
    })
  }
  const attachments = request.endpoints.map((endpoint) => attachmentOf(endpoint, request))
  problems.push(...clashes(network.recipe.Name, attachments))
  if (problems.length > 0) return { problems }
  const pools = network.recipe.IPAM.Config.map((pool) =>
    isPoolOf(pool, from) ? renumberPool(pool, from, to) : pool,
  )
  const after = { ...network.recipe, IPAM: { ...network.recipe.IPAM, Config: pools } }
  const plan = { network: network.recipe.Name, from, to, before: network.recipe, after }
  return { plan: { ...plan, attachments, dockerMajor: request.dockerMajor } }
}

/** The same attachment for containers that came while the plan was carried out. */
export function attachmentOf(
  endpoint: SettleEndpoint,
  request: Pick<SettleRequest, 'from' | 'to' | 'dockerMajor'>,
): SettledAttachment {
  const { recipe, isRunning } = endpoint
  const asked = recipe.IPAMConfig ?? {}
  const ipv4 = asked.IPv4Address ?? (isRunning ? endpoint.ipv4 : null)
  const fixed = asked.IPv6Address === undefined ? null : parseAddress(asked.IPv6Address)
  const ipv6 = fixed ?? (isRunning ? endpoint.ipv6 : null)
  const mac = macFor(endpoint, request.dockerMajor)
  const withAddress = (address: Address | null): EndpointRecipe => ({
    ...recipe,
    IPAMConfig: {
      ...asked,
      ...(ipv4 === null ? {} : { IPv4Address: ipv4 }),
      ...(address === null ? {} : { IPv6Address: address }),
    },
    ...(mac === null ? {} : { MacAddress: mac }),
  })
  return {
    containerId: endpoint.containerId,
    containerName: endpoint.containerName,
    isRunning,
    isRestarting: endpoint.isRestarting,
    isFixed: asked.IPv4Address !== undefined || asked.IPv6Address !== undefined,
    before: withAddress(ipv6),
    after: withAddress(ipv6 === null ? null : renumber(ipv6, request)),
  }
}

/** Docker up to 26 makes the MAC address from the IPv4 address; 25 to 28 take none for an endpoint. */
function macFor({ userMac, mac, isRunning }: SettleEndpoint, major: number | null): string | null {
  if (major === null || major >= FIRST_WITH_ENDPOINT_MAC) return userMac ?? (isRunning ? mac : null)
  return userMac
}

function renumber(address: Address, { from, to }: Pick<SettleRequest, 'from' | 'to'>): Address {
  return contains(from, address) ? splice(to, address) : address
}

/** Docker keeps a subnet as it was typed, host bits included. */
export function subnetOfPool({ Subnet }: PoolRecipe): Prefix {
  const [address = '', length] = Subnet.split('/')
  return networkOf(parseAddress(address), Number(length))
}

function isPoolOf(pool: PoolRecipe, subnet: Prefix): boolean {
  return pool.Subnet.includes(':') && subnetOfPool(pool) === subnet
}

function renumberPool(pool: PoolRecipe, from: Prefix, to: Prefix): PoolRecipe {
  const { Gateway, IPRange, AuxiliaryAddresses } = pool
  const move = (text: string) => renumber(parseAddress(text.split('/')[0] ?? ''), { from, to })
  const range = IPRange ? moveRange(IPRange, to) : undefined
  return {
    Subnet: to,
    ...(Gateway ? { Gateway: move(Gateway) } : {}),
    ...(range === undefined ? {} : { IPRange: range }),
    ...(AuxiliaryAddresses
      ? {
          AuxiliaryAddresses: Object.fromEntries(
            Object.entries(AuxiliaryAddresses).map(([name, text]) => [name, move(text)]),
          ),
        }
      : {}),
  }
}

/** A range wider than the new subnet says nothing that the subnet does not. */
function moveRange(text: string, to: Prefix): Prefix | undefined {
  const [address = '', length] = text.split('/')
  if (Number(length) <= lengthOf(to)) return undefined
  return networkOf(splice(to, parseAddress(address)), Number(length))
}

/** A shorter subnet becomes a longer one: host bits are lost, and two addresses may become one. */
function clashes(name: string, attachments: readonly SettledAttachment[]): readonly Problem[] {
  const owners = new Map<string, string>()
  return attachments.flatMap(({ containerName, isRunning, after }): Problem[] => {
    const address = after.IPAMConfig?.IPv6Address
    if (address === undefined || !isRunning) return []
    const owner = owners.get(address)
    owners.set(address, containerName)
    if (owner === undefined) return []
    return [
      {
        code: 'SETTLE_REFUSED',
        where: `container ${containerName} on network ${name}`,
        what: `in the new subnet it would have the address ${address} of container ${owner}`,
        remedy: `give one of them another IPv6 address`,
      },
    ]
  })
}

/** The IPv6 subnets of a network, in no order: what tells whether it is as a recipe says. */
export function ipv6SubnetsOf({ IPAM }: Pick<NetworkRecipe, 'IPAM'>): readonly Prefix[] {
  return IPAM.Config.filter(({ Subnet }) => Subnet.includes(':'))
    .map(subnetOfPool)
    .toSorted((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1))
}
