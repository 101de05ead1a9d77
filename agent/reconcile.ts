import { messageOf } from '../shared/errors.ts'
import type { AgentState } from './domain/agent-state.ts'
import type { ReportedClaim } from './domain/claimed-prefixes.ts'
import { isSameButLifetimes, isSameKernel, laterObserved } from './domain/glance.ts'
import type { Instant, Intent, Observed } from './domain/model.ts'
import { nextSettling, type PassPlan, planPass, planRefresh } from './domain/pass-plan.ts'
import { STAGES, type Step } from './domain/step.ts'
import type {
  Actuator,
  Clock,
  Containers,
  Firewall,
  Journal,
  Kernel,
  NeighbourProxy,
  Neighbours,
  StepResult,
} from './ports.ts'

/** What a reconciler reads from and acts through. */
export interface ReconcilerPorts {
  readonly kernel: Kernel
  readonly containers: Containers
  /** `null` where the settings leave the plane to others. */
  readonly proxy: NeighbourProxy | null
  /** The kernel's own entries, which are read under every backend: another one may have left some. */
  readonly neighbours?: Neighbours
  readonly firewall: Firewall | null
  readonly actuator: Actuator
  readonly journal: Journal
  /** Makes the state durable; called before the first change of a pass, when the state has changed. */
  readonly saveState: (state: AgentState) => Promise<void>
  /** What the newest report claimed, `null` before the first one. */
  readonly reportedClaim: () => Promise<ReportedClaim | null>
  readonly clock: Clock
  readonly sleep: (ms: number) => Promise<void>
  /** Index of every link of the host, which tells a bridge from another one made under its name. */
  readonly linkIndexes?: () => Promise<ReadonlyMap<string, number>>
}

/** What a pass has done. `results` has one entry for every step, in the order of the plan. */
export interface PassResult extends PassPlan {
  readonly results: readonly StepOutcome[]
  /** True when every step was done: the host is as desired. */
  readonly isConverged: boolean
}

/** What became of a planned step; `not-tried` after an earlier one failed. */
export type StepOutcome = StepResult | { readonly step: Step; readonly outcome: 'not-tried' }

/** A decision that settles this soon is waited for: to read everything once more takes longer. */
const SOON_MS = 50
/** Who is new in use is told to the cloud first; that the old is still in use meanwhile harms nobody. */
const RETIRE_AFTER_MS = 150

/** Brings the host to what is desired, one pass at a time. */
export interface Reconciler {
  /** Reads and plans, changes nothing. */
  plan(state: AgentState): Promise<PassPlan>
  /**
   * Reads, plans, saves the state, and carries the plan out stage by stage. `onReachable` is called
   * with what was done so far when all that is new is in place and only the old is left to retire.
   */
  pass(state: AgentState, onReachable?: (soFar: PassResult) => void): Promise<PassResult>
  /**
   * A pass that reads the kernel alone and takes all else as the last pass has found it, for when a
   * prefix is news and all else is listened to. Where the last pass found something to do it is a whole
   * one; else a whole one has to follow.
   */
  quickPass(state: AgentState, onReachable?: (soFar: PassResult) => void): Promise<PassResult>
  /**
   * A cheap look between passes: reads the kernel anew, takes all else as the last pass has found it,
   * and plans. `null` unless everything is still as it was but for lifetimes, so that a pass would do
   * and say nothing. Its state is not saved until the next pass.
   */
  glance(state: AgentState): Promise<PassPlan | null>
}

/**
 * One pass: read everything, decide, plan, and only then change anything. Level-triggered: a pass
 * depends on what is there and on the state, never on what woke it, and does nothing when all is as
 * desired.
 *
 * Throws when something cannot be read or the state or journal cannot be written; nothing has been
 * changed then. A step that fails is a result, not an exception: what
 * was done stays, its stage is finished, and the pass ends there, except that a failure inside one
 * container holds up only the further steps of that container. The next pass tries again. Several
 * uplinks are decided each by itself: one of which nothing is known holds, and the others go on.
 */
