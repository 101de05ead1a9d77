import {
  addressOf,
  contains,
  lengthOf,
  networkOf,
  type Prefix,
  parseAddress,
  subnetOf,
} from '../../shared/ipv6.ts'
import { type AgentState, numberingOf } from './agent-state.ts'
import { readTextMember, replaceTextMember } from './daemon-json.ts'
import { isGlobal } from './docker-advice.ts'
import type { Intent, Observed } from './model.ts'
import { placeNetworks } from './placement.ts'
import type { Problem } from './problem.ts'
import { DEFAULT_BRIDGE } from './settle-need.ts'
import { staleSubnet } from './settle-plan.ts'

/** The member of daemon.json that decides the IPv6 subnet of the default bridge. */
export const FIXED_CIDR = 'fixed-cidr-v6'

/** Where the default bridge belongs, and where Docker has it. */
export interface DefaultBridge {
  readonly to: Prefix
  readonly current: Prefix
  readonly within: readonly Prefix[]
  /** Docker's own subnet of it in a former prefix; absent where there is none. */
  readonly stale?: Prefix
  /** True while any container runs: restarting Docker concerns all of them. */
  readonly isInUse: boolean
}

/** An edit of daemon.json, or only a restart for the edit that was made before. */
export type DefaultBridgePlan = {
  readonly from: Prefix
  readonly to: Prefix
  /** The file as it is to be, `null` where it is so already. */
  readonly text: string | null
}

/** The default bridge where it takes part; `null` where it does not, or before the first prefix. */
export function findDefaultBridge(
  observed: Observed,
  intent: Intent,
  state: AgentState,
): DefaultBridge | null {
  const place = placeNetworks(observed, intent).placed.find(
    ({ network }) => network.name === DEFAULT_BRIDGE,
  )
  const current = place && numberingOf(state, place.uplink).current?.prefix
  if (place === undefined || current === undefined) return null
  if (lengthOf(current) !== place.prefixLength) return null
  const { network, suffix, within } = place
  const stale = staleSubnet(network, current, within)
  return {
    to: subnetOf(current, suffix),
    current,
    within,
    ...(stale === undefined ? {} : { stale }),
    isInUse: observed.containers.length > 0,
  }
}

/**
 * What has to become of daemon.json. Only a value in a former global prefix is ours to change: a ULA is
 * meant to stay, and a file without the member leaves IPv6 to others.
 */
export function planDefaultBridge(
  bridge: DefaultBridge,
  text: string,
  path: string,
): { readonly plan: DefaultBridgePlan | null } | { readonly problem: Problem } {
  const refuse = (what: string): { problem: Problem } => ({
    problem: {
      code: 'SETTLE_REFUSED',
      where: path,
      what,
      remedy: `correct it; dockerd --validate --config-file ${path} tells more`,
    },
  })
  const member = readTextMember(text, FIXED_CIDR)
  if ('fault' in member) return refuse(member.fault)
  if (member.value === undefined) return { plan: null }
  const { to, current, within, stale } = bridge
  let from: Prefix
  try {
    const [address = '', length] = member.value.split('/')
    from = networkOf(parseAddress(address), Number(length))
  } catch {
    return refuse(`its ${FIXED_CIDR} is no IPv6 subnet`)
  }
  if (from === to) return { plan: stale === undefined ? null : { from: stale, to, text: null } }
  if (!isGlobal(from, within) || contains(current, from)) return { plan: null }
  if (contains(to, addressOf(from))) {
    // dockerd keeps the bridge's address that it finds inside the new subnet, fails to add it a second
    // time, and does not start.
    return refuse(`its ${FIXED_CIDR} begins inside the new subnet ${to}`)
  }
  const edited = replaceTextMember(text, FIXED_CIDR, to)
  return 'fault' in edited ? refuse(edited.fault) : { plan: { from, to, text: edited.value } }
}
