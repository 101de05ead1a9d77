import {
  type Address,
  addressBits,
  contains,
  IPV4_MAPPED,
  type IPv4Address,
  type Prefix,
  parseAddress,
  parseIPv4,
  parsePrefix,
} from '../../shared/ipv6.ts'

/** Where a request came from. */
export type ClientAddress =
  | { readonly family: 4; readonly address: IPv4Address }
  | { readonly family: 6; readonly address: Address }

/** `192.0.2.1:443`, `[2001:db8::1]:443` and `[2001:db8::1]`: what proxies write besides bare addresses. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/
const IPV4_RANGE = /^([\d.]+)(?:\/(\d{1,2}))?$/

/**
 * Reads an address as sockets and proxies write it: with a port, in brackets, with a zone, IPv4 also as
 * `::ffff:192.0.2.1`. `undefined` for anything else, such as `unknown` (RFC 7239 §6).
 */
export function parseClientAddress(text: string): ClientAddress | undefined {
  const [, bracketed, dotted] = WITH_PORT.exec(text.trim()) ?? []
  const bare = (bracketed ?? dotted ?? text.trim()).split('%')[0] ?? ''
  try {
    if (!bare.includes(':')) return { family: 4, address: parseIPv4(bare) }
    const address = parseAddress(bare)
    return contains(IPV4_MAPPED, address) ? unmapped(address) : { family: 6, address }
  } catch {
    return undefined
  }
}

/** Reads an address or a range of either family; those of IPv4 become mapped ones. @throws ReprefixError */
export function parseAddressRange(text: string): Prefix {
  const [, address, length = '32'] = IPV4_RANGE.exec(text) ?? []
  if (address !== undefined) {
    return parsePrefix(`::ffff:${parseIPv4(address)}/${96 + Number(length)}`)
  }
  return parsePrefix(text.includes('/') ? text : `${text}/128`)
}

/**
 * The client behind proxies: the last address that no trusted proxy has, going from the peer backwards
 * through `X-Forwarded-For`, to which each proxy appends the peer it saw. What an untrusted peer
 * writes there counts for nothing. `undefined` when a trusted proxy says nothing that can be read.
 */
export function findClient(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trusted: readonly Prefix[],
): ClientAddress | undefined {
  const hops = forwardedFor === undefined ? [] : forwardedFor.split(',')
  let client = peer === undefined ? undefined : parseClientAddress(peer)
  while (client !== undefined && hops.length > 0 && isTrusted(client, trusted)) {
    client = parseClientAddress(hops.pop() ?? '')
  }
  return client
}

function isTrusted({ family, address }: ClientAddress, trusted: readonly Prefix[]): boolean {
  const whole = family === 6 ? address : parseAddress(`::ffff:${address}`)
  return trusted.some((range) => contains(range, whole))
}

function unmapped(address: Address): ClientAddress {
  const bits = Number(addressBits(address) & 0xffff_ffffn)
  const octets = [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff)
  return { family: 4, address: parseIPv4(octets.join('.')) }
}
