import { messageOf } from '../../shared/errors.ts'
import type { Prefix } from '../../shared/ipv6.ts'
import type { Logger } from '../../shared/logger.ts'
import { type DefaultBridge, planDefaultBridge } from '../domain/default-bridge-need.ts'
import type { Instant } from '../domain/model.ts'
import type { Problem } from '../domain/problem.ts'
import { type SettlePolicy, settleTiming } from '../domain/settle-policy.ts'
import type { DefaultBridgeOutcome, DefaultBridgeSettler } from './default-bridge.ts'
import type { SettlingResult } from './settling.ts'

/** Settles the default bridge when the policy permits, and finishes what a crash has left. */
export interface BridgeSettling {
  /** To be called after each pass. Never throws. */
  afterPass(bridge: DefaultBridge | null, isConverged: boolean): Promise<SettlingResult>
}

/** What settling the default bridge needs. */
export interface BridgeSettlingParts {
  readonly policy: SettlePolicy
  readonly settler: DefaultBridgeSettler
  readonly now: () => Instant
  /** Local time of an instant, in minutes since midnight. */
  readonly minuteOfDay: (instant: Instant) => number
  readonly log: Logger
}

const PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 3_600_000
const NOTHING: SettlingResult = { hasChanged: false, wakeAt: null, problems: [] }

/** Each try may restart Docker: after one that did not help there is a pause, longer each time. */
export function createBridgeSettling(parts: BridgeSettlingParts): BridgeSettling {
  const { policy, settler, now, log } = parts
  let idleSince: Instant | null = null
  let pause: { until: Instant; ms: number; problems: readonly Problem[] } | null = null
  let restartedFor: Prefix | undefined

  function pauseFor(problem: Problem): SettlingResult {
    const ms = Math.min((pause?.ms ?? PAUSE_MS / 2) * 2, LONGEST_PAUSE_MS)
    pause = { until: now() + ms, ms, problems: [problem] }
    return { hasChanged: false, wakeAt: pause.until, problems: pause.problems }
  }

  function failed(what: string, remedy: string): SettlingResult {
    return pauseFor({ code: 'SETTLE_FAILED', where: 'the default bridge', what, remedy })
  }

  function conclude(outcome: DefaultBridgeOutcome, to?: Prefix): SettlingResult {
    const { path } = settler
    if (outcome.kind === 'restored') {
      const what = `Docker did not take the new subnet: ${outcome.reason}; the former file is back`
      return { ...failed(what, `it is tried again; see the log of Docker`), hasChanged: true }
    }
    pause = null
    if (outcome.kind === 'settled') {
      restartedFor = to
      log.info({ event: 'settled', network: 'bridge', to }, 'default bridge settled')
      return { hasChanged: true, wakeAt: now(), problems: [] }
    }
    log.info(
      { event: 'settle-edited', path, to },
      `${path} names the new subnet; Docker takes it when it starts while no container runs` +
        ' (live-restore)',
    )
    return { hasChanged: true, wakeAt: now(), problems: [] }
  }

  async function settle(bridge: DefaultBridge): Promise<SettlingResult> {
    const text = await settler.readText()
    if (text === null) return NOTHING
    const planned = planDefaultBridge(bridge, text, settler.path)
    if ('problem' in planned) return pauseFor(planned.problem)
    const { plan } = planned
    if (plan === null) {
      restartedFor = undefined
      return NOTHING
    }
    if (plan.text === null && restartedFor === plan.to) {
      const what = `Docker was restarted and still has ${plan.from}`
      return failed(what, `is docker.config (${settler.path}) the file that dockerd reads?`)
    }
    const at = now()
    const moment = { now: at, minuteOfDay: parts.minuteOfDay(at), idleSince }
    const timing = settleTiming(policy, moment)
    if (!timing.isDue) return { ...NOTHING, wakeAt: timing.at }
    // Edited before: without a restart that changes something there is nothing left to do.
    if (plan.text === null && !(await settler.isEffective())) return NOTHING
    log.info(
      { event: 'settling', network: 'bridge', from: plan.from, to: plan.to },
      `settling the default bridge to ${plan.to}`,
    )
    return conclude(await settler.carryOut(plan), plan.to)
  }

  return {
    afterPass: async (bridge, isConverged) => {
      idleSince = bridge === null || bridge.isInUse ? null : (idleSince ?? now())
      if (pause !== null && pause.until > now()) {
        return { hasChanged: false, wakeAt: pause.until, problems: pause.problems }
      }
      try {
        const left = await settler.resume()
        if (left !== null) return conclude(left, bridge?.to)
        if (bridge === null || !isConverged || policy.kind === 'never') return NOTHING
        return await settle(bridge)
      } catch (cause) {
        return failed(messageOf(cause), 'it is tried again')
      }
    },
  }
}
