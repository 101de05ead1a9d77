import * as v from 'valibot'
import { messageOf, quote, ReprefixError } from '../../shared/errors.ts'
import { type Address, networkOf, type Prefix, parseAddress } from '../../shared/ipv6.ts'
import { describeIssues } from '../../shared/issue.ts'
import type { DockerFacts } from '../domain/docker-advice.ts'
import { isOnLan } from '../domain/lan-networks.ts'
import type { GatewayMode, NetworkState } from '../domain/model.ts'

/** A network as `GET /networks` lists it; a member an older or newer daemon leaves out is empty. */
const networkSchema = v.object({
  Id: v.string(),
  Name: v.string(),
  Driver: v.string(),
  Internal: v.optional(v.boolean(), false),
  IPAM: v.optional(
    v.nullish(
      v.object({
        Config: v.nullish(
          v.array(v.object({ Subnet: v.nullish(v.string()), Gateway: v.nullish(v.string()) })),
        ),
      }),
    ),
  ),
  Options: v.nullish(v.record(v.string(), v.string())),
  Labels: v.nullish(v.record(v.string(), v.string())),
})

const endpointSchema = v.object({
  NetworkID: v.optional(v.string(), ''),
  MacAddress: v.nullish(v.string()),
  GlobalIPv6Address: v.nullish(v.string()),
})

/** A container as `GET /containers/json` lists it. */
const containerSchema = v.object({
  Id: v.string(),
  Names: v.optional(v.array(v.string()), []),
  Labels: v.nullish(v.record(v.string(), v.string())),
  NetworkSettings: v.nullish(
    v.object({ Networks: v.nullish(v.record(v.string(), endpointSchema)) }),
  ),
})

/** What `GET /info` says, as far as it matters here; older daemons leave out the newer members. */
const infoSchema = v.object({
  ServerVersion: v.string(),
  LiveRestoreEnabled: v.optional(v.boolean(), false),
  ContainersRunning: v.optional(v.number(), 0),
  FirewallBackend: v.nullish(v.object({ Driver: v.optional(v.string(), '') })),
})

const inspectedSchema = v.object({ State: v.object({ Running: v.boolean(), Pid: v.number() }) })

/** One container's place on one network, as Docker keeps it. */
export interface ListedEndpoint {
  readonly networkId: string
  /** In lower case; empty where Docker does not say. */
  readonly mac: string
  readonly dockerAddress: Address | null
}

/** A running container as Docker lists it. */
export interface ListedContainer {
  readonly id: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly endpoints: readonly ListedEndpoint[]
}

const ID_IN_BRIDGE_NAME = 12
const INTER_CONTAINER_OPTION = 'com.docker.network.bridge.enable_icc'
/** How Go's ParseBool, which reads Docker's options, lets false be written. */
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False']
const PARENT_OPTION = 'parent'
const BRIDGE_NAME_OPTION = 'com.docker.network.bridge.name'
const GATEWAY_MODE_OPTION = 'com.docker.network.bridge.gateway_mode_ipv6'
const GATEWAY_MODES: readonly GatewayMode[] = ['nat', 'nat-unprotected', 'routed', 'isolated']

/** Refuses an answer that is not Docker's: something else listens on that socket. */
function decode<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  throw unreadable(describeIssues(result.issues))
}

/** The fault for an answer that is not Docker's. */
export function unreadable(reason: string, cause?: unknown): ReprefixError {
  return new ReprefixError(
    'DOCKER_UNREACHABLE',
    `failed to read the answer of Docker: ${reason}; is docker.socket in the settings right?`,
    { cause },
  )
}

/** An IPv6 address in an answer of Docker. @throws ReprefixError DOCKER_UNREACHABLE */
export function readDockerAddress(text: string): Address {
  try {
    return parseAddress(text)
  } catch (cause) {
    throw unreadable(messageOf(cause), cause)
  }
}

