import type { FirewallState, Instant } from './model.ts'
import type { Problem } from './problem.ts'

/** Our chain as it was set last, and how often in a row it had to be put back since. */
export interface FirewallContest {
  readonly rules: readonly string[]
  readonly hook: FirewallState['hook']
  readonly restored: number
  /** When it was set or put back last. */
  readonly at: Instant
  /** The rule of others that stood before our jump, `null` where something of ours was missing instead. */
  readonly rival: string | null
}

/** So often in a row it is put back at once: somebody flushes by hand, Docker or firewalld starts. */
const FREE_RESTORATIONS = 8
const FIRST_WAIT_MS = 1000
/** As often as the loop polls: what is put back so rarely harms nobody. */
const MAX_WAIT_MS = 30_000
/** A chain that stays for so long after it could have been put back is no longer fought over. */
const CALM_MS = 60_000

/**
 * What is known after our chain was set. Setting the same again is a restoration, because somebody has
 * changed it; setting something else is a change of our own, and says nothing about others.
 */
export function noteSet(
  before: FirewallContest | null,
  set: Pick<FirewallContest, 'rules' | 'hook' | 'rival' | 'at'>,
): FirewallContest {
  if (before === null) return { ...set, restored: 0, rival: null }
  if (!isSameSet(before, set)) return { ...before, rules: set.rules, hook: set.hook }
  if (isCalm(before, set.at)) return { ...set, restored: 1 }
  // The newest until it is told, and the same from then on.
  const [first, second] = isFight(before) ? [before, set] : [set, before]
  return { ...set, restored: before.restored + 1, rival: first.rival ?? second.rival }
}

/**
 * For how long our chain may not be put back: 0 for a single flush, and from the ninth restoration in a
 * row on ever longer, as whoever undoes each of them will not be persuaded by another.
 */
export function waitBeforeRestoring(contest: FirewallContest | null, now: Instant): number {
  // A clock that was set back must not keep it away for as long.
  if (contest === null || now < contest.at) return 0
  return Math.max(contest.at + waitAfter(contest) - now, 0)
}

/** Whether setting this is a restoration whose time has not come. */
export function isHeldBack(
  contest: FirewallContest | undefined,
  set: Pick<FirewallContest, 'rules' | 'hook'>,
  now: Instant,
): boolean {
  return contest !== undefined && isSameSet(contest, set) && waitBeforeRestoring(contest, now) > 0
}

/** Names whoever fights over our place; says the same for as long as that lasts. */
export function contestProblems(
  contest: FirewallContest | undefined,
  now: Instant,
): readonly Problem[] {
  if (contest === undefined || !isFight(contest) || isCalm(contest, now)) return []
  const { hook, rival } = contest
  return [
    {
      code: 'FIREWALL_CONTESTED',
      where: `packet filter, chain ${hook}`,
      what:
        rival === null
          ? 'another program keeps taking away our chain, or the jump to it'
          : `another program keeps putting its rule before our jump: ${rival}`,
      remedy:
        `find it (xtables-monitor --event names it) and let it leave our jump where it is;` +
        ` until then ours is put back ever more rarely, at last every ${MAX_WAIT_MS / 1000} s`,
    },
  ]
}

function isFight({ restored }: FirewallContest): boolean {
  return restored >= FREE_RESTORATIONS
}

function waitAfter(contest: FirewallContest): number {
  if (!isFight(contest)) return 0
  return Math.min(FIRST_WAIT_MS * 2 ** (contest.restored - FREE_RESTORATIONS), MAX_WAIT_MS)
}

function isCalm(contest: FirewallContest, now: Instant): boolean {
  return now - contest.at > waitAfter(contest) + CALM_MS
}

function isSameSet(
  one: Pick<FirewallContest, 'rules' | 'hook'>,
  other: Pick<FirewallContest, 'rules' | 'hook'>,
): boolean {
  return one.hook === other.hook && one.rules.join('\n') === other.rules.join('\n')
}
