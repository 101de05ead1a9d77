import { lengthOf, type Prefix } from '../../shared/ipv6.ts'
import type { CurrentPrefix } from './agent-state.ts'
import type { Instant, PrefixList, RetiringPrefix } from './model.ts'

/** What to number from: `current` is `null` until the first usable prefix. */
export interface Numbering {
  readonly prefixes: PrefixList
  readonly current: CurrentPrefix | null
  readonly retiring: readonly RetiringPrefix[]
}

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
