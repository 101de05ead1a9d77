import { messageOf } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import type { ServiceManager } from '../ports.ts'
import { type Argv, type RunCommand, requireSuccess } from './command.ts'

interface ServiceManagerParts {
  readonly run: RunCommand
  readonly log: Logger
  /** The agent's own process id. */
  readonly pid: number
}

/** It waits until the message has been read, 5 s at most. */
const TIMEOUT_MS = 10_000

type Environment = Readonly<Record<string, string | undefined>>

/** sd_watchdog_enabled(3): a period is meant for the process named beside it alone. */
function readWatchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: Environment, pid: number): number | null {
  if (WATCHDOG_USEC === undefined || !/^[1-9]\d{0,15}$/.test(WATCHDOG_USEC)) return null
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid)) return null
  return Number(WATCHDOG_USEC) / 1000
}

/**
 * systemd, by its own `systemd-notify`: Node has no datagram sockets of the Unix domain, and the packages
 * that add them need a compiler or carry a binary for each platform. A call costs a few milliseconds of
 * a process that is there wherever systemd is, and carries the agent's own process id, so that
 * NotifyAccess=main suffices. `null` where nobody asked to be told: then nothing is ever started.
 */
export function createServiceManager(
  environment: Environment,
  { run, log, pid }: ServiceManagerParts,
): ServiceManager | null {
  if (!environment.NOTIFY_SOCKET) return null
  let last: Promise<unknown> = Promise.resolve()
  let hasFailed = false

  async function send(argv: Argv): Promise<void> {
    try {
      requireSuccess(await run(argv, { timeoutMs: TIMEOUT_MS }), 'systemd-notify')
      hasFailed = false
    } catch (cause) {
      if (!hasFailed) {
        log.warn({ event: 'untold', cause }, `could not tell systemd: ${messageOf(cause)}`)
      }
      hasFailed = true
    }
  }

  return {
    watchdogMs: readWatchdogMs(environment, pid),
    tell: (assignments) => {
      // One line each: what follows a line break would count as an assignment of its own.
      const words = Object.entries(assignments).map(
        ([name, value]) => `${name}=${value.replaceAll(/\s+/g, ' ')}`,
      )
      last = last.then(() => send(['systemd-notify', ...words]))
    },
  }
}
