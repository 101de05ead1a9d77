import type { DefaultBridgeSettler } from '../adapters/default-bridge.ts'
import { type DefaultBridge, planDefaultBridge } from '../domain/default-bridge-need.ts'
import type { Problem } from '../domain/problem.ts'
import { DEFAULT_BRIDGE, type StaleNetwork } from '../domain/settle-need.ts'
import { describePolicy, type SettlePolicy } from '../domain/settle-policy.ts'

/** A subnet that Docker keeps in a former prefix, and when it is replaced by that of the current one. */
export interface PlannedSettle {
  readonly network: string
  readonly from: string
  readonly to: string
  readonly policy: SettlePolicy['kind']
  readonly when: string
  /** False where the agent will do nothing about it: the policy forbids it, or it waits for Docker. */
  readonly isPermitted: boolean
}

/** Networks that are to be made anew. */
export function planNetworkSettles(
  stale: readonly StaleNetwork[],
  policy: SettlePolicy,
): readonly PlannedSettle[] {
  return stale.map(({ network, from, to }) => ({
    network: network.name,
    from,
    to,
    policy: policy.kind,
    when: describePolicy(policy),
    isPermitted: policy.kind !== 'never',
  }))
}

/**
 * What is to become of `fixed-cidr-v6` in daemon.json. Reads the file and Docker's own facts, and
 * changes nothing.
 */
export async function planBridgeSettle(
  bridge: DefaultBridge | null,
  settler: Pick<DefaultBridgeSettler, 'path' | 'readText' | 'isEffective'>,
  policy: SettlePolicy,
): Promise<{ readonly settles: readonly PlannedSettle[]; readonly problems: readonly Problem[] }> {
  const nothing = { settles: [], problems: [] }
  const text = bridge === null ? null : await settler.readText()
  if (bridge === null || text === null) return nothing
  const planned = planDefaultBridge(bridge, text, settler.path)
  if ('problem' in planned) {
    return { settles: [], problems: policy.kind === 'never' ? [] : [planned.problem] }
  }
  const { plan } = planned
  if (plan === null) return nothing
  const isEffective = await settler.isEffective()
  const isPermitted = policy.kind !== 'never' && (plan.text !== null || isEffective)
  const settle = {
    ...{ network: DEFAULT_BRIDGE, from: plan.from, to: plan.to, policy: policy.kind },
    when: whenOf(policy, plan.text !== null, isEffective),
    isPermitted,
  }
  return { settles: [settle], problems: [] }
}

function whenOf(policy: SettlePolicy, isToBeEdited: boolean, isEffective: boolean): string {
  const waits = 'taken by Docker when it starts while no container runs (live-restore)'
  if (policy.kind === 'never') return describePolicy(policy)
  if (isEffective) return `${describePolicy(policy)}, with a restart of Docker`
  return isToBeEdited ? `${describePolicy(policy)}, in daemon.json; ${waits}` : waits
}
