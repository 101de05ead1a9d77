import type { Address, Prefix, Suffix } from '../../shared/ipv6.ts'
import type { Fqdn } from '../../shared/rrset.ts'
import type { FirewallContest } from './firewall-contest.ts'

/** Milliseconds since the Unix epoch. */
export type Instant = number

/** One IPv6 address of an interface as the kernel shows it; lifetimes in seconds, `null` is forever. */
export interface AddressState {
  readonly address: Address
  readonly length: number
  readonly preferredSeconds: number | null
  readonly validSeconds: number | null
  readonly isTemporary: boolean
  readonly isDeprecated: boolean
  readonly isTentative: boolean
  readonly isDadFailed: boolean
  /** Learnt from a router advertisement, as opposed to set by hand. */
  readonly isDynamic: boolean
  /**
   * Made by the kernel itself from a router advertisement. `isDynamic` is less: the kernel says that of
   * every address whose lifetime ends.
   */
  readonly isLearnt?: boolean
}

/** A prefix delegated to this host (RFC 8415 §6.3); lifetimes in seconds, `null` is forever. */
export interface Delegation {
  readonly prefix: Prefix
  readonly preferredSeconds: number | null
  readonly validSeconds: number | null
}

/** An uplink at one moment: its global addresses and how many routers it has learnt. */
export interface UplinkSnapshot {
  readonly interface: string
  /** False while there is no such interface, as with a modem that is unplugged. */
  readonly isPresent: boolean
  readonly addresses: readonly AddressState[]
  /** Number of distinct default routers learnt from router advertisements. */
  readonly routers: number
  /** What its source says, where that is not the addresses of the interface. */
  readonly delegations?: readonly Delegation[]
  /** Why nothing can be known of its prefixes now: what was known stays as it is. */
  readonly unknown?: string
}

/** One row of the Prefix List (RFC 4861 §5.1), folded over the snapshots seen so far. */
export interface PrefixEntry {
  readonly prefix: Prefix
  readonly firstSeen: Instant
  /** When it last became eligible after it was not, or `firstSeen`. */
  readonly appeared: Instant
  /** When its expiry was last seen to jump, or `firstSeen`. */
  readonly lastRefreshed: Instant
  /** When the snapshot was taken that showed it; later where the agent was down or had to poll. */
  readonly lastNoticed: Instant
  /** How often it was refreshed, its first appearance included; 0 for addresses set by hand. */
  readonly refreshes: number
  /** The instants of the last refreshes, oldest first, `lastRefreshed` included. */
  readonly recentRefreshes: readonly Instant[]
  /** The longest remaining lifetime seen, which is close to the announced one; `null` is forever. */
  readonly lifetimeMs: number | null
  readonly preferredUntil: Instant | null
  readonly validUntil: Instant | null
  readonly isEligible: boolean
}
export type PrefixList = readonly PrefixEntry[]

export type RenumberCause = 'initial' | 'flash' | 'planned'

/** What to number from now on. `recheckAt` asks for another pass at that instant. */
export type PrefixDecision =
  | { readonly kind: 'keep'; readonly prefix: Prefix; readonly recheckAt?: Instant }
  | {
      readonly kind: 'renumber'
      readonly from: Prefix | undefined
      readonly to: Prefix
      readonly cause: RenumberCause
    }
  | { readonly kind: 'hold'; readonly reason: string; readonly recheckAt?: Instant }

/** A former prefix that still works until `validUntil` (make before break, RFC 4192). */
export interface RetiringPrefix {
  readonly prefix: Prefix
  /** Why it was given up. */
  readonly cause: RenumberCause
  /** When it was given up. */
  readonly since: Instant
  readonly validUntil: Instant | null
}

/** Docker's `gateway_mode_ipv6`; `nat` is what a network has that says nothing. */
export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated'

/** A Docker network that takes part, with everything the plan needs to know of it. */
export interface NetworkState {
  readonly id: string
  readonly name: string
  readonly driver: string
  /** What the driver calls the mode, where that decides who reaches the containers. */
  readonly mode?: string
  /**
   * The host's interface behind which the containers are: the bridge, or the parent of a macvlan or
   * ipvlan network, which is empty where that has none.
   */
  readonly bridge: string
  readonly bridgeIndex: number | null
  readonly isInternal: boolean
  /** False where the network was made with `com.docker.network.bridge.enable_icc=false`. */
  readonly allowsInterContainer?: boolean
  /** Whether somebody has named its IPv6 gateway, as opposed to Docker choosing one. */
  readonly hasGateway?: boolean
  /** What Docker 27 and newer do to IPv6 of a bridge network; absent where the network does not say. */
  readonly gatewayMode?: GatewayMode
  /** Docker's own IPv6 subnets, a ULA in the stable base layout. */
  readonly subnets: readonly Prefix[]
  readonly labels: Readonly<Record<string, string>>
}

