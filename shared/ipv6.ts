import { type ErrorCode, quote, ReprefixError } from './errors.ts'
import { IPV4_TEXT, readGroups, renderGroups } from './ipv6-text.ts'

/** An IPv6 address in RFC 5952 text, hexadecimal throughout; equal addresses are equal strings. */
export type Address = string & { readonly __address: never }
/** `address/length` with every host bit zero; equal prefixes are equal strings. */
export type Prefix = string & { readonly __prefix: never }
/** `::1:0:0:0/80`: the subnet bits below a prefix yet unknown, and the subnet's own length. */
export type Suffix = string & { readonly __suffix: never }
/** An IPv4 address in dotted decimal without leading zeros. */
export type IPv4Address = string & { readonly __ipv4: never }

/** What IPv4 addresses are mapped to (RFC 4291 §2.5.5.2). */
export const IPV4_MAPPED = '::ffff:0:0/96' as Prefix

const WIDTH = 128
const ALL_ONES = (1n << 128n) - 1n

/**
 * Reads any text form of RFC 4291 §2.2 and gives RFC 5952 text.
 * Refuses zone identifiers, and octal or short IPv4 parts that looser parsers let through.
 * @throws ReprefixError ADDRESS_INVALID
 */
export function parseAddress(text: string): Address {
  const groups = readGroups(text)
  if (groups !== undefined) return renderGroups(groups) as Address
  const reason = text.includes('%')
    ? 'leave out the zone after "%"'
    : IPV4_TEXT.test(text)
      ? 'this is an IPv4 address'
      : 'expected a form like 2001:db8::1'
  throw new ReprefixError('ADDRESS_INVALID', `${quote(text)} is not an IPv6 address: ${reason}`)
}

/**
 * Reads `address/length`, length 0 to 128.
 * Refuses set host bits, saying the corrected form, because a silently cut address hides a mistake.
 * @throws ReprefixError PREFIX_INVALID
 */
export function parsePrefix(text: string): Prefix {
  const { bits, length } = readWithLength(text, 'PREFIX_INVALID', 'a prefix', '2001:db8:1::/64')
  const corrected = prefixFromBits(bits & networkMask(length), length)
  if ((bits & hostMask(length)) === 0n) return corrected
  throw new ReprefixError(
    'PREFIX_INVALID',
    `${quote(text)} has bits set beyond its length of ${length}: did you mean ${corrected}?`,
  )
}

/**
 * Reads a subnet relative to a prefix that is not known yet, such as `::1:0:0:0/80`.
 * @throws ReprefixError SUFFIX_INVALID
 */
export function parseSuffix(text: string): Suffix {
  const { bits, length } = readWithLength(text, 'SUFFIX_INVALID', 'a suffix', '::1:0:0:0/80')
  if ((bits & hostMask(length)) !== 0n) {
    const corrected = prefixFromBits(bits & networkMask(length), length)
    throw new ReprefixError(
      'SUFFIX_INVALID',
      `${quote(text)} has bits set beyond its length of ${length}: did you mean ${corrected}?`,
    )
  }
  return `${addressFromBits(bits)}/${length}` as Suffix
}

/**
 * Reads dotted decimal, four parts of 0 to 255 without leading zeros.
 * @throws ReprefixError ADDRESS_INVALID
 */
export function parseIPv4(text: string): IPv4Address {
  if (IPV4_TEXT.test(text)) return text as IPv4Address
  throw new ReprefixError(
    'ADDRESS_INVALID',
    `${quote(text)} is not an IPv4 address: expected four numbers from 0 to 255 like 192.0.2.1`,
  )
}

/** The address as an unsigned 128-bit integer. */
export function addressBits(address: Address): bigint {
  const bits = readBits(address)
  if (bits === undefined) {
    throw new ReprefixError('ADDRESS_INVALID', `${quote(address)} is not an IPv6 address`)
  }
  return bits
}

/** The address with these 128 bits. @throws ReprefixError ADDRESS_INVALID outside 0 to 2^128 - 1 */
export function addressFromBits(bits: bigint): Address {
  if (bits < 0n || bits > ALL_ONES) {
    throw new ReprefixError('ADDRESS_INVALID', `${bits} does not fit into 128 bits`)
  }
  const groups: number[] = []
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((bits >> shift) & 0xffffn))
  return renderGroups(groups) as Address
}

/** The 16 bytes of the address, in network order. */
export function addressBytes(address: Address): Uint8Array {
  const bytes = new Uint8Array(16)
  for (const [index, group] of (readGroups(address) ?? []).entries()) {
    bytes[2 * index] = group >>> 8
    bytes[2 * index + 1] = group & 0xff
  }
  return bytes
}

/** The number after the slash. */
export function lengthOf(range: Prefix | Suffix): number {
  return Number(range.slice(range.indexOf('/') + 1))
}

/** The address before the slash. */
export function addressOf(range: Prefix | Suffix): Address {
  return addressFromBits(bitsOf(range))
}

/** The prefix of this length that holds the address. */
export function networkOf(address: Address, length: number): Prefix {
  return prefixFromBits(addressBits(address) & networkMask(length), length)
}

