import * as v from 'valibot'
import { contains, lengthOf, type Prefix, parsePrefix } from '../../shared/ipv6.ts'
import { type Fqdn, isAtOrBelow, parseName } from '../../shared/rrset.ts'
import { parsedBy } from '../../shared/schema.ts'
import { parseAddressRange } from './client-address.ts'
import { specialRangeOf } from './special-purpose.ts'

/** What one host may claim. Fixed by the operator, never by the host. */
export interface HostPolicy {
  /** Exact names, or `*.zone` for every name below `zone`. */
  readonly names: readonly Fqdn[]
  readonly types: readonly ('A' | 'AAAA')[]
  /** Ranges that a reported prefix must lie in. */
  readonly prefixes: readonly Prefix[]
  /** The smallest prefix length a report may carry: 48 refuses a /32. */
  readonly shortestPrefix: number
  /** How many RRsets one report may withdraw. */
  readonly maxDeletions: number
  /** Whether a report must come from an address inside the prefix it reports. */
  readonly sourceCheck: 'off' | 'warn' | 'require'
  /** How many reports the key may bring in an hour; see `decideRate`. */
  readonly reportsPerHour: number
  /** Names, among `names`, that other hosts may claim too: their RRsets are the union. */
  readonly shared: readonly Fqdn[]
  /** Ranges beside the reported prefix that values may lie in; those of IPv4 as mapped ones. */
  readonly values: readonly Prefix[]
  /** Bounds, in seconds, of the TTL that a zone gives to this host's RRsets. */
  readonly minTtl: number
  readonly maxTtl: number
}

/** What applies where the operator says nothing. */
export const POLICY_DEFAULTS = {
  types: ['AAAA'],
  prefixes: ['2000::/3'],
  shortestPrefix: 48,
  maxDeletions: 8,
  sourceCheck: 'off',
  reportsPerHour: 600,
  shared: [],
  values: [],
  minTtl: 1,
  maxTtl: 86_400,
} as const

const LIMIT = 256
const MAX_REPORTS_PER_HOUR = 1_000_000

const ttlSchema = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(86_400))

const members = {
  names: v.pipe(v.array(parsedBy(parseName)), v.minLength(1), v.maxLength(LIMIT)),
  types: v.pipe(v.array(v.picklist(['A', 'AAAA'])), v.minLength(1)),
  prefixes: v.pipe(v.array(parsedBy(parsePrefix)), v.minLength(1), v.maxLength(LIMIT)),
  shortestPrefix: v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(64)),
  maxDeletions: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LIMIT)),
  sourceCheck: v.picklist(['off', 'warn', 'require']),
  reportsPerHour: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_REPORTS_PER_HOUR)),
  shared: v.pipe(v.array(parsedBy(parseName)), v.maxLength(LIMIT)),
  values: v.pipe(v.array(parsedBy(parseAddressRange)), v.maxLength(LIMIT)),
  minTtl: ttlSchema,
  maxTtl: ttlSchema,
}

/** A whole policy, as answers show it: also one that would not be accepted today. */
export const wholePolicySchema = v.object({
  ...members,
  names: v.array(parsedBy(parseName)),
  types: v.array(v.picklist(['A', 'AAAA'])),
  prefixes: v.array(parsedBy(parsePrefix)),
})

/** Untrusted text of what changes in a policy; names and prefixes become canonical. */
export const policyChangeSchema = v.partial(v.strictObject(members))

/** Untrusted policy text, as the admin API receives it; names and prefixes become canonical. */
export const hostPolicySchema = v.pipe(
  v.strictObject({
    names: members.names,
    types: v.optional(members.types, [...POLICY_DEFAULTS.types]),
    prefixes: v.optional(members.prefixes, [...POLICY_DEFAULTS.prefixes]),
    shortestPrefix: v.optional(members.shortestPrefix, POLICY_DEFAULTS.shortestPrefix),
    maxDeletions: v.optional(members.maxDeletions, POLICY_DEFAULTS.maxDeletions),
    sourceCheck: v.optional(members.sourceCheck, POLICY_DEFAULTS.sourceCheck),
    reportsPerHour: v.optional(members.reportsPerHour, POLICY_DEFAULTS.reportsPerHour),
    shared: v.optional(members.shared, []),
    values: v.optional(members.values, []),
    minTtl: v.optional(members.minTtl, POLICY_DEFAULTS.minTtl),
    maxTtl: v.optional(members.maxTtl, POLICY_DEFAULTS.maxTtl),
  }),
  v.check(({ minTtl, maxTtl }) => minTtl <= maxTtl, 'has a minTtl above its maxTtl'),
)

/**
 * Whether the policy lets the host claim this name. `*.x` covers every name below `x`, not `x`, and
 * none with a label like `_acme-challenge`, which speaks about a name rather than being one.
 */
export function allowsName(policy: HostPolicy, name: Fqdn): boolean {
  return policy.names.some((pattern) => matchesName(pattern, name))
}

/** Whether the policy lets other hosts claim this name too. */
export function sharesName(policy: HostPolicy, name: Fqdn): boolean {
  return policy.shared.some((pattern) => matchesName(pattern, name))
}

function matchesName(pattern: Fqdn, name: Fqdn): boolean {
  if (pattern === name) return true
  if (!pattern.startsWith('*.')) return false
  const parent = parseName(pattern.slice(2))
  if (name === parent || !isAtOrBelow(name, parent)) return false
  return !/(?:^|\.)_/.test(name.slice(0, -parent.length))
}

/**
 * Whether the prefix lies in a permitted range and is not shorter than the policy permits.
 * Special-purpose prefixes need a range of their own.
 */
export function allowsPrefix(policy: HostPolicy, prefix: Prefix): boolean {
  return (
    lengthOf(prefix) >= policy.shortestPrefix &&
    policy.prefixes.some((range) => contains(range, prefix)) &&
    specialRangeOf(prefix, policy.prefixes) === undefined
  )
}
