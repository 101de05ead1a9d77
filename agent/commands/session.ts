import { messageOf } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { writeLastChange } from '../adapters/last-change.ts'
import { createLastFaultFile } from '../adapters/last-fault.ts'
import { createProblemsFile } from '../adapters/problems-file.ts'
import type { Reporter } from '../adapters/reporter.ts'
import type { AgentConfig } from '../config.ts'
import { type AgentState, numberingOf } from '../domain/agent-state.ts'
import { findDefaultBridge } from '../domain/default-bridge-need.ts'
import type { Numbering } from '../domain/numbering.ts'
import type { PassPlan } from '../domain/pass-plan.ts'
import type { Problem } from '../domain/problem.ts'
import { staleNetworks } from '../domain/settle-need.ts'
import { targetOf } from '../domain/step.ts'
import type { PassOutcome } from '../loop.ts'
import type { PassResult } from '../reconcile.ts'
import { type Assembly, assemble } from './assemble.ts'
import { createFaultKeeper } from './fault-keeper.ts'
import { knownProblems } from './known-problems.ts'
import { isReportable, reportBodyOf } from './report-body.ts'

/** An agent at work: passes one after the other, each from the state that the last one left. */
export interface Session {
  readonly assembly: Assembly
  /** One pass, told to the log, and its claim offered to the reporter. */
  pass(reasons: readonly string[], isQuick?: boolean): Promise<SessionPass>
  /** A look between passes; `null` when a pass is needed. */
  glance(): Promise<PassPlan | null>
  /** What is known of the uplinks now, also in the middle of a pass. */
  readonly state: AgentState
  /**
   * Settles what is due, after a pass and when its report was offered; without a pass only what a crash
   * has left. Tells when to look again: at once when Docker's state has changed.
   */
  settle(after: SessionPass | null): Promise<PassOutcome & { readonly hasChanged: boolean }>
}

/** What a pass has done, and when another is due. */
export type SessionPass = PassOutcome & { readonly result: PassResult }

/** Tells problems when they change, and not each time they are found. */
function createProblemTeller(log: Logger): (found: readonly Problem[]) => void {
  let told = '[]'
  return (found) => {
    const text = JSON.stringify(found)
    if (text === told) return
    told = text
    for (const { code, where, what, remedy } of found) {
      log.warn({ event: 'problem', code, where }, `${where}: ${what}; ${remedy}`)
    }
  }
}

/** Says what is worth saying of a series of passes: changes, not repetitions. */
function createNarrator(log: Logger, { intent }: AgentConfig, known: AgentState) {
  let saved = known
  const heldFor = new Map<string, string | undefined>()
  const tellProblems = createProblemTeller(log)

  function tellUplink(uplink: string, before: Numbering, after: Numbering): void {
    const names = (of: Numbering) => of.prefixes.map(({ prefix }) => prefix)
    const appeared = names(after).filter((prefix) => !names(before).includes(prefix))
    if (appeared.length > 0) {
      log.info({ event: 'observed', uplink, appeared }, `prefix ${appeared.join(', ')} appeared`)
    }
    if (after.current === null || after.current.prefix === before.current?.prefix) return
    const { prefix: to, cause } = after.current
    const from = before.current?.prefix ?? null
    log.info(
      { event: 'renumber', uplink, cause, from, to },
      `${cause} renumbering to ${to}${from === null ? '' : ` from ${from}`}`,
    )
  }

  return {
    /** Called before the first change of a pass. */
    stateSaved: (state: AgentState): void => {
      for (const uplink of Object.keys(state.uplinks)) {
        tellUplink(uplink, numberingOf(saved, uplink), numberingOf(state, uplink))
      }
      saved = state
    },
    passed: (result: PassResult, reasons: readonly string[], ms: number): void => {
      const { decision, others, results, isConverged } = result
      log.debug({ event: 'pass', reasons, ms, decision }, `pass: ${decision.kind}`)
      for (const pass of [{ uplink: intent.uplink, decision }, ...others]) {
        const reason = pass.decision.kind === 'hold' ? pass.decision.reason : undefined
        if (reason !== undefined && reason !== heldFor.get(pass.uplink)) {
          const fields = { event: 'hold', uplink: pass.uplink, reason }
          log.warn(fields, `holding: ${reason}; everything stays as it is`)
        }
        heldFor.set(pass.uplink, reason)
      }
      tellProblems(result.problems)
      if (results.length === 0) return
      const done = results.filter(({ outcome }) => outcome === 'done').length
      const fields = { event: 'made', ms, steps: results.length, done, isConverged }
      if (isConverged) log.info(fields, `made: ${done} steps in ${ms} ms`)
      else log.warn(fields, `${done} of ${results.length} steps done; trying again`)
    },
  }
}

