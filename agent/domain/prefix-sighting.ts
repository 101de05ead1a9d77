import { contains, networkOf, type Prefix } from '../../shared/ipv6.ts'
import type { AddressState, Instant, Intent, PrefixEntry } from './model.ts'

/** The part of the intent that says which prefixes count. */
export type PrefixRules = Pick<Intent, 'prefixLength' | 'within'>

/** When a prefix ends, as an entry or a sighting says it. */
export type Expiries = Pick<PrefixEntry, 'preferredUntil' | 'validUntil'>

/** What one snapshot says about one prefix. */
export interface Sighting {
  readonly isDynamic: boolean
  readonly isEligible: boolean
  readonly isDeprecated: boolean
  readonly preferredUntil: Instant | null
  readonly validUntil: Instant | null
}

/**
 * What the addresses of the uplink say of each prefix inside `within`. Temporary addresses say nothing:
 * the kernel makes new ones in dead prefixes too. Several addresses of one prefix are taken together.
 */
export function sight(
  addresses: readonly AddressState[],
  rules: PrefixRules,
  now: Instant,
): ReadonlyMap<Prefix, Sighting> {
  const sightings = new Map<Prefix, Sighting>()
  for (const state of addresses) {
    const prefix = networkOf(state.address, rules.prefixLength)
    if (state.isTemporary || state.validSeconds === 0) continue
    if (!rules.within.some((range) => contains(range, prefix))) continue
    const isDeprecated = state.isDeprecated || state.preferredSeconds === 0
    const sighting: Sighting = {
      isDynamic: state.isDynamic,
      isEligible: !isDeprecated && !state.isDadFailed,
      isDeprecated,
      preferredUntil: expiry(isDeprecated ? 0 : state.preferredSeconds, now),
      validUntil: expiry(state.validSeconds, now),
    }
    const other = sightings.get(prefix)
    sightings.set(prefix, other ? combine(other, sighting) : sighting)
  }
  return sightings
}

/** What is announced says more than an address set by hand in the same prefix. */
function combine(a: Sighting, b: Sighting): Sighting {
  if (a.isDynamic !== b.isDynamic) return a.isDynamic ? a : b
  return {
    isDynamic: a.isDynamic,
    isEligible: a.isEligible || b.isEligible,
    isDeprecated: a.isDeprecated && b.isDeprecated,
    preferredUntil: later(a.preferredUntil, b.preferredUntil),
    validUntil: later(a.validUntil, b.validUntil),
  }
}

/** The expiry that announcements move visibly: valid, or preferred where valid is forever. */
export function visibleExpiry({ validUntil, preferredUntil }: Expiries): Instant | null {
  return validUntil ?? preferredUntil
}

/** How much of that is left, in milliseconds; `null` is forever. */
export function remaining(expiries: Expiries, now: Instant): number | null {
  const until = visibleExpiry(expiries)
  return until === null ? null : until - now
}

function expiry(seconds: number | null, now: Instant): Instant | null {
  return seconds === null ? null : now + seconds * 1000
}

/** The later of two instants or lifetimes; `null` is forever. */
export function later(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.max(a, b)
}
