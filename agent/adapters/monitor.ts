import type { Logger } from '../../shared/logger.ts'
import type { FollowCommand } from './command.ts'

/** Something that runs in the background until it is stopped. */
export interface Background {
  stop(): void
}

/** What following the kernel needs. */
export interface MonitorParts {
  readonly follow: FollowCommand
  readonly log: Logger
  readonly firstBackoffMs?: number
  readonly maxBackoffMs?: number
}

const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 60_000
/** A monitor that lived this long is healthy: its end starts the backoff anew. */
const HEALTHY_MS = 10_000

/**
 * Follows the kernel's announcements as hints: every line of `ip monitor` means "look again" and
 * nothing more, since the text differs between versions and events can be lost. `prefix` speaks 0.2 ms
 * after a router advertisement, a second or two before `address` does. When the monitor ends it is
 * started again, ever more slowly; meanwhile the loop's own timer finds the changes.
 */
export function startMonitor(onHint: () => void, parts: MonitorParts): Background {
  const firstBackoffMs = parts.firstBackoffMs ?? FIRST_BACKOFF_MS
  let backoffMs = firstBackoffMs
  let isStopped = false
  let timer: NodeJS.Timeout | undefined
  let stopCommand = (): void => undefined

  function start(): void {
    const startedAt = performance.now()
    const command = parts.follow(
      ['ip', '-6', 'monitor', 'prefix', 'address', 'route'],
      () => void onHint(),
    )
    stopCommand = command.stop
    void command.ended.then((reason) => {
      if (isStopped) return
      if (performance.now() - startedAt > HEALTHY_MS) backoffMs = firstBackoffMs
      parts.log.warn({ reason, retryMs: backoffMs }, 'ip monitor ended; polling until it is back')
      timer = setTimeout(start, backoffMs)
      backoffMs = Math.min(backoffMs * 2, parts.maxBackoffMs ?? MAX_BACKOFF_MS)
      // Whatever happened while nobody listened is found by looking once.
      onHint()
    })
  }

  start()
  return {
    stop: () => {
      isStopped = true
      clearTimeout(timer)
      stopCommand()
    },
  }
}
