import type { ServiceManager } from './ports.ts'

/** The agent as its service manager sees it. */
export interface Service {
  /** The loop gets on: a pass began, or something that a pass waited for has ended. */
  progressed(): void
  /**
   * A pass has ended, well or not. The first one makes the service ready; one that answers a reload
   * ends the reload.
   */
  passed(reasons: readonly string[], status: string): void
  /** A reload was asked for; `RELOAD` is the reason of the pass that will answer it. */
  reloading(): void
  stopping(): void
  /** Ends the timers. */
  end(): void
}

/** The reason of a pass that a reload asked for. */
export const RELOAD = 'SIGHUP'

/**
 * A loop that shows no progress for this long hangs. It looks every minute even when nothing happens, and
 * whatever a pass waits for ends within 120 s, however long the pass takes as a whole.
 */
const STALL_MS = 180_000
/** A change of the status is told this much later, with others of that time: it never delays a report. */
const STATUS_PAUSE_MS = 1000

/** An agent that nobody watches over. */
const UNWATCHED: Service = {
  progressed: () => undefined,
  passed: () => undefined,
  reloading: () => undefined,
  stopping: () => undefined,
  end: () => undefined,
}

/**
 * Tells a service manager how the agent is (sd_notify(3)): ready, reloading, stopping, its status in
 * words, and signs of life for as long as the loop gets on. A loop that hangs is told of by silence.
 * Without a service manager nothing is done at all. `monotonicUs` reads CLOCK_MONOTONIC, which stands
 * still while the host sleeps.
 */
export function startService(manager: ServiceManager | null, monotonicUs: () => number): Service {
  if (manager === null) return UNWATCHED
  const { watchdogMs, tell } = manager
  let progressAtUs = monotonicUs()
  let isReady = false
  let status = ''
  let told = ''
  let statusTimer: NodeJS.Timeout | undefined

  function tellStatus(): void {
    statusTimer = undefined
    if (status === told) return
    told = status
    tell({ STATUS: status })
  }

  function tellReady(): void {
    isReady = true
    told = status
    tell({ READY: '1', STATUS: status })
  }

  // Half the period, as sd_watchdog_enabled(3) advises.
  const pings =
    watchdogMs === null
      ? undefined
      : setInterval(() => {
          if (monotonicUs() - progressAtUs < STALL_MS * 1000) tell({ WATCHDOG: '1' })
        }, watchdogMs / 2).unref()

  return {
    progressed: () => {
      progressAtUs = monotonicUs()
    },
    passed: (reasons, words) => {
      progressAtUs = monotonicUs()
      status = words
      if (!isReady || reasons.includes(RELOAD)) tellReady()
      else if (status !== told) statusTimer ??= setTimeout(tellStatus, STATUS_PAUSE_MS).unref()
    },
    reloading: () => {
      // Before the first pass the service is not ready yet, and nothing could be loaded anew.
      if (isReady) tell({ RELOADING: '1', MONOTONIC_USEC: String(monotonicUs()) })
    },
    stopping: () => tell({ STOPPING: '1' }),
    end: () => {
      clearInterval(pings)
      clearTimeout(statusTimer)
    },
  }
}
