import type { Tally } from './probe-protocol.ts'

/** Counts one kind of request. */
export interface RunningTally {
  sent(): void
  lost(): void
  /** `at` in milliseconds, for the gaps between successes. */
  answered(at: number): void
  read(): Tally
}

/** Starts counting at zero. */
export function openTally(): RunningTally {
  let sent = 0
  let lost = 0
  let longestGapMs = 0
  let last: number | undefined
  return {
    sent: () => {
      sent += 1
    },
    lost: () => {
      lost += 1
    },
    answered: (at) => {
      if (last !== undefined) longestGapMs = Math.max(longestGapMs, at - last)
      last = Math.max(last ?? at, at)
    },
    read: () => ({ sent, lost, longestGapMs: Math.round(longestGapMs) }),
  }
}
