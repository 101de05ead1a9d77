import { quote, ReprefixError } from './errors.ts'
import { parseAddress, parseIPv4 } from './ipv6.ts'

/**
 * A fully qualified domain name: lower case, no trailing dot, at most 253 characters; labels of
 * letters, digits and hyphens, optionally with one leading `_`; the first label may be `*`.
 */
export type Fqdn = string & { readonly __fqdn: never }

/** The record types that reprefix reads and writes. */
export type RRType = 'A' | 'AAAA' | 'TXT'

/** All records of one name and type (RFC 2181 §5). `ttl` in seconds; `values` are canonical. */
export interface RRset {
  readonly name: Fqdn
  readonly type: RRType
  readonly ttl: number
  readonly values: readonly string[]
}

/** What identifies an RRset. */
export interface RRKey {
  readonly name: Fqdn
  readonly type: RRType
}

const LABEL = /^_?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const MAX_NAME_LENGTH = 253
const MAX_LABEL_LENGTH = 63

/**
 * Reads a domain name in any case, with or without the trailing dot.
 * Refuses names that are no host names (RFC 1123 §2.1), and Unicode: the xn-- form is what DNS holds.
 * @throws ReprefixError NAME_INVALID
 */
export function parseName(text: string): Fqdn {
  const name = text.toLowerCase().replace(/\.$/, '')
  // Checked before the change of case, which turns the Kelvin sign into a plain k.
  const isForeign = /[^ -~]/.test(text)
  const fault = isForeign ? 'write names with other letters in their xn-- form' : nameFault(name)
  if (fault === undefined) return name as Fqdn
  throw new ReprefixError('NAME_INVALID', `${quote(text)} is not a domain name: ${fault}`)
}

function nameFault(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name.length > MAX_NAME_LENGTH) return `it is longer than ${MAX_NAME_LENGTH} characters`
  const labels = name.split('.')
  if (/^\d+$/.test(labels.at(-1) ?? '')) return 'it ends in a number, like an address'
  for (const [index, label] of labels.entries()) {
    if (label === '*' && index === 0 && labels.length > 1) continue
    if (label === '') return 'it has an empty label'
    if (label.length > MAX_LABEL_LENGTH)
      return `a label is longer than ${MAX_LABEL_LENGTH} characters`
    if (!LABEL.test(label)) {
      return `the label ${quote(label)} may have only letters, digits, inner hyphens and one leading underscore`
    }
  }
  return undefined
}

/**
 * The values as every part compares them: parsed, in RFC 5952 text or dotted decimal, without
 * duplicates, sorted by code unit. TXT values are the raw string, all of a record's parts joined.
 * @throws ReprefixError ADDRESS_INVALID
 */
export function canonicalValues(type: RRType, values: readonly string[]): readonly string[] {
  const parse = { A: parseIPv4, AAAA: parseAddress, TXT: (text: string) => text }[type]
  return [...new Set(values.map((value) => parse(value)))].sort()
}

/** True when both hold the same members; each must be canonical already. */
export function sameValues(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index])
}

/** True for the zone's apex and everything under it, on label boundaries. */
export function isAtOrBelow(name: Fqdn, zone: Fqdn): boolean {
  return name === zone || name.endsWith(`.${zone}`)
}

/** One string per RRset key, for maps. */
export function keyOf(key: RRKey): string {
  return `${key.name}/${key.type}`
}
