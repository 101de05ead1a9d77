import { type Address, addressFromBits, networkOf } from '../../shared/ipv6.ts'
import { decodeAttributes, type Message } from './netlink-message.ts'
import type { Link } from './network.ts'
import {
  ADDRESS,
  ADDRESS_BYTES,
  type AddressRow,
  type Hop,
  INFINITY,
  KIND,
  LINK,
  NEIGHBOUR,
  type ProxyRow,
  ROUTE,
  type RouteKind,
  type RouteRow,
} from './rtnetlink.ts'

const SCOPE_LINK = 253
const CLONED = 0x200
const MAX_LENGTH = 128
const NEXT_HOP_BYTES = 8
/** Ticks of the clock that the kernel tells times in to programs (USER_HZ), on every Linux. */
const TICKS_PER_SECOND = 100

function addressIn(bytes: Buffer | undefined): Address | undefined {
  if (bytes?.length !== ADDRESS_BYTES) return undefined
  return addressFromBits(BigInt(`0x${bytes.toString('hex')}`))
}

/** A number in an attribute; undefined where that is not there, or shorter than it should be. */
function numberIn(bytes: Buffer | undefined, offset = 0): number | undefined {
  return bytes !== undefined && bytes.length >= offset + 4 ? bytes.readUInt32LE(offset) : undefined
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

/** Reads the answer to `getLinks` or `getLink`. */
export function decodeLinks(messages: readonly Message[]): readonly Link[] {
  return partsOf(messages, KIND.newLink, LINK.bodyBytes).map(({ body, attributes }) => ({
    index: body.readUInt32LE(4),
    name: (attributes.get(LINK.name)?.toString('utf8') ?? '').replace(/\0.*$/, ''),
    mac: [...(attributes.get(LINK.address) ?? [])]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join(':'),
  }))
}

/** Reads the answer to `getAddresses`, without link-local addresses: every interface has one. */
export function decodeAddresses(messages: readonly Message[]): readonly AddressRow[] {
  return partsOf(messages, KIND.newAddress, ADDRESS.bodyBytes).flatMap(({ body, attributes }) => {
    const length = body.readUInt8(1)
    if (body.readUInt8(3) === SCOPE_LINK || length > MAX_LENGTH) return []
    // With a peer, the other one is the peer's.
    const address = addressIn(attributes.get(ADDRESS.local) ?? attributes.get(ADDRESS.address))
    if (address === undefined) return []
    const lifetimes = attributes.get(ADDRESS.lifetimes)
    return {
      index: body.readUInt32LE(4),
      address,
      length,
      flags: numberIn(attributes.get(ADDRESS.flags)) ?? body.readUInt8(2),
      preferred: numberIn(lifetimes, 0) ?? INFINITY,
      valid: numberIn(lifetimes, 4) ?? INFINITY,
    }
  })
}

function decodeHops(attributes: ReadonlyMap<number, Buffer>): readonly Hop[] {
  const multipath = attributes.get(ROUTE.multipath)
  const hops: Hop[] = []
  if (multipath === undefined) {
    const index = numberIn(attributes.get(ROUTE.output))
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
 * Reads the routes that are wanted out of the answer to `getRoutes`: most are the kernel's own, several
 * for each interface. What the kernel has cloned from a route is left out.
 */
export function decodeRoutes(
  messages: readonly Message[],
  isWanted: (kind: RouteKind) => boolean,
): readonly RouteRow[] {
  return partsOf(messages, KIND.newRoute, ROUTE.bodyBytes).flatMap(({ body, attributes }) => {
    const kind = {
      length: body.readUInt8(1),
      table: numberIn(attributes.get(ROUTE.table)) ?? body.readUInt8(4),
      protocol: body.readUInt8(5),
      type: body.readUInt8(7),
    }
    if (kind.length > MAX_LENGTH || (body.readUInt32LE(8) & CLONED) !== 0) return []
    if (!isWanted(kind)) return []
    const address = addressIn(attributes.get(ROUTE.destination)) ?? addressFromBits(0n)
    const expires = (numberIn(attributes.get(ROUTE.cacheInfo), 8) ?? 0) | 0
    return {
      ...kind,
      destination: networkOf(address, kind.length),
      hops: decodeHops(attributes),
      expires: expires === 0 ? null : Math.trunc(expires / TICKS_PER_SECOND),
    }
  })
}

/** Reads the answer to `getProxies`. */
export function decodeProxies(messages: readonly Message[]): readonly ProxyRow[] {
  return partsOf(messages, KIND.newNeighbour, NEIGHBOUR.bodyBytes).flatMap(
    ({ body, attributes }) => {
      const address = addressIn(attributes.get(NEIGHBOUR.destination))
      if (address === undefined) return []
      const protocol = attributes.get(NEIGHBOUR.protocol)?.[0] ?? 0
      return { index: body.readUInt32LE(4), address, protocol }
    },
  )
}
