import type { Prefix } from '../../shared/ipv6.ts'
import type { Instant, PrefixDecision, PrefixEntry, PrefixList } from './model.ts'
import { EXPIRY_TOLERANCE_MS, REMEMBERED_REFRESHES } from './prefix-list.ts'

/**
 * With several routers, another prefix must have been refreshed this often without the current one,
 * and the current one must be overdue. A router that has just started sends three announcements in
 * quick succession (RFC 4861 §6.2.4), so fewer say nothing.
 */
const PROOF_BY_SEVERAL_ROUTERS = REMEMBERED_REFRESHES

/** MaxRtrAdvInterval is three times MinRtrAdvInterval by default, and 1800 s at most (§6.2.1). */
const MAX_TO_MIN_INTERVAL = 3
const LONGEST_INTERVAL_MS = 1_800_000

/**
 * MAX_RA_DELAY_TIME is 500 ms (RFC 4861 §10): when a link comes up, its routers answer the host's
 * solicitation within that, in any order.
 */
const ROUTERS_ANSWER_MS = 600

/**
 * What one advertisement says may be read in two snapshots, when the first falls between two of its
 * prefixes: they follow each other within 2 ms, also where they fill several messages.
 */
const SPLIT_MS = 250

/** With one router, when nothing shows that it would have refreshed the current prefix visibly. */
const PROOF_BY_ONE_ROUTER = 3

/** What decides besides the prefixes themselves. */
export interface DecisionRules {
  readonly now: Instant
  /** How long evidence against the current prefix must stand before it is acted on. */
  readonly settleMs: number
  /** Default routers known; one advertisement of a single router names all prefixes that live. */
  readonly routers: number
  /**
   * When the last but one of several routers went. It says goodbye with an advertisement that ends its
   * own lifetime and may name its prefixes with all of theirs (RFC 4861 §6.2.5).
   */
  readonly aloneSince?: Instant | undefined
  /** Prefixes are delegated: nothing else is still to be heard when one has gone. */
  readonly isDelegated?: boolean
}

/**
 * Chooses the prefix to number from. Holds rather than guesses: no usable prefix never means none.
 *
 * A stale prefix can still look preferred (RFC 8978 §2), so lifetimes are not compared: what counts is
 * whether an announcement that named another prefix left the current one out. With one router that is
 * a single announcement; with several, whose prefixes are refreshed independently, a prefix must be
 * new, or be refreshed for longer than the current prefix was ever left alone.
 */
export function decidePrefix(
  list: PrefixList,
  current: Prefix | undefined,
  rules: DecisionRules,
): PrefixDecision {
  const eligible = list.filter(({ isEligible }) => isEligible)
  const best = mostRecent(eligible)
  if (best === undefined) return { kind: 'hold', reason: whyNothing(list, current) }
  if (current === undefined) {
    return { kind: 'renumber', from: undefined, to: best.prefix, cause: 'initial' }
  }
  const entry = eligible.find(({ prefix }) => prefix === current)
  if (entry === undefined) return replaceLost(list, current, best, rules)
  return compareWithOthers(entry, eligible, rules)
}

/** The current prefix cannot be used any more: deprecated, withdrawn, expired or gone. */
function replaceLost(
  list: PrefixList,
  current: Prefix,
  best: PrefixEntry,
  { now, settleMs, isDelegated = false }: DecisionRules,
): PrefixDecision {
  const lost = list.find(({ prefix }) => prefix === current)
  const isDeprecated = lost?.preferredUntil != null && lost.preferredUntil <= now
  // After a link flap or a resume the first router to answer need not be the one whose prefix is in use.
  const settled = best.appeared + (isDelegated ? settleMs : Math.max(settleMs, ROUTERS_ANSWER_MS))
  if (!isDeprecated && now < settled) {
    return {
      kind: 'hold',
      reason: `the current prefix ${current} is not on the uplink; waiting for it to come back before ${best.prefix} is used`,
      recheckAt: settled,
    }
  }
  return { kind: 'renumber', from: current, to: best.prefix, cause: 'planned' }
}

function compareWithOthers(
  current: PrefixEntry,
  eligible: PrefixList,
  rules: DecisionRules,
): PrefixDecision {
  const proven = eligible.flatMap((candidate) => {
    const since = provenSince(candidate, current, rules)
    return since === undefined ? [] : [{ candidate, settled: since + rules.settleMs }]
  })
  const ready = proven.filter(({ settled }) => settled <= rules.now)
  const to = mostRecent(ready.map(({ candidate }) => candidate))
  if (to) return { kind: 'renumber', from: current.prefix, to: to.prefix, cause: 'flash' }
  const recheckAt = Math.min(...proven.map(({ settled }) => settled))
  if (proven.length === 0) return { kind: 'keep', prefix: current.prefix }
  return { kind: 'keep', prefix: current.prefix, recheckAt }
}

