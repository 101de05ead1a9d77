import { type Address, addressBits, addressOf, lengthOf, type Prefix } from '../../shared/ipv6.ts'
import { type Attribute, MESSAGE_FLAGS, type Request, uint32 } from './netlink-message.ts'
import {
  ADDRESS,
  ADDRESS_BYTES,
  type AddressRow,
  KIND,
  LINK,
  NEIGHBOUR,
  ROUTE,
  ROUTE_TYPES,
  TABLE_MAIN,
} from './rtnetlink.ts'

const INET6 = 10
/** Leaves counters out, which are most of what is said of a link. */
const SKIP_STATISTICS = 8

function bytesOf(address: Address): Buffer {
  return Buffer.from(
    addressBits(address)
      .toString(16)
      .padStart(ADDRESS_BYTES * 2, '0'),
    'hex',
  )
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

/** Gives an interface an address; one that it has gets these flags and lifetimes. */
export function setAddress(wanted: AddressRow): Request {
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
