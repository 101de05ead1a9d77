import type { Prefix } from '../../shared/ipv6.ts'
import { sightDelegations } from './delegation.ts'
import type { Instant, PrefixEntry, PrefixList, UplinkSnapshot } from './model.ts'
import {
  later,
  type PrefixRules,
  remaining,
  type Sighting,
  sight,
  visibleExpiry,
} from './prefix-sighting.ts'

/**
 * Lifetimes are shown in whole seconds, so an expiry worked out from them wavers by one second. A
 * larger difference means that the router has announced the prefix again; routers wait at least three
 * seconds between announcements (RFC 4861 §6.2.6).
 */
export const EXPIRY_TOLERANCE_MS = 2000

/** How many refreshes are remembered per prefix, which is as many as a decision ever asks for. */
export const REMEMBERED_REFRESHES = 6

// A prefix that has gone is remembered for a while, because "comes back" differs from "is new".
const REMEMBER_GONE_MS = 24 * 60 * 60 * 1000
const MAX_ENTRIES = 32

/** The known prefixes after the snapshot, and all that it shows. */
interface Snapshot {
  readonly updated: PrefixList
  readonly sightings: ReadonlyMap<Prefix, Sighting>
}

/**
 * Folds one snapshot of the uplink into the Prefix List (RFC 4861 §5.1).
 *
 * A prefix is eligible when it lies inside `within` and an address shows it that is neither temporary,
 * deprecated nor dadfailed; a tentative address counts. A refresh is a jump of the expiry beyond what
 * rounding explains, or becoming eligible again; its instant is worked out from the announced lifetime
 * where the snapshot comes late (the agent was down), because the order of refreshes is what decides.
 * Addresses set by hand are evidence, never refreshed. Link-local and other prefixes outside `within`
 * are left out. A delegation (RFC 8415 §6.3) is evidence like an announced address: it is refreshed when
 * its expiry jumps, so one without lifetimes never is. Gone prefixes stay for a day after their expiry, at most 32 in all.
 */
export function foldPrefixList(
  list: PrefixList,
  snapshot: UplinkSnapshot,
  rules: PrefixRules,
  now: Instant,
): PrefixList {
  const known = list.map((entry) => rebase(entry, now))
  const sightings =
    snapshot.delegations === undefined
      ? sight(snapshot.addresses, rules, now)
      : sightDelegations(snapshot.delegations, rules, now)
  const updated = [...sightings].flatMap(([prefix, sighting]) => {
    const entry = known.find((candidate) => candidate.prefix === prefix)
    return entry ? [update(entry, sighting, now)] : []
  })
  const added = [...sightings]
    .filter(([prefix]) => known.every((entry) => entry.prefix !== prefix))
    .map(([prefix, sighting]) => begin(prefix, sighting, { updated, sightings }, now))
  const gone = known
    .filter(({ prefix }) => !sightings.has(prefix))
    .map((entry) => ({ ...entry, isEligible: false }))
    .filter((entry) => (entry.validUntil ?? entry.lastRefreshed) + REMEMBER_GONE_MS > now)
  return bound([...updated, ...added, ...gone])
}

function begin(prefix: Prefix, sighting: Sighting, seen: Snapshot, now: Instant): PrefixEntry {
  const at = sighting.isDynamic ? firstRefresh(sighting, seen, now) : now
  return {
    prefix,
    firstSeen: at,
    appeared: at,
    lastRefreshed: at,
    lastNoticed: now,
    refreshes: sighting.isDynamic ? 1 : 0,
    recentRefreshes: sighting.isDynamic ? [at] : [],
    lifetimeMs: remaining(sighting, now),
    preferredUntil: sighting.preferredUntil,
    validUntil: sighting.validUntil,
    isEligible: sighting.isEligible,
  }
}

/**
 * A prefix never seen before whose lifetimes end in the same second as those of a known one came in
 * the same advertisement, which may have been long before this snapshot.
 */
