import { type AgentState, numberingOf } from './agent-state.ts'
import { misfits } from './delegation.ts'
import type { Instant, Intent, Observed, PrefixDecision, UplinkIntent } from './model.ts'
import type { Numbering } from './numbering.ts'
import { decidePrefix } from './prefix-decision.ts'
import { foldPrefixList } from './prefix-list.ts'
import type { Problem } from './problem.ts'
import { advance } from './transition.ts'

/** What a pass decides on one uplink, and how it is numbered then. */
export interface UplinkPass {
  readonly uplink: string
  readonly decision: PrefixDecision
  readonly numbering: Numbering
  readonly problems: readonly Problem[]
}

/**
 * Decides every uplink by itself, the main one first. One of which nothing can be known now holds with
 * all that was known of it, whatever the others do: unknown is not empty.
 */
export function passUplinks(
  state: Pick<AgentState, 'uplinks'>,
  observed: Observed,
  intent: Intent,
  now: Instant,
): { readonly main: UplinkPass; readonly others: readonly UplinkPass[] } {
  const pass = (uplink: UplinkIntent) =>
    passUplink(numberingOf(state, uplink.uplink), observed, uplink, now)
  return { main: pass(intent), others: intent.others.map(pass) }
}

function passUplink(
  numbering: Numbering,
  observed: Observed,
  intent: UplinkIntent,
  now: Instant,
): UplinkPass {
  const { uplink, settleMs } = intent
  const snapshot = observed.uplinks.find((candidate) => candidate.interface === uplink)
  if (snapshot === undefined || snapshot.unknown !== undefined) {
    const kept = numbering.current ? `; ${numbering.current.prefix} is kept` : ''
    const reason = `${snapshot?.unknown ?? `${uplink} was not read`}${kept}`
    const decision: PrefixDecision = { kind: 'hold', reason }
    const same = advance(numbering, numbering.prefixes, decision, observed, now)
    return { uplink, decision, numbering: same, problems: [] }
  }
  const isDelegated = snapshot.delegations !== undefined
  // A delegating router names all its prefixes in each reply, as a router does that is alone.
  const routers = isDelegated ? 1 : snapshot.routers
  const known = countRouters(numbering, routers, now)
  const prefixes = foldPrefixList(numbering.prefixes, snapshot, intent, now)
  const decision = decidePrefix(prefixes, numbering.current?.prefix, {
    now,
    settleMs,
    routers,
    aloneSince: known.severalUntil ?? undefined,
    isDelegated,
  })
  const next = advance(known, prefixes, decision, observed, now)
  const problems = misfits(snapshot.delegations ?? [], intent)
  return { uplink, decision, numbering: next, problems }
}

/** Remembers when the last but one router went; a clock that was set back makes that now. */
function countRouters(numbering: Numbering, routers: number, now: Instant): Numbering {
  if (routers > 1) return { ...numbering, severalUntil: null }
  if (numbering.severalUntil === undefined) return numbering
  return { ...numbering, severalUntil: Math.min(numbering.severalUntil ?? now, now) }
}