/** Docker keeps a subnet as it was typed, host bits included. */
function decodeSubnet(text: string): Prefix {
  const [address = '', length = ''] = text.split('/')
  if (!/^\d{1,3}$/.test(length) || Number(length) > 128) {
    throw unreadable(`${quote(text)} is not a subnet`)
  }
  return networkOf(readDockerAddress(address), Number(length))
}

/** Decodes `GET /networks`. `bridgeIndex` is unknown to Docker and stays `null`. */
export function decodeNetworks(value: unknown): readonly NetworkState[] {
  return decode(v.array(networkSchema), value).map((network) => ({
    id: network.Id,
    name: network.Name,
    driver: network.Driver,
    bridge: decodeBridge(network),
    bridgeIndex: null,
    ...decodeLanOptions(network),
    isInternal: network.Internal,
    ...(FALSE.includes(network.Options?.[INTER_CONTAINER_OPTION] ?? '')
      ? { allowsInterContainer: false }
      : {}),
    subnets: (network.IPAM?.Config ?? []).flatMap(({ Subnet }) =>
      Subnet?.includes(':') ? [decodeSubnet(Subnet)] : [],
    ),
    labels: network.Labels ?? {},
    ...decodeGatewayMode(network.Options?.[GATEWAY_MODE_OPTION]),
  }))
}

/** Docker makes a link of its own, which leads nowhere, for a network that names no parent. */
function decodeBridge({ Id, Driver, Options }: v.InferOutput<typeof networkSchema>): string {
  const id = Id.slice(0, ID_IN_BRIDGE_NAME)
  if (!isOnLan({ driver: Driver })) return Options?.[BRIDGE_NAME_OPTION] ?? `br-${id}`
  const parent = Options?.[PARENT_OPTION] ?? ''
  return [`dm-${id}`, `di-${id}`].includes(parent) ? '' : parent
}

function decodeLanOptions({ Driver, Options, IPAM }: v.InferOutput<typeof networkSchema>) {
  if (!isOnLan({ driver: Driver })) return {}
  const hasGateway = (IPAM?.Config ?? []).some(({ Gateway }) => Gateway?.includes(':'))
  const mode = Options?.[`${Driver}_mode`]
  return { hasGateway, ...(mode ? { mode } : {}) }
}

function decodeGatewayMode(text: string | undefined): { gatewayMode?: GatewayMode } {
  const gatewayMode = GATEWAY_MODES.find((mode) => mode === text)
  return gatewayMode === undefined ? {} : { gatewayMode }
}

/** Decodes `GET /info`. */
export function decodeDockerFacts(value: unknown): DockerFacts {
  const info = decode(infoSchema, value)
  return {
    version: info.ServerVersion,
    isLiveRestore: info.LiveRestoreEnabled,
    firewallBackend: info.FirewallBackend?.Driver.startsWith('nftables') ? 'nftables' : 'iptables',
  }
}

/** Decodes `GET /containers/json`. */
export function decodeContainers(value: unknown): readonly ListedContainer[] {
  return decode(v.array(containerSchema), value).map((container) => ({
    id: container.Id,
    // The name itself has one slash; a legacy link adds names with more.
    name:
      container.Names.find((name) => name.lastIndexOf('/') === 0)?.slice(1) ??
      container.Id.slice(0, 12),
    labels: container.Labels ?? {},
    endpoints: Object.values(container.NetworkSettings?.Networks ?? {}).map((endpoint) => ({
      networkId: endpoint.NetworkID,
      mac: (endpoint.MacAddress ?? '').toLowerCase(),
      dockerAddress: endpoint.GlobalIPv6Address
        ? readDockerAddress(endpoint.GlobalIPv6Address)
        : null,
    })),
  }))
}

/** The process that holds a container's namespaces, from `GET /containers/ID/json`; `null` when it does not run. */
export function decodePid(value: unknown): number | null {
  const { State } = decode(inspectedSchema, value)
  return State.Running && State.Pid > 0 ? State.Pid : null
}

/** The number of running containers in `GET /info`. */
export function decodeRunningCount(value: unknown): number {
  return decode(infoSchema, value).ContainersRunning
}
