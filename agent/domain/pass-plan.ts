import type { Prefix } from '../../shared/ipv6.ts'
import type { AgentState } from './agent-state.ts'
import { findClaimedPrefixes, type ReportedClaim } from './claimed-prefixes.ts'
import { type Claim, claimAt, collectNames, rememberClaims, WITHDRAW_AFTER_MS } from './claims.ts'
import { desire } from './desired.ts'
import { rememberSubnets } from './lan-networks.ts'
import type { Instant, Intent, Observed, PrefixDecision } from './model.ts'
import type { Numbering } from './numbering.ts'
import { planSteps } from './plan.ts'
import type { Problem } from './problem.ts'
import type { Step } from './step.ts'
import { passUplinks, type UplinkPass } from './uplink-pass.ts'
import { adoptUplinks } from './uplinks.ts'

/** What a pass would do, and what it is based on. */
export interface PassPlan {
  readonly observed: Observed
  /** When the uplinks were read. */
  readonly at: Instant
  /** What was decided on the main uplink. */
  readonly decision: PrefixDecision
  /** How the main uplink is numbered after the pass. */
  readonly numbering: Numbering
  /** The same of every further uplink. */
  readonly others: readonly UplinkPass[]
  /** The state that the pass leaves behind. */
  readonly state: AgentState
  readonly steps: readonly Step[]
  /**
   * The complete claim of this host, `null` until the main uplink has one, and while it would leave out
   * what is only unknown.
   */
  readonly claims: readonly Claim[] | null
  /** Prefixes of further uplinks that the claim speaks of, whether or not they can be seen now. */
  readonly claimedOthers: readonly Prefix[]
  readonly problems: readonly Problem[]
  /** When time alone asks for another pass, `null` when it does not. */
  readonly wakeAt: Instant | null
}

/** Decides, desires and plans for a host as it was observed at `now`. Pure: nothing is changed or saved. */
export function planPass(
  state: AgentState,
  observed: Observed,
  reported: ReportedClaim | null,
  intent: Intent,
  now: Instant,
): PassPlan {
  const known = adoptUplinks(state, intent, now)
  const { main, others } = passUplinks(known, observed, intent, now)
  const uplinks = Object.fromEntries(
    [main, ...others].map(({ uplink, numbering }) => [uplink, numbering]),
  )
  const numbered = { ...known, uplinks }
  const { desired, placed, problems } = desire(observed, numbered, intent, now)
  const named = collectNames(observed.containers, placed, intent)
  const claims = rememberClaims(known.claims, named.names, now)
  const lan = rememberSubnets(known.lan ?? [], desired.lan, observed)
  const next: AgentState = { v: 2, uplinks, claims, ...(lan.length > 0 ? { lan } : {}) }
  const claimedIn = findClaimedPrefixes(next, claims, reported, intent)
  const isHeld = main.numbering.current === null || claimedIn.problems.length > 0
  const claimed = isHeld ? null : claimAt(claimedIn.prefixOf, claims)
  return {
    observed,
    at: now,
    decision: main.decision,
    numbering: main.numbering,
    others,
    state: next,
    steps: planSteps(desired, observed),
    claims: claimed?.claims ?? null,
    claimedOthers: claimedIn.others,
    problems: [
      ...main.problems,
      ...others.flatMap((other) => other.problems),
      ...problems,
      ...named.problems,
      ...claimedIn.problems,
      ...(claimed?.problems ?? []),
    ],
    wakeAt: nextWake([main, ...others], claims, now),
  }
}

/**
 * What `planPass` comes to where only lifetimes on the uplinks have changed since it had nothing to do,
 * at a fraction of its cost; `null` where former prefixes end at another time, which reaches containers.
 */
export function planRefresh(
  before: PassPlan,
  state: AgentState,
  observed: Observed,
  intent: Intent,
  now: Instant,
): PassPlan | null {
  const { main, others } = passUplinks(state, observed, intent, now)
  const passes = [main, ...others]
  const isRetiringAlike = passes.every(
    ({ uplink, numbering }) =>
      JSON.stringify(numbering.retiring) === JSON.stringify(before.state.uplinks[uplink]?.retiring),
  )
  if (!isRetiringAlike) return null
  const uplinks = Object.fromEntries(passes.map(({ uplink, numbering }) => [uplink, numbering]))
  const { decision, numbering } = main
  return {
    ...before,
    ...{ observed, at: now, decision, numbering, others },
    state: { ...state, uplinks },
    wakeAt: nextWake(passes, state.claims, now),
  }
}

/** When the first of the decisions asks to be looked at again. */
export function nextSettling({ decision, others }: PassPlan): Instant | undefined {
  const instants = [{ decision }, ...others].flatMap((pass) =>
    'recheckAt' in pass.decision ? (pass.decision.recheckAt ?? []) : [],
  )
  return instants.length === 0 ? undefined : Math.min(...instants)
}

/** A decision asks to be looked at again, a former prefix ends, or a name is to be withdrawn. */
function nextWake(
  passes: readonly UplinkPass[],
  claims: AgentState['claims'],
  now: Instant,
): Instant | null {
  const instants = [
    ...passes.flatMap(({ decision, numbering }) => [
      'recheckAt' in decision ? decision.recheckAt : undefined,
      ...numbering.retiring.map(({ validUntil }) => validUntil),
    ]),
    ...claims.flatMap(({ missingSince }) =>
      missingSince === null ? [] : [missingSince + WITHDRAW_AFTER_MS],
    ),
  ]
  const ahead = instants.filter((at) => at !== undefined && at !== null).filter((at) => at > now)
  return ahead.length === 0 ? null : Math.min(...ahead)
}
