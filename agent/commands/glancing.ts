import type { Instant } from '../domain/model.ts'
import type { PassPlan } from '../domain/pass-plan.ts'
import type { PassOutcome } from '../loop.ts'

/** Hints of these kinds, and they alone, may be answered by a glance. */
export const GLANCED = { kernel: 'kernel', timer: 'timer' } as const

/** A prefix that nobody knows yet: the one thing that is answered before all else is looked at. */
export const PREFIX = 'prefix'

/** How long after a pass a glance is enough, and how long while something does not listen. */
const WHOLE_MS = 300_000
const DEAF_MS = 30_000
/** When the whole pass follows a quick one: the cloud, which may be on this machine, comes first. */
const FOLLOW_MS = 250

/** What glancing needs. */
export interface GlancingParts {
  /** A pass and all that follows it; a quick one reads the kernel alone. */
  readonly pass: (
    reasons: readonly string[],
    isQuick: boolean,
  ) => Promise<PassOutcome & { readonly hasChanged: boolean }>
  /** `null` when a pass is needed. */
  readonly glance: () => Promise<PassPlan | null>
  /** Whether everything that a glance does not read is listened to. */
  readonly isListening: () => boolean
  readonly now: () => Instant
  /** Milliseconds of a clock that is never set. */
  readonly elapsed: () => number
}

/**
 * Answers hints of the kernel and the timer with a glance, where the last pass found all as desired: an
 * advertisement that only refreshes what is known, every few seconds on some links, then costs one
 * look. A new prefix is answered at once with what the last pass knew of Docker and the rest, and looked
 * at whole a moment later. Everything else is a whole pass, which comes every five minutes in any case,
 * and every 30 s while one of those that tell of Docker, the packet filter and ndppd does not listen.
 */
export function createGlancing(
  parts: GlancingParts,
): (reasons: readonly string[]) => Promise<PassOutcome> {
  let last: { readonly startedAt: number; readonly outcome: PassOutcome } | null = null
  /** When the whole pass after a quick one is due. */
  let owedAt = Number.NEGATIVE_INFINITY

  const isFresh = (): boolean => {
    const limitMs = parts.isListening() ? WHOLE_MS : DEAF_MS
    return last !== null && parts.elapsed() - last.startedAt < limitMs
  }

  async function glance(): Promise<PassOutcome | null> {
    const { recheckAt = Number.POSITIVE_INFINITY } = last?.outcome ?? {}
    if (!isFresh() || recheckAt <= parts.now()) return null
    // What cannot be read now is told by the pass.
    const planned = await parts.glance().catch(() => null)
    if (planned === null) return null
    const at = Math.min(recheckAt, planned.wakeAt ?? Number.POSITIVE_INFINITY)
    return { isIncomplete: false, ...(Number.isFinite(at) ? { recheckAt: at } : {}) }
  }

  function followUp(outcome: PassOutcome): PassOutcome {
    return { ...outcome, recheckAt: parts.now() + Math.max(0, owedAt - parts.elapsed()) }
  }

  return async (reasons) => {
    const others = reasons.filter((reason) => !Object.hasOwn(GLANCED, reason))
    if (others.length === 0) {
      if (parts.elapsed() < owedAt) return followUp({ isIncomplete: false })
      const glanced = await glance()
      if (glanced !== null) return glanced
    }
    const isNews = others.length > 0 && others.every((reason) => reason === PREFIX)
    const isQuick = isNews && isFresh() && parts.isListening()
    last = null
    const startedAt = parts.elapsed()
    const { hasChanged, ...outcome } = await parts.pass(reasons, isQuick)
    owedAt = isQuick ? parts.elapsed() + FOLLOW_MS : Number.NEGATIVE_INFINITY
    if (isQuick) return followUp(outcome)
    if (!outcome.isIncomplete && !hasChanged) last = { startedAt, outcome }
    return outcome
  }
}
