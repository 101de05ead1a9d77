/** Which call out of a process goes wrong, and how. */
export interface Crash {
  /** Counted from 0, from when it is set. */
  readonly at: number
  /** Whether it took effect before it failed. */
  readonly hasHappened: boolean
  /** Whether the process is gone from then on; otherwise the call fails and the rest goes on. */
  readonly isKill: boolean
}

/** Every way for one call to go wrong. */
export const CRASHES = [false, true].flatMap((isKill) =>
  [false, true].map((hasHappened) => ({ isKill, hasHappened })),
)

/**
 * Every call by which a process reads or changes the world around it goes through here, so that a test can
 * make each one fail in turn, before or after it took effect. Between two of them a process changes
 * nothing that outlives it.
 */
export function createCrashPoints() {
  let crash: Crash | undefined
  let calls = 0
  let hasStruck = false

  return {
    /** From now on. */
    set(next: Crash): void {
      crash = next
      calls = 0
      hasStruck = false
    },
    /** Nothing goes wrong any more. */
    clear(): void {
      crash = undefined
    },
    /** Whether there was such a call. */
    hasStruck: () => hasStruck,
    async pass<T>(call: () => Promise<T>, fault: () => Error): Promise<T> {
      if (hasStruck && crash?.isKill) throw fault()
      if (calls++ !== crash?.at) return call()
      hasStruck = true
      if (crash.hasHappened) await call()
      throw fault()
    },
  }
}

/** See `createCrashPoints`. */
export type CrashPoints = ReturnType<typeof createCrashPoints>