export function createReconciler(ports: ReconcilerPorts, intent: Intent): Reconciler {
  /** The last pass, where it found nothing to do. */
  let quiet: PassPlan | null = null
  let saved: AgentState | undefined

  /** Lifetimes count from the instant at which the uplinks were read, however long the rest takes. */
  async function readUplinks() {
    const uplinks = await ports.kernel.readUplinks()
    return { uplinks, now: ports.clock() }
  }

  async function observe({ lan = [] }: AgentState): Promise<{ observed: Observed; now: Instant }> {
    const [{ uplinks, now }, routes, docker, proxy, neighbours, firewall] = await Promise.all([
      readUplinks(),
      ports.kernel.readRoutes(),
      ports.containers.read(new Set(lan.map(({ networkId }) => networkId))),
      ports.proxy?.read() ?? null,
      ports.neighbours?.read() ?? null,
      ports.firewall?.read() ?? null,
    ])
    return { observed: { uplinks, routes, proxy, neighbours, firewall, ...docker }, now }
  }

  /** What the last pass has observed, with the kernel as it is now; `null` if the clock was set back. */
  async function observeKernel(before: PassPlan) {
    const [{ uplinks, now }, routes, neighbours, indexes] = await Promise.all([
      readUplinks(),
      ports.kernel.readRoutes(),
      ports.neighbours?.read() ?? null,
      ports.linkIndexes?.(),
    ])
    if (now < before.at) return null
    const kernel = { uplinks, routes, neighbours }
    return {
      observed: laterObserved(before.observed, kernel, indexes, (now - before.at) / 1000),
      now,
    }
  }

  async function plan(state: AgentState, before: PassPlan | null = null): Promise<PassPlan> {
    const seen = (before && (await observeKernel(before))) ?? (await observe(state))
    const { observed, now } = seen
    const reported = await ports.reportedClaim()
    const planned = planPass(state, observed, reported, intent, now)
    const settlesAt = nextSettling(planned)
    if (settlesAt === undefined || settlesAt > now + SOON_MS) return planned
    await ports.sleep(Math.max(0, settlesAt - ports.clock()))
    const settled = await readUplinks()
    const { uplinks } = settled
    return planPass(planned.state, { ...observed, uplinks }, reported, intent, settled.now)
  }

  async function glance(state: AgentState): Promise<PassPlan | null> {
    const before = quiet
    if (before === null) return null
    const [seen, reported] = await Promise.all([observeKernel(before), ports.reportedClaim()])
    if (seen === null) return null
    const { observed, now } = seen
    // Most often an advertisement has refreshed the current prefix, and that is all.
    const refreshed = isSameKernel(before.observed, observed)
      ? planRefresh(before, state, observed, intent, now)
      : null
    const planned = refreshed ?? planPass(state, observed, reported, intent, now)
    if (planned.steps.length > 0 || !isSameButLifetimes(planned, before)) return null
    // What has changed without consequence, such as the end of DAD, is no change for the next glance.
    const { uplinks, routes, neighbours = null } = observed
    quiet = { ...before, observed: { ...before.observed, uplinks, routes, neighbours } }
    return planned
  }

  async function carryOut(
    planned: PassPlan,
    state: AgentState,
    onReachable: (soFar: PassResult) => void = () => undefined,
  ): Promise<PassResult> {
    await prepare(planned, saved ?? state)
    saved = planned.state
    const results = await applySteps(planned.steps, (soFar) =>
      onReachable({ ...planned, results: soFar, isConverged: false }),
    )
    const isConverged = results.every(({ outcome }) => outcome === 'done')
    return { ...planned, results, isConverged }
  }

  const pass: Reconciler['pass'] = async (state, onReachable) => {
    quiet = null
    const planned = await plan(state)
    const result = await carryOut(planned, state, onReachable)
    if (planned.steps.length === 0) quiet = planned
    return result
  }

  const quickPass: Reconciler['quickPass'] = async (state, onReachable) => {
    const before = quiet
    quiet = null
    return carryOut(await plan(state, before), state, onReachable)
  }

  /** Everything that must be durable before the first change, at once: each sync may take long. */
  async function prepare(planned: PassPlan, before: AgentState): Promise<void> {
    await Promise.all([
      isSameState(planned.state, before) ? undefined : ports.saveState(planned.state),
      planned.steps.length === 0 ? undefined : ports.journal.begin(planned.steps),
    ])
  }

  async function applySteps(
    steps: readonly Step[],
    onReachable: (soFar: readonly StepOutcome[]) => void,
  ): Promise<readonly StepOutcome[]> {
    const results: StepOutcome[] = []
    // A route that moves makes addresses reachable too, after everything else.
    let isToldOf = steps.some(({ kind }) => kind === 'route-move')
    for (const stage of STAGES) {
      const due = steps.filter(({ kind }) => kind === stage)
      if (!isToldOf && due.length > 0 && RETIRING.has(stage) && results.length > 0) {
        isToldOf = true
        onReachable([...results])
        await ports.sleep(RETIRE_AFTER_MS)
      }
      const allowed = due.filter((step) => !isHeldUp(step, results))
      results.push(...due.filter((step) => !allowed.includes(step)).map(notTried))
      if (allowed.length > 0) results.push(...(await applyStage(allowed)))
    }
    return results
  }

  async function applyStage(steps: readonly Step[]): Promise<readonly StepResult[]> {
    const results = await ports.actuator.apply(steps).catch((cause: unknown) =>
      steps.map(
        (step): StepResult => ({
          step,
          outcome: 'failed',
          ms: 0,
          error: `could not confirm: ${messageOf(cause)}`,
        }),
      ),
    )
    await ports.journal.end(results)
    return results
  }

  return { plan, pass, quickPass, glance }
}

/** Stages that only take from use what is old; who is new in use does not wait for them. */
const RETIRING: ReadonlySet<Step['kind']> = new Set([
  'address-deprecate',
  'uplink-deprecate',
  'address-remove',
])

/**
 * Whether an earlier failure forbids this step. Nothing is taken away while the new is not complete;
 * what failed inside one container says nothing about the others.
 */
function isHeldUp(step: Step, results: readonly StepOutcome[]): boolean {
  return results.some(({ step: earlier, outcome }) => {
    if (outcome === 'done' || earlier.kind === step.kind) return false
    if (!('container' in earlier)) return true
    return 'container' in step && step.pid === earlier.pid
  })
}

function notTried(step: Step): StepOutcome {
  return { step, outcome: 'not-tried' }
}

/** Both are made by the same code or parsed by one schema, so equal values have equal text. */
function isSameState(a: AgentState, b: AgentState): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
