import {
  type Address,
  contains,
  createRangeLookup,
  type IPv4Address,
  type Prefix,
  parseAddress,
} from '../../shared/ipv6.ts'

/**
 * What no public host is reached at (the IANA registries of RFC 6890): loopback, mapped and
 * translated IPv4 (::/8), discard, protocol assignments and Teredo, documentation, 6to4, SRv6, ULA,
 * link-local, site-local, multicast.
 */
const specialIPv6 = createRangeLookup([
  '::/8',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
])

/** The same of IPv4, as mapped addresses. The documentation ranges lead nowhere and are let through. */
const specialIPv4 = createRangeLookup([
  '::ffff:0.0.0.0/104',
  '::ffff:10.0.0.0/104',
  '::ffff:100.64.0.0/106',
  '::ffff:127.0.0.0/104',
  '::ffff:169.254.0.0/112',
  '::ffff:172.16.0.0/108',
  '::ffff:192.0.0.0/120',
  '::ffff:192.168.0.0/112',
  '::ffff:198.18.0.0/111',
  '::ffff:224.0.0.0/100',
  '::ffff:240.0.0.0/100',
])

/**
 * The special-purpose range that holds this address or prefix, unless one of `permitted` that lies
 * inside that range holds it too: a wide range never permits what it only happens to cover.
 */
export function specialRangeOf(
  value: Address | Prefix,
  permitted: readonly Prefix[],
): Prefix | undefined {
  return specialIPv6(value).find((special) => !isPermitted(value, special, permitted))
}

/**
 * Whether an IPv4 address is private, loopback, link-local, shared, multicast or reserved, and no mapped
 * range of `permitted` inside that special-purpose range holds it.
 */
export function isSpecialIPv4(address: IPv4Address, permitted: readonly Prefix[]): boolean {
  const mapped = parseAddress(`::ffff:${address}`)
  return specialIPv4(mapped).some((special) => !isPermitted(mapped, special, permitted))
}

function isPermitted(
  value: Address | Prefix,
  special: Prefix,
  permitted: readonly Prefix[],
): boolean {
  return permitted.some((range) => contains(special, range) && contains(range, value))
}
