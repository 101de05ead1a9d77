import { lengthOf, type Prefix } from '../../shared/ipv6.ts'
import type { Instant, PrefixList, RenumberCause, RetiringPrefix } from './model.ts'

/** The prefix that an uplink's networks are numbered from. */
export interface CurrentPrefix {
  readonly prefix: Prefix
  /** Why it was taken. */
  readonly cause: RenumberCause
  readonly since: Instant
}

/** What the networks of one uplink are numbered from. */
export interface Numbering {
  readonly prefixes: PrefixList
  /** `null` until the first usable prefix was seen. */
  readonly current: CurrentPrefix | null
  /** Former prefixes, newest first, until nothing of ours is left in them. */
  readonly retiring: readonly RetiringPrefix[]
  /** Until when several routers were known, `null` while they are; absent where they never were. */
  readonly severalUntil?: Instant | null
}

/** An uplink on which no prefix was ever seen. */
export const UNNUMBERED: Numbering = { prefixes: [], current: null, retiring: [] }

/** A prefix in which containers have addresses. */
export interface LivePrefix {
  readonly prefix: Prefix
  /** Set for a former prefix. */
  readonly retiring?: RetiringPrefix
}

/**
 * The current prefix and the former ones whose valid lifetime has not ended. Those of another length
 * than the settings say, which were taken before the settings changed, have no place for our subnets.
 */
export function livePrefixes(
  { current, retiring }: Numbering,
  prefixLength: number,
  now: Instant,
): readonly LivePrefix[] {
  const former = retiring
    .filter(({ prefix, validUntil }) => prefix !== current?.prefix && (validUntil ?? now + 1) > now)
    .map((entry) => ({ prefix: entry.prefix, retiring: entry }))
  const all: readonly LivePrefix[] = current ? [{ prefix: current.prefix }, ...former] : former
  return all.filter(({ prefix }) => lengthOf(prefix) === prefixLength)
}
