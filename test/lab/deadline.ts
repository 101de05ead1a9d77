import { ReprefixError } from '../../shared/errors.ts'

/** How long a condition is waited for, and what makes waiting pointless. */
export interface WaitOptions {
  /** Milliseconds until `LAB_TIMEOUT`. */
  readonly timeoutMs?: number
  /** Milliseconds between two looks. */
  readonly intervalMs?: number
  /** Says why the condition can no longer come true, for example that a process has ended. */
  readonly hopeless?: () => string | undefined
}

/** Only for what never comes: a slow machine must not fail a test. Speed is measured by the benches. */
const DEFAULT_TIMEOUT_MS = 60_000
const DEFAULT_INTERVAL_MS = 10

/**
 * Looks until `look` gives something other than `undefined` and returns that.
 * Throws `LAB_TIMEOUT` naming `what` after the deadline, `LAB_FAILED` when waiting became pointless.
 * An error thrown by `look` is final.
 */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  options: WaitOptions = {},
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    const reason = options.hopeless?.()
    if (reason !== undefined) throw new ReprefixError('LAB_FAILED', `${what}: ${reason}`)
    if (performance.now() > deadline) {
      throw new ReprefixError('LAB_TIMEOUT', `${what}: not within ${timeoutMs} ms`)
    }
    await new Promise((resolve) => setTimeout(resolve, options.intervalMs ?? DEFAULT_INTERVAL_MS))
  }
}
