import {
  type Address,
  addressBits,
  addressFromBits,
  addressOf,
  lengthOf,
  type Prefix,
  parseAddress,
} from '../../shared/ipv6.ts'

const ALL_ONES = (1n << 128n) - 1n

/** What ip6tables compares of an address: `bits` wherever `mask` is set. */
export interface AddressMatch {
  readonly bits: bigint
  readonly mask: bigint
}

/** Reads `value/mask`, both as addresses. */
export function matchOf(text: string): AddressMatch {
  const [value = '', mask = ''] = text.split('/')
  return { bits: addressBits(parseAddress(value)), mask: addressBits(parseAddress(mask)) }
}

/** The same match, but only inside a range of prefixes. */
export function narrow({ bits, mask }: AddressMatch, range: Prefix): AddressMatch {
  const rangeMask = (ALL_ONES << BigInt(128 - lengthOf(range))) & ALL_ONES
  return { bits: bits | addressBits(addressOf(range)), mask: mask | rangeMask }
}

/**
 * The match as ip6tables prints it: a contiguous mask as a length, and addresses as inet_ntop(3) writes
 * them, which ends in dotted decimal when the first 96 bits are zero, or 80 with `ffff` after them.
 */
export function renderMatch({ bits, mask }: AddressMatch): string {
  const ones = mask.toString(2).replace(/0+$/, '')
  const isContiguous = mask >> 127n === 1n && !ones.includes('0')
  return `${ntop(addressFromBits(bits), bits)}/${isContiguous ? ones.length : ntop(addressFromBits(mask), mask)}`
}

function ntop(address: Address, bits: bigint): string {
  const [head, tail] = [bits >> 32n, bits & 0xffffffffn]
  const isCompatible = head === 0n && tail >> 16n !== 0n
  const isMapped = head === 0xffffn
  if (!isCompatible && !isMapped) return address
  const dotted = [24n, 16n, 8n, 0n].map((shift) => (tail >> shift) & 0xffn).join('.')
  return isMapped ? `::ffff:${dotted}` : `::${dotted}`
}