/** True when every address of `inner` is in `outer`; a prefix contains itself. */
export function contains(outer: Prefix, inner: Address | Prefix): boolean {
  const length = lengthOf(outer)
  const isPrefix = inner.includes('/')
  if (isPrefix && lengthOf(inner as Prefix) < length) return false
  return (bitsOf(inner) & networkMask(length)) === bitsOf(outer)
}

/**
 * Gives those of the ranges that hold an address or a prefix, in their order: `contains` for ranges that
 * are known beforehand and looked into again and again. They are read when they are first needed.
 * @throws ReprefixError PREFIX_INVALID then
 */
export function createRangeLookup(
  ranges: readonly string[],
): (inner: Address | Prefix) => readonly Prefix[] {
  const read = (text: string) => {
    const range = parsePrefix(text)
    const length = lengthOf(range)
    return { range, length, mask: networkMask(length), bits: bitsOf(range) }
  }
  let known: readonly ReturnType<typeof read>[] | undefined
  return (inner) => {
    known ??= ranges.map(read)
    const bits = bitsOf(inner)
    const innerLength = inner.includes('/') ? lengthOf(inner as Prefix) : WIDTH
    return known
      .filter(({ length, mask, bits: own }) => length <= innerLength && (bits & mask) === own)
      .map(({ range }) => range)
  }
}

/** True when some address is in both. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return contains(a, b) || contains(b, a)
}

/**
 * The subnet that the suffix names inside the prefix.
 * @throws ReprefixError SUFFIX_OUTSIDE_PREFIX when the suffix is shorter than the prefix or has bits
 * that the prefix decides
 */
export function subnetOf(prefix: Prefix, suffix: Suffix): Prefix {
  const length = lengthOf(prefix)
  const subnetLength = lengthOf(suffix)
  if (subnetLength < length) {
    throw new ReprefixError(
      'SUFFIX_OUTSIDE_PREFIX',
      `a /${subnetLength} subnet (${suffix}) does not fit into ${prefix}: use a length from ${length} to 128`,
    )
  }
  const bits = bitsOf(suffix)
  if ((bits & networkMask(length)) !== 0n) {
    throw new ReprefixError(
      'SUFFIX_OUTSIDE_PREFIX',
      `${suffix} has bits set inside the first ${length}, which ${prefix} decides: keep only the bits after them`,
    )
  }
  return prefixFromBits(bitsOf(prefix) | bits, subnetLength)
}

/** The bits of the prefix followed by those of `host` below its length. */
export function splice(prefix: Prefix, host: Address): Address {
  return addressFromBits(bitsOf(prefix) | (addressBits(host) & hostMask(lengthOf(prefix))))
}

/** The bits of the address below `length`, all others zero: what survives a renumbering. */
export function hostPart(address: Address, length: number): Address {
  return addressFromBits(addressBits(address) & hostMask(length))
}

/** `value/mask` that matches this host in any prefix of that length, as `ip6tables -d` takes it. */
export function suffixMask(host: Address, prefixLength: number): string {
  return `${hostPart(host, prefixLength)}/${addressFromBits(hostMask(prefixLength))}`
}

/** `value/mask` that matches the whole subnet in any prefix of that length. */
export function suffixSubnetMask(suffix: Suffix, prefixLength: number): string {
  const mask = networkMask(lengthOf(suffix)) & hostMask(prefixLength)
  return `${addressFromBits(bitsOf(suffix) & mask)}/${addressFromBits(mask)}`
}

function prefixFromBits(bits: bigint, length: number): Prefix {
  return `${addressFromBits(bits)}/${length}` as Prefix
}

function bitsOf(text: Address | Prefix | Suffix): bigint {
  const slash = text.indexOf('/')
  return addressBits((slash < 0 ? text : text.slice(0, slash)) as Address)
}

function hostMask(length: number): bigint {
  if (!Number.isInteger(length) || length < 0 || length > WIDTH) {
    throw new ReprefixError('PREFIX_INVALID', `prefix length ${length} is not between 0 and 128`)
  }
  return (1n << BigInt(WIDTH - length)) - 1n
}

function networkMask(length: number): bigint {
  return ALL_ONES ^ hostMask(length)
}

function readWithLength(text: string, code: ErrorCode, what: string, example: string) {
  const match = /^([^/]*)\/(0|[1-9]\d{0,2})$/.exec(text)
  const bits = match?.[1] === undefined ? undefined : readBits(match[1])
  const length = Number(match?.[2])
  if (bits === undefined || !(length <= WIDTH)) {
    throw new ReprefixError(
      code,
      `${quote(text)} is not ${what}: expected an IPv6 address, "/" and a length from 0 to 128, like ${example}`,
    )
  }
  return { bits, length }
}

/** Untrusted text to bits. */
function readBits(text: string): bigint | undefined {
  const groups = readGroups(text)
  if (groups === undefined) return undefined
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups
  // 48, 48 and 32 bits: what a number holds exactly.
  const high = BigInt((a * 0x10000 + b) * 0x10000 + c)
  const middle = BigInt((d * 0x10000 + e) * 0x10000 + f)
  return (high << 80n) | (middle << 32n) | BigInt(g * 0x10000 + h)
}
