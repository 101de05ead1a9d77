import { messageOf } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { majorVersion } from '../domain/docker-advice.ts'
import type { Instant } from '../domain/model.ts'
import type { Problem } from '../domain/problem.ts'
import type { StaleNetwork } from '../domain/settle-need.ts'
import { planSettle, type SettlePlan } from '../domain/settle-plan.ts'
import { type SettlePolicy, settleTiming } from '../domain/settle-policy.ts'
import type { DockerControl } from './docker.ts'
import { decodeDockerFacts, decodeNetworks } from './docker-decode.ts'
import { decodeSettleNetwork } from './settle-decode.ts'
import { readEndpoints } from './settle-endpoints.ts'
import type { SettleOutcome, Settler } from './settler.ts'

/** What came of looking whether anything is to be settled. */
export interface SettlingResult {
  /** Docker's state has changed: everything has to be read again. */
  readonly hasChanged: boolean
  /** When time alone asks for another look, `null` when it does not. */
  readonly wakeAt: Instant | null
  readonly problems: readonly Problem[]
}

/** Settles networks when the policy permits, one at a time, and finishes what a crash has left. */
export interface Settling {
  /** To be called after each pass. Never throws; at most one network is settled in a call. */
  afterPass(stale: readonly StaleNetwork[], isConverged: boolean): Promise<SettlingResult>
}

/** What settling needs. */
export interface SettlingParts {
  readonly policy: SettlePolicy
  readonly control: DockerControl
  readonly settler: Settler
  readonly now: () => Instant
  /** Local time of an instant, in minutes since midnight. */
  readonly minuteOfDay: (instant: Instant) => number
  readonly log: Logger
}

/** While containers are off their network: soon, and never rarely. */
const UNFINISHED = { firstMs: 1000, longestMs: 60_000 } as const
/** While everything is as it was: each try may cost an outage. */
const REFUSED = { firstMs: 60_000, longestMs: 3_600_000 } as const

interface Pause {
  readonly until: Instant
  readonly ms: number
  readonly problems: readonly Problem[]
}

/** The local time of an instant on this machine, in minutes since midnight. */
export function localMinuteOfDay(instant: Instant): number {
  const date = new Date(instant)
  return date.getHours() * 60 + date.getMinutes()
}

/**
 * After a failure or a refusal a network is left alone for a while, longer each time: each try may cut
 * its containers off.
 */
