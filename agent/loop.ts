import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import type { Instant } from './domain/model.ts'

/** What a pass asks of the loop. */
export interface PassOutcome {
  /** Some step failed: look again soon, even if nothing happens. */
  readonly isIncomplete: boolean
  /** An instant at which the decision may change by itself. */
  readonly recheckAt?: Instant
}

/** What the loop needs of the world. */
export interface LoopParts {
  /** One pass over the whole host; may throw, which counts as incomplete. */
  readonly pass: (reasons: readonly string[]) => Promise<PassOutcome>
  readonly now: () => Instant
  readonly log: Logger
  /** Longest time without a pass, for hints that were lost; 30 s unless told. */
  readonly pollMs?: () => number
}

/** The one place from which passes are started. */
export interface Loop {
  /** A hint that something may have changed; costs nothing when a pass is due anyway. */
  wake(reason: string): void
  /** Runs passes until stopped; a pass that is under way is finished first. */
  run(signal: AbortSignal): Promise<void>
}

const POLL_MS = 30_000
/** Hints during a pass are answered together after this pause: they come in bursts. */
const COALESCE_MS = 10
const FIRST_BACKOFF_MS = 250
const MAX_BACKOFF_MS = 30_000
const MAX_HINTED_BACKOFF_MS = 2000
/** setTimeout overflows beyond this. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * A level-triggered loop: hints only say when to look, never what to do. At most one pass runs at a
 * time; the first hint starts one at once, and those that come while it runs start exactly one more.
 * After a failure the pause grows from 250 ms to 30 s, and to 2 s at most when a hint says that
 * something changed.
 */
export function createLoop(parts: LoopParts): Loop {
  const pollMs = parts.pollMs ?? (() => POLL_MS)
  let reasons: string[] = ['start']
  let onWake = (): void => undefined
  let failures = 0

  function wake(reason: string): void {
    if (!reasons.includes(reason)) reasons.push(reason)
    onWake()
  }

  /** Waits `ms` at most; a wake or the signal ends it early unless it is a minimum pause. */
  function pause(ms: number, signal: AbortSignal, isMinimum: boolean): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', finish)
        onWake = () => undefined
        resolve()
      }
      const timer = setTimeout(finish, Math.min(Math.max(ms, 0), MAX_TIMER_MS))
      signal.addEventListener('abort', finish)
      if (!isMinimum) onWake = finish
      if (signal.aborted || (!isMinimum && reasons.length > 0)) finish()
    })
  }

  async function passOnce(): Promise<PassOutcome> {
    const taken = reasons
    reasons = []
    try {
      return await parts.pass(taken)
    } catch (cause) {
      parts.log.error(
        { event: 'pass-failed', cause },
        `pass failed: ${messageOf(cause)}; the host stays as it is`,
      )
      return { isIncomplete: true }
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const outcome = await passOnce()
      failures = outcome.isIncomplete ? failures + 1 : 0
      if (signal.aborted) return
      const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS)
      // A failing pass may cause hints itself: they never make passes follow each other without pause.
      const leastMs = failures > 0 ? Math.min(backoffMs, MAX_HINTED_BACKOFF_MS) : COALESCE_MS
      await pause(leastMs, signal, true)
      // A timer may fire a millisecond early, and an instant that is past must not make a busy loop.
      const recheckAt = outcome.recheckAt ?? Number.POSITIVE_INFINITY
      const recheckMs = Math.max(recheckAt - parts.now() + 1, COALESCE_MS)
      const limitMs = failures > 0 ? Math.min(pollMs(), backoffMs - leastMs) : pollMs()
      await pause(Math.min(limitMs, recheckMs), signal, false)
      if (reasons.length === 0) reasons.push('timer')
    }
  }

  return { wake, run }
}