/** One container's interface on one network. */
export interface AttachmentState {
  readonly networkId: string
  /** Interface name inside the container, `null` when it could not be found there. */
  readonly interface: string | null
  /** The IPv6 address Docker gave it, `null` where the network has no IPv6. */
  readonly dockerAddress: Address | null
  readonly addresses: readonly AddressState[]
}

/** A running container; stopped ones have nothing to renumber. */
export interface ContainerState {
  readonly id: string
  readonly name: string
  readonly pid: number
  readonly labels: Readonly<Record<string, string>>
  readonly attachments: readonly AttachmentState[]
}

/** An IPv6 route of the host to one of our subnets. */
export interface RouteState {
  readonly subnet: Prefix
  readonly interface: string
}

/** What ndppd's configuration says and whether it runs; `null` where the backend is `none`. */
export interface ProxyState {
  readonly configText: string
  readonly isRunning: boolean
  /** Interface indexes that the running ndppd was started with, by interface name. */
  readonly boundIndexes: Readonly<Record<string, number>>
}

/** An address that the kernel answers neighbour solicitations for (`ip -6 neigh show proxy`). */
export interface NeighbourEntry {
  readonly interface: string
  readonly address: Address
  /** False for one that somebody else has made. */
  readonly isOurs: boolean
}

/** How the kernel proxies on one interface. */
export interface NeighbourSetting {
  readonly interface: string
  /** It answers for entries, and does so at once: `proxy_ndp` is 1 and `proxy_delay` is 0. */
  readonly isReady: boolean
  /** False where /proc/sys is read-only. */
  readonly isWritable: boolean
}

/** The kernel's own neighbour proxy. */
export interface NeighbourState {
  readonly entries: readonly NeighbourEntry[]
  readonly settings: readonly NeighbourSetting[]
}

/** Our chain as the kernel has it: rules in `ip6tables -S` form, `null` when the chain is missing. */
export interface FirewallState {
  readonly rules: readonly string[] | null
  /** The chain that jumps to ours first, `null` when none does. */
  readonly hookedIn: string | null
  /** Where the jump belongs on this host: DOCKER-USER where Docker has made it, else FORWARD. */
  readonly hook: 'DOCKER-USER' | 'FORWARD'
  /** Why our chain must not be made: rules in the other variant of iptables. */
  readonly conflict?: string
  /** What this agent has set, and how it fared; not known before it has set something. */
  readonly contest?: FirewallContest
}

/** Everything a pass has read. */
export interface Observed {
  /** One for each uplink of the settings. */
  readonly uplinks: readonly UplinkSnapshot[]
  readonly networks: readonly NetworkState[]
  readonly containers: readonly ContainerState[]
  readonly routes: readonly RouteState[]
  readonly proxy: ProxyState | null
  /** `null` where it was not read. */
  readonly neighbours?: NeighbourState | null
  readonly firewall: FirewallState | null
}

/** A name to claim for a container or another machine of the LAN. */
export interface Endpoint {
  readonly container?: string
  /** Interface identifier, for a machine that is not a container. */
  readonly address?: Address
  /** The uplink whose prefix is in front of `address`; the main one unless named. */
  readonly uplink?: string
  readonly dns: readonly Fqdn[]
  readonly expose: readonly ExposedPort[]
}

/** A port opened to the internet. */
export interface ExposedPort {
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
}

/**
 * Where the prefixes of an uplink are read: `slaac`, the addresses of the interface; `route`, what a
 * DHCPv6 client of this host has left in the routing tables; a file; or what a command prints.
 */
export type PrefixSource =
  | 'slaac'
  | 'route'
  | { readonly file: string }
  | { readonly command: readonly [string, ...string[]] }

/** An interface that prefixes come in by, and which of them count. */
export interface UplinkIntent {
  readonly uplink: string
  /** The length of the prefixes; all suffixes are below it. */
  readonly prefixLength: number
  readonly within: readonly Prefix[]
  readonly settleMs: number
  readonly source: PrefixSource
}

/** The part of the configuration that decisions depend on; its own members are the main uplink's. */
export interface Intent extends UplinkIntent {
  /** Further uplinks, each with a prefix and networks of its own. */
  readonly others: readonly UplinkIntent[]
  /** Docker network name → subnet suffix; a `reprefix.subnet` label on the network says the same. */
  readonly networks: Readonly<Record<string, Suffix>>
  /** Docker network name → its uplink, where the settings name one; else its label, else the main one. */
  readonly networkUplinks: Readonly<Record<string, string>>
  readonly endpoints: readonly Endpoint[]
  readonly proxy: 'ndppd' | 'kernel' | 'none'
  readonly firewall: { readonly backend: 'ip6tables' | 'none'; readonly default: 'drop' | 'accept' }
}