export function createSettling(parts: SettlingParts): Settling {
  const { policy, control, settler, now, log } = parts
  const idleSince = new Map<string, Instant>()
  const pauses = new Map<string, Pause>()

  function pauseAfter(
    network: string,
    { firstMs, longestMs }: typeof UNFINISHED | typeof REFUSED,
    problems: readonly Problem[],
  ): void {
    const doubled = (pauses.get(network)?.ms ?? 0) * 2
    const ms = Math.min(Math.max(doubled, firstMs), longestMs)
    pauses.set(network, { until: now() + ms, ms, problems })
  }

  /** What needs no settling any more has no problem with it. */
  function forgetPauses(stale: readonly StaleNetwork[]): void {
    for (const [name, { until }] of pauses) {
      if (until <= now() && stale.every(({ network }) => network.name !== name)) pauses.delete(name)
    }
  }

  function isPaused(network: string): boolean {
    return (pauses.get(network)?.until ?? 0) > now()
  }

  /** Counts only what was seen: a network that came back in use starts again from nothing. */
  function noteIdle(stale: readonly StaleNetwork[]): void {
    const idle = new Set(stale.filter(({ isInUse }) => !isInUse).map(({ network }) => network.id))
    for (const id of idleSince.keys()) if (!idle.has(id)) idleSince.delete(id)
    for (const id of idle) if (!idleSince.has(id)) idleSince.set(id, now())
  }

  function timingOf({ network }: StaleNetwork) {
    const at = now()
    return settleTiming(policy, {
      now: at,
      minuteOfDay: parts.minuteOfDay(at),
      idleSince: idleSince.get(network.id) ?? null,
    })
  }

  async function prepare({ network, from, to }: StaleNetwork) {
    const [value, endpoints, all, info] = await Promise.all([
      control.inspectNetwork(network.id),
      readEndpoints(control, network.name),
      control.listNetworks(),
      control.readInfo(),
    ])
    if (value === null) return null
    const otherSubnets = decodeNetworks(all)
      .filter(({ id }) => id !== network.id)
      .flatMap(({ name, subnets }) => subnets.map((subnet) => ({ network: name, subnet })))
    const dockerMajor = majorVersion(decodeDockerFacts(info).version)
    const known = decodeSettleNetwork(value)
    return planSettle({ network: known, endpoints, otherSubnets, from, to, dockerMajor })
  }

  function tell({ network, from, to }: SettlePlan, outcome: SettleOutcome, ms: number): void {
    const fields = { network, from, to, ms }
    if (outcome.kind === 'settled') {
      const { attachments } = outcome
      log.info(
        { event: 'settled', ...fields, attachments },
        `network ${network} settled from ${from} to ${to}, ${attachments} attachments in ${ms} ms`,
      )
    }
    for (const note of 'notes' in outcome ? outcome.notes : []) {
      log.warn({ event: 'settle-note', network, note }, `network ${network}: ${note}`)
    }
  }

  function judge({ network }: SettlePlan, outcome: SettleOutcome): void {
    if (outcome.kind === 'settled') {
      pauses.delete(network)
      return
    }
    const where = `network ${network}`
    const problem: Omit<Problem, 'code' | 'where'> =
      outcome.kind === 'restored'
        ? {
            what: `it could not be settled and is as it was before: ${outcome.reason}`,
            remedy: 'it is tried again; docker.settle: never leaves it as it is',
          }
        : {
            what: `it was settled, but not every container is back: ${outcome.missing.join('; ')}`,
            remedy: 'it is tried again; docker network connect does it by hand',
          }
    const rhythm = outcome.kind === 'restored' ? REFUSED : UNFINISHED
    pauseAfter(network, rhythm, [{ code: 'SETTLE_FAILED', where, ...problem }])
  }

  async function carryOut(plan: SettlePlan, work: () => Promise<SettleOutcome>): Promise<void> {
    const startedAt = performance.now()
    try {
      const outcome = await work()
      tell(plan, outcome, Math.round(performance.now() - startedAt))
      judge(plan, outcome)
    } catch (cause) {
      const where = `network ${plan.network}`
      const what = `its settle could not be confirmed: ${messageOf(cause)}`
      const remedy = 'nothing: it is gone on with as soon as Docker answers'
      pauseAfter(plan.network, UNFINISHED, [{ code: 'SETTLE_FAILED', where, what, remedy }])
    }
  }

  /** Gives true when Docker's state may have changed. */
  async function settleOne(stale: readonly StaleNetwork[], isConverged: boolean): Promise<boolean> {
    const left = await settler.unfinished()
    if (left !== null) {
      const { network } = left.plan
      if (isPaused(network)) return false
      log.warn(
        { event: 'settle-resume', network },
        `going on with the settle of network ${network}`,
      )
      await carryOut(left.plan, () => settler.resume(left))
      return true
    }
    const due = stale.find((one) => !isPaused(one.network.name) && timingOf(one).isDue)
    if (!isConverged || due === undefined) return false
    const prepared = await prepare(due)
    if (prepared === null) return false
    if ('problems' in prepared) {
      pauseAfter(due.network.name, REFUSED, prepared.problems)
      return false
    }
    const { network, from, to } = prepared.plan
    log.info({ event: 'settling', network, from, to }, `settling network ${network} to ${to}`)
    await carryOut(prepared.plan, () => settler.carryOut(prepared.plan))
    return true
  }

  function wakeAt(stale: readonly StaleNetwork[]): Instant | null {
    const instants = [
      ...[...pauses.values()].map(({ until }) => until),
      ...stale.flatMap((one) => {
        const timing = timingOf(one)
        return timing.isDue || timing.at === null ? [] : [timing.at]
      }),
    ].filter((at) => at > now())
    return instants.length === 0 ? null : Math.min(...instants)
  }

  return {
    afterPass: async (stale, isConverged) => {
      noteIdle(stale)
      forgetPauses(stale)
      let hasChanged = false
      try {
        hasChanged = await settleOne(stale, isConverged)
      } catch (cause) {
        // Nothing was begun: reading Docker or the journal failed, and the next pass reads again.
        log.warn({ event: 'settle-unread', cause }, `cannot settle yet: ${messageOf(cause)}`)
      }
      const problems = [...pauses.values()].flatMap((pause) => pause.problems)
      return { hasChanged, wakeAt: hasChanged ? now() : wakeAt(stale), problems }
    },
  }
}