function firstRefresh(sighting: Sighting, { updated, sightings }: Snapshot, now: Instant): Instant {
  const sibling = updated.find(({ prefix, isEligible, refreshes }) => {
    const other = sightings.get(prefix)
    return (
      isEligible &&
      refreshes > 0 &&
      visibleExpiry(sighting) !== null &&
      other?.validUntil === sighting.validUntil &&
      other.preferredUntil === sighting.preferredUntil
    )
  })
  const isLate = sibling !== undefined && sibling.lastRefreshed < now - EXPIRY_TOLERANCE_MS
  return isLate ? sibling.lastRefreshed : now
}

function update(entry: PrefixEntry, seen: Sighting, now: Instant): PrefixEntry {
  const sighting = { ...seen, preferredUntil: preferredUntil(entry, seen, now) }
  const isBack = sighting.isEligible && !entry.isEligible
  const isSameExpiry =
    isClose(entry.validUntil, sighting.validUntil) &&
    isClose(entry.preferredUntil, sighting.preferredUntil)
  const isRefreshed = sighting.isDynamic && sighting.isEligible && (isBack || !isSameExpiry)
  // Kept as it was while it only wavers: a state that does not change need not be written.
  const expiries = isSameExpiry
    ? {}
    : { preferredUntil: sighting.preferredUntil, validUntil: sighting.validUntil }
  if (!isRefreshed) return { ...entry, ...expiries, isEligible: sighting.isEligible }
  const left = remaining(sighting, now)
  const at = refreshInstant(entry, sighting, now)
  return {
    ...entry,
    ...expiries,
    appeared: isBack ? at : entry.appeared,
    lastRefreshed: at,
    lastNoticed: now,
    refreshes: entry.refreshes + 1,
    recentRefreshes: [...entry.recentRefreshes, at].slice(-REMEMBERED_REFRESHES),
    lifetimeMs: isShortened(entry, sighting) ? left : later(entry.lifetimeMs, left),
    isEligible: true,
  }
}

/** Deprecated is deprecated since when it became so, not since now. */
function preferredUntil(entry: PrefixEntry, sighting: Sighting, now: Instant): Instant | null {
  const isPast = entry.preferredUntil !== null && entry.preferredUntil <= now
  return sighting.isDeprecated && isPast ? entry.preferredUntil : sighting.preferredUntil
}

/** When the announcement came that gave this expiry: expiry minus lifetime, unless that is now. */
function refreshInstant(entry: PrefixEntry, sighting: Sighting, now: Instant): Instant {
  const left = remaining(sighting, now)
  if (entry.lifetimeMs === null || left === null || isShortened(entry, sighting)) return now
  const at = now + left - entry.lifetimeMs
  return at > now - EXPIRY_TOLERANCE_MS ? now : Math.max(at, entry.lastRefreshed)
}

/** An expiry that moved back: the router announces a shorter lifetime, or the clock was set back. */
function isShortened(entry: PrefixEntry, sighting: Sighting): boolean {
  const [before, after] = [visibleExpiry(entry), visibleExpiry(sighting)]
  if (after === null || isClose(before, after)) return false
  return before === null || after < before
}

/** Without this, a clock that was set back would make every later refresh look older. */
function rebase(entry: PrefixEntry, now: Instant): PrefixEntry {
  const isPast = entry.lastRefreshed <= now && entry.lastNoticed <= now
  if (isPast && entry.firstSeen <= now && entry.appeared <= now) return entry
  return {
    ...entry,
    firstSeen: Math.min(entry.firstSeen, now),
    appeared: Math.min(entry.appeared, now),
    lastRefreshed: Math.min(entry.lastRefreshed, now),
    lastNoticed: Math.min(entry.lastNoticed, now),
    recentRefreshes: entry.recentRefreshes.map((at) => Math.min(at, now)),
  }
}

function bound(entries: readonly PrefixEntry[]): PrefixList {
  const byFreshness = entries.toSorted(
    (a, b) =>
      Number(b.isEligible) - Number(a.isEligible) ||
      b.lastRefreshed - a.lastRefreshed ||
      (a.prefix < b.prefix ? -1 : 1),
  )
  return byFreshness.slice(0, MAX_ENTRIES).toSorted((a, b) => (a.prefix < b.prefix ? -1 : 1))
}

function isClose(a: Instant | null, b: Instant | null): boolean {
  if (a === null || b === null) return a === b
  return Math.abs(a - b) <= EXPIRY_TOLERANCE_MS
}
