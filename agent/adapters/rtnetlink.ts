import type { Address, Prefix } from '../../shared/ipv6.ts'

// Kinds of messages, their parts and values, as linux/rtnetlink.h and its companions number them.
export const KIND = {
  newLink: 16,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  getNeighbour: 30,
} as const
export const LINK = { address: 1, name: 3, extensions: 29, bodyBytes: 16 } as const
export const ADDRESS = { address: 1, local: 2, lifetimes: 6, flags: 8, bodyBytes: 8 } as const
export const ROUTE = {
  destination: 1,
  output: 4,
  gateway: 5,
  multipath: 9,
  cacheInfo: 12,
  table: 15,
  bodyBytes: 12,
} as const
export const NEIGHBOUR = { destination: 1, protocol: 12, bodyBytes: 12, proxied: 0x08 } as const

/** The routing table that packets are led by unless rules say otherwise. */
export const TABLE_MAIN = 254
/** Who set a route. */
export const ROUTE_PROTOCOLS = { ra: 9, boot: 3, static: 4, dhcp: 16 } as const
/** What becomes of packets that a route takes. */
export const ROUTE_TYPES = { unicast: 1, blackhole: 6, unreachable: 7 } as const
/** Of an IPv6 address. */
export const ADDRESS_BYTES = 16

/** Flags of an address (linux/if_addr.h). */
export const ADDRESS_FLAGS = {
  temporary: 0x01,
  noDad: 0x02,
  dadFailed: 0x08,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  managesTemporary: 0x100,
} as const
/** An infinite lifetime (RFC 4861 §4.6.2). */
export const INFINITY = 0xffffffff

/** An address of an interface; lifetimes in seconds, or {@link INFINITY}. */
export interface AddressRow {
  readonly index: number
  readonly address: Address
  readonly length: number
  /** A sum of {@link ADDRESS_FLAGS}. */
  readonly flags: number
  readonly preferred: number
  readonly valid: number
}

/** A hop of a route; neither an interface nor a gateway is there always. */
export interface Hop {
  readonly index: number | undefined
  readonly gateway: Address | undefined
}

/** What can be said of a route without reading it to the end. */
export interface RouteKind {
  /** Bits of the destination, 0 for a default route. */
  readonly length: number
  readonly table: number
  readonly protocol: number
  readonly type: number
}

/** A route, of whatever table. */
export interface RouteRow extends RouteKind {
  readonly destination: Prefix
  readonly hops: readonly Hop[]
  /** Seconds until the kernel takes it away, `null` where it does not. */
  readonly expires: number | null
}

/** An address that the kernel answers neighbour solicitations for on an interface. */
export interface ProxyRow {
  readonly index: number
  readonly address: Address
  readonly protocol: number
}