/** Starts a session from the saved state; `onProgress` as in `assemble`. */
export async function startSession(
  config: AgentConfig,
  log: Logger,
  reporter: Reporter | null,
  onProgress?: () => void,
): Promise<Session> {
  let narrate = (_: AgentState): void => undefined
  const assembly = assemble(
    config,
    log,
    (saved) => narrate(saved),
    async () => reporter?.newestClaim() ?? null,
    onProgress,
  )
  let state = await assembly.readState()
  let newest = state
  const narrator = createNarrator(log, config, state)
  const faults = await createFaultKeeper(
    createLastFaultFile(config.paths.lastFault),
    log,
    () => new Date(),
  )
  narrate = (saved) => {
    newest = saved
    narrator.stateSaved(saved)
  }

  const problemsFile = createProblemsFile(config.paths.problems)
  let keptProblems = JSON.stringify(await problemsFile.read().catch(() => null))
  let settleProblems: readonly Problem[] = []

  async function keepProblems(result: PassResult): Promise<void> {
    const problems = knownProblems(result, config.intent.uplink, settleProblems)
    const text = JSON.stringify(problems)
    if (text === keptProblems) return
    await problemsFile.write(problems)
    keptProblems = text
  }

  function tellUnwritten(cause: unknown): void {
    log.warn({ event: 'unwritten', cause }, `status is out of date: ${messageOf(cause)}`)
  }

  async function keepLastChange(result: PassResult, before: AgentState, ms: number) {
    if (result.results.length === 0) return
    const from = numberingOf(before, config.intent.uplink).current?.prefix ?? null
    const { current } = result.numbering
    await writeLastChange(config.paths.lastChange, {
      at: new Date().toISOString(),
      renumbering:
        current === null || current.prefix === from
          ? null
          : { cause: current.cause, from, to: current.prefix },
      ms,
      steps: result.results.map((one) => ({
        step: one.step.kind,
        target: targetOf(one.step),
        outcome: one.outcome,
        ms: one.outcome === 'not-tried' ? 0 : one.ms,
        ...('error' in one && one.error !== undefined ? { error: one.error } : {}),
      })),
    })
  }

  async function offer(result: PassResult): Promise<void> {
    const body = isReportable(result) ? reportBodyOf(result) : null
    if (body !== null) await reporter?.offer(body)
  }

  /** False when the report could not be kept: the host is right all the same, the next pass tries again. */
  async function offerClaim(result: PassResult): Promise<boolean> {
    try {
      await offer(result)
      return true
    } catch (cause) {
      log.error({ event: 'unreported', cause }, `the change is not reported: ${messageOf(cause)}`)
      await faults.failed(cause)
      return false
    }
  }

  async function pass(reasons: readonly string[], isQuick = false) {
    const startedAt = performance.now()
    const before = state
    let result: PassResult
    let early: Promise<void> | undefined
    try {
      const { reconciler } = assembly
      result = await (isQuick ? reconciler.quickPass : reconciler.pass)(state, (soFar) => {
        // The names may change while the old addresses are retired: nobody waits for that.
        early = offer(soFar).catch(() => undefined)
      })
    } catch (cause) {
      await faults.failed(cause)
      throw cause
    }
    await early
    state = result.state
    newest = state
    const ms = Math.round(performance.now() - startedAt)
    narrator.passed(result, reasons, ms)
    // Nothing is queued where the early offer has claimed the same; what went wrong there comes out here.
    const isReported = await offerClaim(result)
    const shown = [keepLastChange(result, before, ms), keepProblems(result)]
    await Promise.all(shown).catch(tellUnwritten)
    if (!result.isConverged) await faults.incomplete(result.results)
    else if (isReported) await faults.good()
    return {
      result,
      isIncomplete: !result.isConverged || !isReported,
      ...(result.wakeAt === null ? {} : { recheckAt: result.wakeAt }),
    }
  }

  async function glance(): Promise<PassPlan | null> {
    const seen = await assembly.reconciler.glance(state)
    if (seen !== null) newest = state = seen.state
    return seen
  }

  const tellProblems = createProblemTeller(log)

  /** The networks one by one, then the default bridge, which may take a restart of Docker. */
  async function settleOne(after: SessionPass | null, isConverged: boolean) {
    const found = after?.result
    const read = found && ([found.observed, config.intent, found.state] as const)
    const stale = read === undefined ? [] : staleNetworks(...read)
    const networks = await assembly.settling.afterPass(stale, isConverged)
    if (networks.hasChanged) return [networks]
    const bridge = read === undefined ? null : findDefaultBridge(...read)
    return [networks, await assembly.bridgeSettling.afterPass(bridge, isConverged)]
  }

  async function settle(after: SessionPass | null) {
    const isConverged = after?.result.isConverged ?? false
    const settled = await settleOne(after, isConverged)
    settleProblems = settled.flatMap(({ problems }) => problems)
    tellProblems(settleProblems)
    if (after !== null) await keepProblems(after.result).catch(tellUnwritten)
    const wakes = settled.map(({ wakeAt }) => wakeAt ?? undefined)
    const instants = [after?.recheckAt, ...wakes].filter((at) => at !== undefined)
    return {
      hasChanged: settled.some(({ hasChanged }) => hasChanged),
      isIncomplete: after?.isIncomplete ?? true,
      ...(instants.length === 0 ? {} : { recheckAt: Math.min(...instants) }),
    }
  }

  return {
    ...{ assembly, pass, glance, settle },
    get state() {
      return newest
    },
  }
}
