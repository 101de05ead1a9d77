import {
  type Address,
  contains,
  IPV4_MAPPED,
  type IPv4Address,
  type Prefix,
  parseAddress,
  parseIPv4,
} from '../../shared/ipv6.ts'
import type { Claim, Report } from '../../shared/report.ts'
import {
  canonicalValues,
  type Fqdn,
  isAtOrBelow,
  keyOf,
  type RRKey,
  type RRset,
} from '../../shared/rrset.ts'
import { allowsName, allowsPrefix, type HostPolicy } from './host-policy.ts'
import { type Ownership, sharersOf, valuesHeld } from './shared-names.ts'
import { isSpecialIPv4, specialRangeOf } from './special-purpose.ts'

/** Why a report was refused: a stable code. */
export type DenialCode =
  | 'POLICY_PREFIX'
  | 'POLICY_NAME'
  | 'POLICY_TYPE'
  | 'POLICY_VALUE'
  | 'POLICY_DELETIONS'
  | 'NAME_OUTSIDE_ZONES'
  | 'NAME_OWNED'
  | 'SOURCE_MISMATCH'

/** What one host holds now, and what the cloud serves: the facts a report is judged by. */
export interface Standing extends Ownership {
  readonly host: string
  readonly policy: HostPolicy
  /** RRsets that the host's last accepted report claimed. */
  readonly claim: readonly RRKey[]
  readonly zones: readonly ZoneTtl[]
  /** What the source check found; `undefined` when all is well or nobody asks. */
  readonly sourceFault?: string | undefined
}

/** A zone the cloud is configured to write, and the TTL of its RRsets in seconds. */
export interface ZoneTtl {
  readonly name: Fqdn
  readonly ttl: number
}

/** One RRset to bring about in a zone; `set` is null where it must be absent. */
export interface DesiredSet extends RRKey {
  readonly zone: Fqdn
  readonly ttl: number
  readonly set: RRset | null
}

/** What a report brings about, or why it is refused. */
export type Authorisation =
  | { readonly kind: 'allowed'; readonly desired: readonly DesiredSet[] }
  | { readonly kind: 'denied'; readonly code: DenialCode; readonly detail: string }

/**
 * Turns a report into the RRsets it brings about, or refuses it whole. A report is the host's
 * complete claim: what it claimed before and no longer claims is withdrawn, within the limit.
 * The report must have been parsed: its values are canonical and no RRset is claimed twice.
 */
export function authoriseReport(report: Report, standing: Standing): Authorisation {
  const prefixes = prefixesOf(report)
  const refused = prefixes.find((prefix) => !allowsPrefix(standing.policy, prefix))
  if (refused !== undefined) {
    const special = specialRangeOf(refused, standing.policy.prefixes)
    const why = special === undefined ? '' : `: ${special} is special-purpose, permit it by itself`
    return denied(
      'POLICY_PREFIX',
      `the policy of ${standing.host} does not permit ${refused}${why}`,
    )
  }
  if (standing.sourceFault !== undefined && standing.policy.sourceCheck === 'require') {
    return denied('SOURCE_MISMATCH', standing.sourceFault)
  }
  const desired: DesiredSet[] = []
  for (const record of report.records) {
    const refusal = refuseRecord(record, prefixes, standing)
    if (refusal !== undefined) return refusal
    const zone = zoneOf(record.name, standing.zones)
    if (zone === undefined) return outsideZones(record.name)
    desired.push(desiredSet(record, record.values, zone, standing))
  }
  const keys = new Set(report.records.map(keyOf))
  const withdrawn = standing.claim.filter((key) => !keys.has(keyOf(key)))
  if (withdrawn.length > standing.policy.maxDeletions) {
    return denied(
      'POLICY_DELETIONS',
      `withdraws ${withdrawn.length} records, at most ${standing.policy.maxDeletions} are permitted`,
    )
  }
  for (const key of withdrawn) {
    // A zone that is no longer configured, or a name that another host has since, is not ours to change.
    const zone = zoneOf(key.name, standing.zones)
    if (zone === undefined || sharersOf(key.name, standing, standing) === undefined) continue
    desired.push(desiredSet(key, [], zone, standing))
  }
  return { kind: 'allowed', desired }
}

