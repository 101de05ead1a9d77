import type { Instant } from '../domain/model.ts'
import type { PassPlan } from '../domain/pass-plan.ts'
import type { PassOutcome } from '../loop.ts'

/** Hints of these kinds, and they alone, may be answered by a glance. */
export const GLANCED = { kernel: 'kernel', timer: 'timer' } as const

/** How long after a pass a glance is enough, and how long while something does not listen. */
const WHOLE_MS = 300_000
const DEAF_MS = 30_000

/** What glancing needs. */
export interface GlancingParts {
  /** A whole pass and all that follows it. */
  readonly pass: (
    reasons: readonly string[],
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
 * process. Everything else is a whole pass, which comes every five minutes in any case, and every 30 s
 * while one of those that tell of Docker, the packet filter and ndppd does not listen.
 */
export function createGlancing(
  parts: GlancingParts,
): (reasons: readonly string[]) => Promise<PassOutcome> {
  let last: { readonly startedAt: number; readonly outcome: PassOutcome } | null = null

  async function glance(reasons: readonly string[]): Promise<PassOutcome | null> {
    if (last === null || !reasons.every((reason) => Object.hasOwn(GLANCED, reason))) return null
    const limitMs = parts.isListening() ? WHOLE_MS : DEAF_MS
    if (parts.elapsed() - last.startedAt >= limitMs) return null
    const { recheckAt = Number.POSITIVE_INFINITY } = last.outcome
    if (recheckAt <= parts.now()) return null
    // What cannot be read now is told by the pass.
    const planned = await parts.glance().catch(() => null)
    if (planned === null) return null
    const at = Math.min(recheckAt, planned.wakeAt ?? Number.POSITIVE_INFINITY)
    return { isIncomplete: false, ...(Number.isFinite(at) ? { recheckAt: at } : {}) }
  }

  return async (reasons) => {
    const glanced = await glance(reasons)
    if (glanced !== null) return glanced
    last = null
    const startedAt = parts.elapsed()
    const { hasChanged, ...outcome } = await parts.pass(reasons)
    if (!outcome.isIncomplete && !hasChanged) last = { startedAt, outcome }
    return outcome
  }
}
