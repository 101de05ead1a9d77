import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'

/** What passes are scheduled with. */
export interface ScheduleDeps {
  readonly run: () => Promise<unknown>
  /** From the end of a pass to the next one, in milliseconds, a tenth more or less. */
  readonly everyMs: number
  /** Runs `act` after so many milliseconds, unless the answer is called before. */
  readonly schedule: (ms: number, act: () => void) => () => void
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly logger: Logger
}

/** Passes that run by themselves. */
export interface PassSchedule {
  /** Begins no pass any more, and waits for the one that runs. */
  stop(): Promise<void>
}

/** Soon after the start: what the process before it has left is waited for. */
const FIRST_MS = 30_000
const JITTER = 0.1

/** Runs one pass after the other for as long as a process lives. One that fails is told; the next comes. */
export function schedulePasses({
  run,
  everyMs,
  schedule,
  random,
  logger,
}: ScheduleDeps): PassSchedule {
  let running: Promise<void> = Promise.resolve()
  let isStopped = false
  let cancel = later(Math.min(FIRST_MS, everyMs))

  function later(ms: number): () => void {
    // Several processes that were started together must not meet each time.
    return schedule(ms * (1 - JITTER + 2 * JITTER * random()), () => {
      running = pass()
    })
  }

  async function pass(): Promise<void> {
    try {
      await run()
    } catch (error) {
      logger.error({ event: 'pass', error }, `the pass failed: ${messageOf(error)}`)
    }
    if (!isStopped) cancel = later(everyMs)
  }

  return {
    async stop() {
      isStopped = true
      cancel()
      await running
    },
  }
}
