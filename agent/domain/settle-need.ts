import { lengthOf, type Prefix, subnetOf } from '../../shared/ipv6.ts'
import { type AgentState, numberingOf } from './agent-state.ts'
import type { Intent, NetworkState, Observed } from './model.ts'
import { placeNetworks } from './placement.ts'
import { staleSubnet } from './settle-plan.ts'

/** The one network that cannot be made anew: its subnet is a setting of the daemon. */
export const DEFAULT_BRIDGE = 'bridge'

/** A network whose own subnet at Docker is a global one outside the current prefix. */
export interface StaleNetwork {
  readonly network: NetworkState
  readonly from: Prefix
  /** Its subnet below the current prefix. */
  readonly to: Prefix
  /** True while a container runs on it. */
  readonly isInUse: boolean
}

/**
 * The networks that need settling: those that take part and whose subnet Docker itself keeps in a former
 * prefix. None in the stable base layout, and none before the first usable prefix.
 */
export function staleNetworks(
  observed: Observed,
  intent: Intent,
  state: AgentState,
): readonly StaleNetwork[] {
  return placeNetworks(observed, intent).placed.flatMap((place) => {
    const { network, suffix, uplink, prefixLength, within } = place
    if (network.name === DEFAULT_BRIDGE) return []
    const current = numberingOf(state, uplink).current?.prefix
    if (current === undefined || lengthOf(current) !== prefixLength) return []
    const from = staleSubnet(network, current, within)
    if (from === undefined) return []
    const isInUse = observed.containers.some(({ attachments }) =>
      attachments.some(({ networkId }) => networkId === network.id),
    )
    return [{ network, from, to: subnetOf(current, suffix), isInUse }]
  })
}
