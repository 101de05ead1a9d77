import { contains } from '../../shared/ipv6.ts'
import { isOursIn } from './lan-networks.ts'
import type {
  Instant,
  Observed,
  PrefixDecision,
  PrefixList,
  RenumberCause,
  RetiringPrefix,
} from './model.ts'
import type { Numbering } from './numbering.ts'

/** More former prefixes than this are not kept working; the oldest ones end early. */
export const MAX_RETIRING = 8

// A router's default for AdvValidLifetime (RFC 4861 §6.2.1), for prefixes that would be valid forever.
const MAX_RETIREMENT_MS = 30 * 24 * 60 * 60 * 1000

/**
 * How an uplink is numbered after a decision, to be saved before anything is changed. The former prefix is remembered
 * with its remaining valid lifetime, which follows what its router announces; it is forgotten when that
 * has ended and nothing of ours is left in it. A prefix that comes back is current again, not former.
 */
export function advance(
  numbering: Numbering,
  prefixes: PrefixList,
  decision: PrefixDecision,
  observed: Observed,
  now: Instant,
): Numbering {
  const known = numbering.retiring.map((former) => ({
    ...former,
    validUntil: validUntil(former, prefixes, now),
  }))
  if (decision.kind !== 'renumber') {
    return { ...numbering, prefixes, retiring: forget(known, observed, now) }
  }
  const { from, to, cause } = decision
  const others = known.filter(({ prefix }) => prefix !== to && prefix !== from)
  const retiring = from === undefined ? others : [retire(from, cause, prefixes, now), ...others]
  return {
    ...numbering,
    prefixes,
    current: { prefix: to, cause, since: now },
    retiring: forget(endSurplus(retiring, now), observed, now),
  }
}

function retire(
  prefix: RetiringPrefix['prefix'],
  cause: RenumberCause,
  prefixes: PrefixList,
  now: Instant,
): RetiringPrefix {
  const former = { prefix, cause, since: now, validUntil: null }
  return { ...former, validUntil: validUntil(former, prefixes, now) }
}

function validUntil(former: RetiringPrefix, prefixes: PrefixList, now: Instant): Instant | null {
  const entry = prefixes.find(({ prefix }) => prefix === former.prefix)
  const announced = entry ? entry.validUntil : former.validUntil
  return Math.min(
    announced ?? Number.POSITIVE_INFINITY,
    former.since + MAX_RETIREMENT_MS,
    ended(former, now),
  )
}

/** Once it has ended it stays ended, whatever is announced: its removal has begun. */
function ended({ validUntil: until }: RetiringPrefix, now: Instant): Instant {
  return until !== null && until <= now ? until : Number.POSITIVE_INFINITY
}

function endSurplus(retiring: readonly RetiringPrefix[], now: Instant): readonly RetiringPrefix[] {
  return retiring.map((former, index) =>
    index < MAX_RETIRING
      ? former
      : { ...former, validUntil: Math.min(former.validUntil ?? now, now) },
  )
}

function forget(
  retiring: readonly RetiringPrefix[],
  observed: Observed,
  now: Instant,
): readonly RetiringPrefix[] {
  return retiring.filter(
    (former) => former.validUntil === null || former.validUntil > now || isInUse(former, observed),
  )
}

function isInUse({ prefix }: RetiringPrefix, { routes, networks, containers }: Observed): boolean {
  const bridges = new Set(networks.map(({ bridge }) => bridge))
  return (
    routes.some((route) => bridges.has(route.interface) && contains(prefix, route.subnet)) ||
    containers.some(({ attachments }) =>
      attachments.some((at) => at.addresses.some((state) => isOursIn(prefix, state, at))),
    )
  )
}
