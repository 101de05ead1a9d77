import { type Address, type Prefix, splice } from '../../shared/ipv6.ts'
import type { ContainerLife } from './home-server.ts'
import type { Lab } from './lab.ts'
import type { LabContainer } from './lab-names.ts'
import type { Counters } from './probe-protocol.ts'
import type { Prober } from './prober.ts'
import { deprecated, usable } from './router.ts'

/** How the router changes its prefix (RFC 8978 §1, RFC 4192). */
export type RenumberingCause = 'flash' | 'planned'

/** What was measured around one change of the prefix, from outside the home. */
export interface Renumbering {
  readonly cause: RenumberingCause
  readonly from: Prefix
  readonly to: Prefix
  /** When the advertisement was on the link, in milliseconds since the epoch. */
  readonly announcedAt: number
  /** From then until a stranger had the page by name at the new address, in milliseconds. */
  readonly toReachableMs: number
  /** From then until the DNS server gave the name an address in the new prefix. */
  readonly toNamedMs: number
  readonly address: Address
  readonly counters: Counters
  readonly lostIpv4: number
  readonly lostOldIpv6: number
  readonly brokenTcp: number
  /** Containers that are not the same process as before. */
  readonly restarts: number
}

/** The change to make, and how patiently to watch. */
export interface RenumberingOptions {
  readonly cause: RenumberingCause
  readonly from: Prefix
  readonly to: Prefix
  /** Probes to send before the change: what is lost afterwards is then the change's fault. */
  readonly before?: number
  /** Probes to send after the page was reached: settling, late passes and DAD fall into it. */
  readonly after?: number
  readonly timeoutMs?: number
  /** Called with the moment of the advertisement. */
  readonly onAnnounced?: (at: number) => void
  /** Answers the change where no agent runs that does; begun at once, awaited to its end. */
  readonly respond?: () => Promise<void>
}

/** The global address of a container below a prefix. */
export function addressBelow(prefix: Prefix, container: LabContainer): Address {
  return splice(prefix, container.ula)
}

/** How many containers are not the same process any more. */
export function restartsBetween(
  before: readonly ContainerLife[],
  after: readonly ContainerLife[],
): number {
  return before.filter((life) => {
    const same = after.find(({ name }) => name === life.name)
    return same?.pid !== life.pid || same.startedAt !== life.startedAt
  }).length
}

/** Lets the router change its prefix while the prober watches, and reports what it cost. */
export async function measureRenumbering(
  lab: Lab,
  prober: Prober,
  watched: LabContainer,
  options: RenumberingOptions,
): Promise<Renumbering> {
  const { cause, from, to, before = 25, after = 125, timeoutMs = 20_000 } = options
  const lives = await lab.home.lives(lab.containers)
  prober.begin(to, addressBelow(from, watched))
  await prober.sent(before)
  const announcedAt = await lab.router.announce(
    cause === 'flash' ? [usable(to)] : [usable(to), deprecated(from)],
  )
  options.onAnnounced?.(announcedAt)
  const [reachable] = await Promise.all([prober.reachable(timeoutMs), options.respond?.()])
  const named = await prober.named(timeoutMs)
  const since = (at: number): number => Math.round((at - announcedAt) * 10) / 10
  const toReachableMs = since(reachable.at)
  await prober.sent(before + Math.ceil(toReachableMs / 20) + after)
  const counters = await prober.end()
  return {
    cause,
    from,
    to,
    announcedAt,
    toReachableMs,
    toNamedMs: since(named.at),
    address: reachable.address,
    counters,
    lostIpv4: counters.ipv4.lost,
    lostOldIpv6: counters.oldIpv6.lost,
    brokenTcp: counters.brokenTcp,
    restarts: restartsBetween(lives, await lab.home.lives(lab.containers)),
  }
}
