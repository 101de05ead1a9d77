import { subscribe, unsubscribe } from 'node:diagnostics_channel'

const CHANNEL = 'child_process'

/** Knows when the first process was created since it was made. */
export interface SpawnClock {
  /** Milliseconds of `performance.now()`. @throws Error when no process was created */
  startedAt(): number
  stop(): void
}

/**
 * The time from which a program starts, whatever a harness prepares before: miniflare writes out all modules
 * of a Worker, which takes some 10 ms more for a large one, before it starts workerd.
 */
export function createSpawnClock(): SpawnClock {
  let first: number | undefined
  const note = (): void => {
    first ??= performance.now()
  }
  subscribe(CHANNEL, note)
  return {
    startedAt() {
      if (first === undefined) throw new Error('no process was started')
      return first
    },
    stop: () => void unsubscribe(CHANNEL, note),
  }
}