/** Every prefix that a report is about: that of the host's main uplink first. */
export function prefixesOf({ prefix }: Pick<Report, 'prefix'>): readonly Prefix[] {
  return [prefix.current, ...(prefix.others ?? [])]
}

/** The configured zone with the longest suffix of this name. */
export function zoneOf(name: Fqdn, zones: readonly ZoneTtl[]): ZoneTtl | undefined {
  return zones
    .filter((zone) => isAtOrBelow(name, zone.name))
    .reduce<ZoneTtl | undefined>(
      (best, zone) => (best === undefined || zone.name.length > best.name.length ? zone : best),
      undefined,
    )
}

function refuseRecord(
  record: Claim,
  prefixes: readonly Prefix[],
  standing: Standing,
): Authorisation | undefined {
  const { name, type } = record
  const { host, policy } = standing
  if (!allowsName(policy, name)) {
    return denied('POLICY_NAME', `the policy of ${host} does not permit the name ${name}`)
  }
  if (!policy.types.includes(type)) {
    return denied('POLICY_TYPE', `the policy of ${host} does not permit ${type} records (${name})`)
  }
  const fault = valueFault(record, prefixes, policy)
  if (fault !== undefined) return denied('POLICY_VALUE', fault)
  return sharersOf(name, standing, standing) === undefined
    ? denied('NAME_OWNED', `${name} belongs to another host`)
    : undefined
}

/** What speaks against the values of a claim; `undefined` when all may be set. */
export function valueFault(
  { name, type, values }: Claim,
  prefixes: readonly Prefix[],
  policy: HostPolicy,
): string | undefined {
  for (const value of values) {
    const fault =
      type === 'AAAA'
        ? addressFault(parseAddress(value), prefixes, policy)
        : ipv4Fault(parseIPv4(value), policy)
    if (fault !== undefined) return `${name} ${type} ${value} ${fault}`
  }
  return undefined
}

function addressFault(
  value: Address,
  prefixes: readonly Prefix[],
  { prefixes: ranges, values }: HostPolicy,
): string | undefined {
  // Permission for IPv4 is kept as mapped ranges, and is for A records alone.
  if (contains(IPV4_MAPPED, value)) return 'is an IPv4 address: an A record holds it'
  if (![...prefixes, ...values].some((range) => contains(range, value))) {
    return `is outside the reported ${prefixes.join(', ')}`
  }
  const special = specialRangeOf(value, [...ranges, ...values])
  return special === undefined ? undefined : `is special-purpose (${special})`
}

function ipv4Fault(value: IPv4Address, { values }: HostPolicy): string | undefined {
  return isSpecialIPv4(value, values) ? 'is no public address' : undefined
}

/** The RRset with the values of this host and of those that share its name; absent without any. */
function desiredSet(
  { name, type }: RRKey,
  own: readonly string[],
  zone: ZoneTtl,
  standing: Standing,
): DesiredSet {
  const { minTtl, maxTtl } = standing.policy
  const ttl = Math.min(Math.max(zone.ttl, minTtl), maxTtl)
  const sharers = sharersOf(name, standing, standing) ?? []
  const union = [...new Set([...own, ...valuesHeld({ name, type }, sharers)])]
  const set = union.length === 0 ? null : { name, type, ttl, values: canonicalValues(type, union) }
  return { name, type, zone: zone.name, ttl, set }
}

function outsideZones(name: Fqdn): Authorisation {
  return denied('NAME_OUTSIDE_ZONES', `${name} is in no zone that this cloud serves`)
}

function denied(code: DenialCode, detail: string): Authorisation {
  return { kind: 'denied', code, detail }
}