/**
 * From when on the announcements speak for the candidate and against the current prefix, or
 * `undefined` while they do not. Prefixes of addresses set by hand are never announced: they are
 * neither stale by themselves nor a reason to leave another one.
 */
function provenSince(
  candidate: PrefixEntry,
  current: PrefixEntry,
  { routers, aloneSince = 0 }: DecisionRules,
): Instant | undefined {
  if (candidate.prefix === current.prefix) return undefined
  if (candidate.refreshes === 0 || current.refreshes === 0) return undefined
  if (candidate.firstSeen > current.lastRefreshed) return candidate.firstSeen
  // Expiries are read in whole seconds: what is that close together may be the same advertisement.
  // What came before the last router was alone, a goodbye included, need not be its own.
  const from = routers > 1 ? current.lastRefreshed : Math.max(current.lastRefreshed, aloneSince)
  const after = from + EXPIRY_TOLERANCE_MS
  const isOfLastRouter = routers <= 1 && candidate.lastRefreshed > aloneSince + EXPIRY_TOLERANCE_MS
  if (isOfLastRouter && isBackAlone(candidate, current)) return candidate.appeared
  const without = candidate.recentRefreshes.filter((at) => at > after)
  const [first] = without
  if (first === undefined) return undefined
  if (routers > 1) {
    if (without.length < PROOF_BY_SEVERAL_ROUTERS) return undefined
    return Math.max(first, current.lastRefreshed + longestSilence(current))
  }
  if (wereRefreshedTogether(candidate, current)) return first
  // A router that counts lifetimes down in real time (RFC 4861 §6.2.1, AdvValidLifetime) refreshes
  // nothing visibly; where the expiry of the current prefix has jumped before, being left out shows.
  const hasReturned = candidate.appeared > current.lastRefreshed
  if (hasReturned && current.refreshes > 1) return first
  return without.length >= PROOF_BY_ONE_ROUTER ? first : undefined
}

/**
 * The candidate could not be used when the current prefix was last refreshed, and could when it was
 * looked again: an announcement that came in between named it, however soon after the other one.
 */
function isBackAlone(candidate: PrefixEntry, current: PrefixEntry): boolean {
  return (
    current.refreshes > 1 &&
    candidate.appeared >= current.lastRefreshed &&
    candidate.appeared === candidate.lastRefreshed &&
    candidate.lastNoticed > current.lastNoticed + SPLIT_MS
  )
}

/**
 * The longest time that a live router may leave between two announcements, from those it has left
 * before: among as many as are remembered, some are regular ones.
 */
function longestSilence({ recentRefreshes }: PrefixEntry): number {
  if (recentRefreshes.length < REMEMBERED_REFRESHES) return LONGEST_INTERVAL_MS
  const gaps = recentRefreshes.slice(1).map((at, index) => at - (recentRefreshes[index] ?? at))
  return Math.min(LONGEST_INTERVAL_MS, MAX_TO_MIN_INTERVAL * Math.max(...gaps))
}

/** Every refresh of the current prefix that the candidate's memory covers refreshed both. */
function wereRefreshedTogether(candidate: PrefixEntry, current: PrefixEntry): boolean {
  const isShared = (at: Instant) =>
    candidate.recentRefreshes.some((other) => Math.abs(at - other) <= EXPIRY_TOLERANCE_MS)
  const [oldest = Number.POSITIVE_INFINITY] = candidate.recentRefreshes
  const covered = current.recentRefreshes.filter((at) => at >= oldest - EXPIRY_TOLERANCE_MS)
  return covered.length > 0 && covered.every(isShared)
}

/** Announced before set by hand, then the latest refresh, then the latest expiry. */
function mostRecent(entries: PrefixList): PrefixEntry | undefined {
  return entries.toSorted(
    (a, b) =>
      Number(b.refreshes > 0) - Number(a.refreshes > 0) ||
      b.lastRefreshed - a.lastRefreshed ||
      (b.validUntil ?? Number.MAX_VALUE) - (a.validUntil ?? Number.MAX_VALUE) ||
      (a.prefix < b.prefix ? -1 : 1),
  )[0]
}

function whyNothing(list: PrefixList, current: Prefix | undefined): string {
  const kept = current ? `; ${current} is kept` : ''
  if (list.length === 0) return `no prefix inside prefix.within is on the uplink${kept}`
  const names = list.map(({ prefix }) => prefix).join(', ')
  return `every known prefix is deprecated, withdrawn or failed duplicate address detection: ${names}${kept}`
}
