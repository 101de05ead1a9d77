import {
  type Address,
  addressBits,
  addressFromBits,
  addressOf,
  lengthOf,
  networkOf,
  type Prefix,
} from '../../shared/ipv6.ts'
import {
  type Attribute,
  decodeAttributes,
  MESSAGE_FLAGS,
  type Message,
  type Request,
  uint32,
} from './netlink-message.ts'

// Kinds of messages, their parts and values, as linux/rtnetlink.h and its companions number them.
const KIND = {
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
const LINK = { address: 1, name: 3, extensions: 29, bodyBytes: 16 } as const
const ADDRESS = { address: 1, local: 2, lifetimes: 6, flags: 8, bodyBytes: 8 } as const
const ROUTE = {
  destination: 1,
  output: 4,
  gateway: 5,
  multipath: 9,
  cacheInfo: 12,
  table: 15,
  bodyBytes: 12,
} as const
const NEIGHBOUR = { destination: 1, protocol: 12, bodyBytes: 12, proxied: 0x08 } as const

const INET6 = 10
/** The routing table that packets are led by unless rules say otherwise. */
export const TABLE_MAIN = 254
/** Who set a route. */
export const ROUTE_PROTOCOLS = { ra: 9, boot: 3, static: 4, dhcp: 16 } as const
/** What becomes of packets that a route takes. */
export const ROUTE_TYPES = { unicast: 1, blackhole: 6, unreachable: 7 } as const
const SCOPE_LINK = 253
const CLONED = 0x200
/** Leaves counters out, which are most of what is said of a link. */
const SKIP_STATISTICS = 8
const NEXT_HOP_BYTES = 8
/** Ticks of the clock that the kernel tells times in to programs (USER_HZ), on every Linux. */
const TICKS_PER_SECOND = 100
const ADDRESS_BYTES = 16

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

/** An interface. */
export interface LinkRow {
  readonly index: number
  readonly name: string
  /** Link-layer address in lower case, empty where there is none. */
  readonly mac: string
}

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

function bytesOf(address: Address): Buffer {
  return Buffer.from(
    addressBits(address)
      .toString(16)
      .padStart(ADDRESS_BYTES * 2, '0'),
    'hex',
  )
}

function addressIn(bytes: Buffer | undefined): Address | undefined {
  if (bytes?.length !== ADDRESS_BYTES) return undefined
  return addressFromBits(BigInt(`0x${bytes.toString('hex')}`))
}

function dump(type: number, body: Uint8Array, attributes: readonly Attribute[] = []): Request {
  return { type, flags: MESSAGE_FLAGS.dump, body, attributes }
}

function ofInet6(bytes: number): Buffer {
  const body = Buffer.alloc(bytes)
  body.writeUInt8(INET6)
  return body
}

/** Asks for all interfaces. */
export function getLinks(): Request {
  const extensions: Attribute = [LINK.extensions, uint32(SKIP_STATISTICS)]
  return dump(KIND.getLink, Buffer.alloc(LINK.bodyBytes), [extensions])
}

/** Asks for one interface by its name. */
export function getLink(name: string): Request {
  return {
    type: KIND.getLink,
    flags: MESSAGE_FLAGS.acknowledge,
    body: Buffer.alloc(LINK.bodyBytes),
    attributes: [
      [LINK.name, Buffer.from(`${name}\0`)],
      [LINK.extensions, uint32(SKIP_STATISTICS)],
    ],
  }
}

/** Asks for all IPv6 addresses of all interfaces. */
export function getAddresses(): Request {
  return dump(KIND.getAddress, ofInet6(ADDRESS.bodyBytes))
}

/** Asks for all IPv6 routes of all tables. */
export function getRoutes(): Request {
  return dump(KIND.getRoute, ofInet6(ROUTE.bodyBytes))
}

/** Asks for the neighbours that the kernel answers for. */
export function getProxies(): Request {
  const body = ofInet6(NEIGHBOUR.bodyBytes)
  body.writeUInt8(NEIGHBOUR.proxied, 10)
  return dump(KIND.getNeighbour, body)
}

/** What an address is to be; lifetimes in seconds, or {@link INFINITY}. */
export interface NewAddress {
  readonly index: number
  readonly address: Address
  readonly length: number
  /** A sum of {@link ADDRESS_FLAGS}. */
  readonly flags: number
  readonly preferred: number
  readonly valid: number
}

/** Gives an interface an address; one that it has gets these flags and lifetimes. */
export function setAddress(wanted: NewAddress): Request {
  const { index, address, length, flags, preferred, valid } = wanted
  return {
    type: KIND.newAddress,
    flags: MESSAGE_FLAGS.acknowledge | MESSAGE_FLAGS.replace | MESSAGE_FLAGS.create,
    body: addressBody(index, length),
    attributes: [
      ...addressAttributes(address),
      [ADDRESS.flags, uint32(flags)],
      [ADDRESS.lifetimes, Buffer.concat([preferred, valid, 0, 0].map(uint32))],
    ],
  }
}

/** Takes an address from an interface. */
export function deleteAddress(index: number, address: Address, length: number): Request {
  return {
    type: KIND.deleteAddress,
    flags: MESSAGE_FLAGS.acknowledge,
    body: addressBody(index, length),
    attributes: addressAttributes(address),
  }
}

function addressBody(index: number, length: number): Buffer {
  const body = ofInet6(ADDRESS.bodyBytes)
  body.writeUInt8(length, 1)
  body.writeUInt32LE(index, 4)
  return body
}

function addressAttributes(address: Address): readonly Attribute[] {
  const bytes = bytesOf(address)
  return [
    [ADDRESS.local, bytes],
    [ADDRESS.address, bytes],
  ]
}

/** Leads a subnet to an interface, in the main table, whoever had it before. */
export function setRoute(subnet: Prefix, index: number, protocol: number): Request {
  return {
    type: KIND.newRoute,
    flags: MESSAGE_FLAGS.acknowledge | MESSAGE_FLAGS.replace | MESSAGE_FLAGS.create,
    body: routeBody(subnet, protocol, ROUTE_TYPES.unicast),
    attributes: routeAttributes(subnet, index),
  }
}

/** Takes the route of a subnet to an interface from the main table. */
export function deleteRoute(subnet: Prefix, index: number, protocol: number): Request {
  return {
    type: KIND.deleteRoute,
    flags: MESSAGE_FLAGS.acknowledge,
    // Whatever its type: there is one at most of a protocol on an interface.
    body: routeBody(subnet, protocol, 0),
    attributes: routeAttributes(subnet, index),
  }
}

function routeBody(subnet: Prefix, protocol: number, type: number): Buffer {
  const body = ofInet6(ROUTE.bodyBytes)
  body.writeUInt8(lengthOf(subnet), 1)
  body.writeUInt8(TABLE_MAIN, 4)
  body.writeUInt8(protocol, 5)
  body.writeUInt8(type, 7)
  return body
}

function routeAttributes(subnet: Prefix, index: number): readonly Attribute[] {
  return [
    [ROUTE.destination, bytesOf(addressOf(subnet))],
    [ROUTE.output, uint32(index)],
  ]
}

/** The fixed part and the attributes of messages of one kind; others and cut ones are left out. */
function partsOf(messages: readonly Message[], kind: number, bodyBytes: number) {
  return messages
    .filter(({ type, payload }) => type === kind && payload.length >= bodyBytes)
    .map(({ payload }) => ({
      body: payload,
      attributes: decodeAttributes(payload.subarray(bodyBytes)),
    }))
}

/** Reads the answer to {@link getLinks} or {@link getLink}. */
export function decodeLinks(messages: readonly Message[]): readonly LinkRow[] {
  return partsOf(messages, KIND.newLink, LINK.bodyBytes).map(({ body, attributes }) => ({
    index: body.readUInt32LE(4),
    name: (attributes.get(LINK.name)?.toString('utf8') ?? '').replace(/\0.*$/, ''),
    mac: [...(attributes.get(LINK.address) ?? [])]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join(':'),
  }))
}

/** Reads the answer to {@link getAddresses}, without link-local addresses: every interface has one. */
export function decodeAddresses(messages: readonly Message[]): readonly AddressRow[] {
  return partsOf(messages, KIND.newAddress, ADDRESS.bodyBytes).flatMap(({ body, attributes }) => {
    if (body.readUInt8(3) === SCOPE_LINK) return []
    // With a peer, the other one is the peer's.
    const address = addressIn(attributes.get(ADDRESS.local) ?? attributes.get(ADDRESS.address))
    if (address === undefined) return []
    const lifetimes = attributes.get(ADDRESS.lifetimes)
    return {
      index: body.readUInt32LE(4),
      address,
      length: body.readUInt8(1),
      flags: attributes.get(ADDRESS.flags)?.readUInt32LE() ?? body.readUInt8(2),
      preferred: lifetimes?.readUInt32LE(0) ?? INFINITY,
      valid: lifetimes?.readUInt32LE(4) ?? INFINITY,
    }
  })
}

function decodeHops(attributes: ReadonlyMap<number, Buffer>): readonly Hop[] {
  const multipath = attributes.get(ROUTE.multipath)
  const hops: Hop[] = []
  if (multipath === undefined) {
    const index = attributes.get(ROUTE.output)?.readUInt32LE()
    return [{ index, gateway: addressIn(attributes.get(ROUTE.gateway)) }]
  }
  for (let at = 0; at + NEXT_HOP_BYTES <= multipath.length; ) {
    const length = multipath.readUInt16LE(at)
    if (length < NEXT_HOP_BYTES) break
    const own = decodeAttributes(multipath.subarray(at + NEXT_HOP_BYTES, at + length))
    hops.push({ index: multipath.readUInt32LE(at + 4), gateway: addressIn(own.get(ROUTE.gateway)) })
    at += (length + 3) & ~3
  }
  return hops
}

/**
 * Reads the routes that are wanted out of the answer to {@link getRoutes}: most are the kernel's own, several
 * for each interface. What the kernel has cloned from a route is left out.
 */
export function decodeRoutes(
  messages: readonly Message[],
  isWanted: (kind: RouteKind) => boolean,
): readonly RouteRow[] {
  return partsOf(messages, KIND.newRoute, ROUTE.bodyBytes).flatMap(({ body, attributes }) => {
    const kind = {
      length: body.readUInt8(1),
      table: attributes.get(ROUTE.table)?.readUInt32LE() ?? body.readUInt8(4),
      protocol: body.readUInt8(5),
      type: body.readUInt8(7),
    }
    if ((body.readUInt32LE(8) & CLONED) !== 0 || !isWanted(kind)) return []
    const address = addressIn(attributes.get(ROUTE.destination)) ?? addressFromBits(0n)
    const expires = attributes.get(ROUTE.cacheInfo)?.readInt32LE(8) ?? 0
    return {
      ...kind,
      destination: networkOf(address, kind.length),
      hops: decodeHops(attributes),
      expires: expires === 0 ? null : Math.trunc(expires / TICKS_PER_SECOND),
    }
  })
}

/** Reads the answer to {@link getProxies}. */
export function decodeProxies(messages: readonly Message[]): readonly ProxyRow[] {
  return partsOf(messages, KIND.newNeighbour, NEIGHBOUR.bodyBytes).flatMap(
    ({ body, attributes }) => {
      const address = addressIn(attributes.get(NEIGHBOUR.destination))
      if (address === undefined) return []
      const protocol = attributes.get(NEIGHBOUR.protocol)?.readUInt8() ?? 0
      return { index: body.readUInt32LE(4), address, protocol }
    },
  )
}
