import { type AgentState, numberingOf } from './agent-state.ts'
import type { Instant, Intent, Observed, RetiringPrefix, UplinkIntent } from './model.ts'
import { type Numbering, UNNUMBERED } from './numbering.ts'

/** On a network: the interface whose prefix it is numbered from, where that is not the main uplink. */
export const UPLINK_LABEL = 'reprefix.uplink'

/** Every uplink of the settings, the main one first. */
export function uplinksOf(intent: Intent): readonly UplinkIntent[] {
  return [intent, ...intent.others]
}

/** The uplink of that name, `undefined` where the settings have none. */
export function findUplink(intent: Intent, name: string): UplinkIntent | undefined {
  return uplinksOf(intent).find(({ uplink }) => uplink === name)
}

/**
 * The uplinks on whose links neighbours ask for our addresses. A delegated prefix is routed to this host,
 * so nobody does; and of an interface that is missing nothing can be asked.
 */
export function proxiedUplinks(observed: Observed, intent: Intent): readonly UplinkIntent[] {
  return uplinksOf(intent).filter(
    ({ uplink, source }) =>
      source === 'slaac' &&
      observed.uplinks.some((one) => one.interface === uplink && one.isPresent),
  )
}

/**
 * The state with the uplinks of the settings and no others. What is remembered of an uplink that is no
 * longer named goes to the main one: as its own where that has nothing (an interface was renamed), else
 * as former prefixes, so that nothing of ours stays behind. Its claims are the main one's then.
 */
export function adoptUplinks(state: AgentState, intent: Intent, now: Instant): AgentState {
  const configured = uplinksOf(intent).map(({ uplink }) => uplink)
  const orphans = Object.keys(state.uplinks).filter((name) => !configured.includes(name))
  if (orphans.length === 0) return state
  const adopted = orphans.reduce(
    (main, name) => adopt(main, numberingOf(state, name), now),
    numberingOf(state, intent.uplink),
  )
  const uplinks = Object.fromEntries(
    configured.map((name): [string, Numbering] => [
      name,
      name === intent.uplink ? adopted : numberingOf(state, name),
    ]),
  )
  const claims = state.claims
    .map((claim) => (orphans.includes(claim.uplink) ? { ...claim, uplink: intent.uplink } : claim))
    .filter(
      ({ name, uplink }, index, all) =>
        all.findIndex((claim) => claim.name === name && claim.uplink === uplink) === index,
    )
  return { ...state, uplinks, claims }
}

function adopt(main: Numbering, orphan: Numbering, now: Instant): Numbering {
  if (main === UNNUMBERED) return orphan
  const { current, retiring, prefixes } = orphan
  const validUntil = prefixes.find(({ prefix }) => prefix === current?.prefix)?.validUntil ?? null
  const last: readonly RetiringPrefix[] =
    current === null ? [] : [{ prefix: current.prefix, cause: 'planned', since: now, validUntil }]
  const known = new Set([main.current?.prefix, ...main.retiring.map(({ prefix }) => prefix)])
  const former = [...last, ...retiring].filter(({ prefix }) => !known.has(prefix))
  return { ...main, retiring: [...main.retiring, ...former] }
}
