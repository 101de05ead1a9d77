import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../shared/logger.ts'
import { createReportingStateFile } from '../adapters/reporting-state.ts'
import type { AgentConfig } from '../config.ts'
import { type ClaimChange, diffClaims } from '../domain/claim-diff.ts'
import { claimOf, parseClaim } from '../domain/claim-text.ts'
import { findDefaultBridge } from '../domain/default-bridge-need.ts'
import type { PassPlan } from '../domain/pass-plan.ts'
import { staleNetworks } from '../domain/settle-need.ts'
import { type Step, targetOf } from '../domain/step.ts'
import { type Assembly, assemble } from './assemble.ts'
import { readNewestClaim } from './newest-claim.ts'
import { type PlannedSettle, planBridgeSettle, planNetworkSettles } from './planned-settles.ts'

/** A decision that settles within this is waited for. */
const SETTLE_LIMIT_MS = 5000

/** What `reprefix-agent plan` found. */
export interface PlanReport {
  readonly kind: 'plan'
  readonly decision: PassPlan['decision']
  /** What was decided on each further uplink. */
  readonly others: readonly { readonly uplink: string; readonly decision: PassPlan['decision'] }[]
  readonly steps: readonly {
    readonly plane: string
    readonly step: string
    readonly target: string
  }[]
  /** Docker's own subnets that are to follow the prefix, and when that is permitted. */
  readonly settle: readonly PlannedSettle[]
  /** Names and their addresses that this host claims; `null` before the first usable prefix. */
  readonly claims: PassPlan['claims']
  /** Names that the next report adds, changes and withdraws against the newest one. */
  readonly dns: readonly ClaimChange[]
  /** Whether the newest report said something else, or there was none. */
  readonly isClaimNew: boolean
  readonly problems: PassPlan['problems']
  readonly hasChanges: boolean
}

/** The plane of the host that a kind of step belongs to, as people know them. */
const PLANES: Readonly<Record<Step['kind'], string>> = {
  'firewall-set': 'firewall',
  'proxy-set': 'ndp',
  'neighbour-enable': 'ndp',
  'neighbour-add': 'ndp',
  'neighbour-remove': 'ndp',
  'address-add': 'docker',
  'address-deprecate': 'docker',
  'address-remove': 'docker',
  'route-add': 'routes',
  'route-move': 'routes',
  'route-remove': 'routes',
  'uplink-deprecate': 'uplink',
}

/**
 * Plans as an agent would that looks again when the decision asks for it: a new prefix that only has
 * to settle belongs into the plan.
 */
async function planSettled({ reconciler, readState }: Assembly): Promise<PassPlan> {
  const plan = await reconciler.plan(await readState())
  const recheckAt = 'recheckAt' in plan.decision ? plan.decision.recheckAt : undefined
  const waitMs = (recheckAt ?? Number.POSITIVE_INFINITY) - Date.now() + 1
  if (waitMs > SETTLE_LIMIT_MS) return plan
  await sleep(Math.max(waitMs, 0))
  return reconciler.plan(plan.state)
}

/** Reads everything, decides and plans; changes nothing, not even the agent's own state. */
export async function readPlan(config: AgentConfig, log: Logger): Promise<PlanReport> {
  const newestClaim = () => readNewestClaim(config.paths)
  const assembly = assemble(config, log, () => undefined, newestClaim)
  const plan = await planSettled(assembly)
  const read = [plan.observed, config.intent, plan.state] as const
  const networks = planNetworkSettles(staleNetworks(...read), config.settle)
  const bridge = await planBridgeSettle(
    findDefaultBridge(...read),
    assembly.bridgeSettler,
    config.settle,
  )
  const settle = [...networks, ...bridge.settles]
  const reporting = await createReportingStateFile(config.paths.reporting).read()
  const current = plan.numbering.current?.prefix
  const claim =
    current === undefined || plan.claims === null
      ? null
      : claimOf({ prefix: { current }, records: plan.claims })
  const newest = await newestClaim()
  const isClaimNew = claim !== null && claim !== newest
  return {
    kind: 'plan',
    decision: plan.decision,
    others: plan.others.map(({ uplink, decision }) => ({ uplink, decision })),
    steps: plan.steps.map((step) => ({
      plane: PLANES[step.kind],
      step: step.kind,
      target: targetOf(step),
    })),
    settle,
    claims: plan.claims,
    dns: plan.claims === null ? [] : diffClaims(parseClaim(newest), plan.claims),
    isClaimNew,
    problems: [...plan.problems, ...bridge.problems],
    hasChanges:
      plan.steps.length > 0 ||
      (isClaimNew && reporting !== null) ||
      settle.some(({ isPermitted }) => isPermitted),
  }
}

function renderDecision(decision: PassPlan['decision']): string {
  switch (decision.kind) {
    case 'keep':
      return `keep ${decision.prefix}`
    case 'hold':
      return `hold: ${decision.reason}`
    case 'renumber':
      return `renumber to ${decision.to}${decision.from ? ` from ${decision.from}` : ''} (${decision.cause})`
  }
}

function renderExtent({ steps, dns, settle, hasChanges }: PlanReport): string {
  const names = dns.length === 0 ? '' : `, ${dns.length} names to report`
  if (steps.length > 0) return `${steps.length} steps to take${names}`
  if (hasChanges && settle.length > 0) return 'only Docker’s own networks to settle'
  return hasChanges ? 'only the claim to report' : 'nothing to do'
}

/** The plan as a table for people. */
export function renderPlan(plan: PlanReport): readonly string[] {
  const rows = plan.steps.map(({ plane, step, target }) => [plane, step, target] as const)
  const settle = plan.settle.map(
    ({ network, from, to, when }) =>
      ['docker', 'settle', `network ${network} ${from} → ${to}, ${when}`] as const,
  )
  const claims = plan.dns.map(
    ({ change, name, type, from, to }) =>
      [
        'dns',
        change,
        `${name} ${type} ${[from, to].flatMap((values) => values.join(' ') || []).join(' → ')}`,
      ] as const,
  )
  const table = [...rows, ...settle, ...claims]
  const width = (column: 0 | 1) => Math.max(0, ...table.map((row) => row[column].length))
  return [
    `decision  ${renderDecision(plan.decision)}`,
    ...plan.others.map(
      ({ uplink, decision }) => `${uplink.padEnd(8)}  ${renderDecision(decision)}`,
    ),
    ...table.map(
      ([plane, step, target]) => `${plane.padEnd(width(0))}  ${step.padEnd(width(1))}  ${target}`,
    ),
    ...plan.problems.map(({ where, what, remedy }) => `problem   ${where}: ${what}; ${remedy}`),
    renderExtent(plan),
  ]
}
