import type { Logger } from '../../shared/logger.ts'
import type { Argv, FollowCommand } from './command.ts'

/** Something that runs in the background until it is stopped. */
export interface Background {
  stop(): void
}

/** Something in the background that tells what happens; while it is deaf, only looking helps. */
export interface Listener extends Background {
  isListening(): boolean
}

/** What following the kernel needs. */
export interface MonitorParts {
  readonly follow: FollowCommand
  readonly log: Logger
  readonly firstBackoffMs?: number
  readonly maxBackoffMs?: number
}

/** A command whose lines are hints. */
export interface Announcer {
  readonly name: string
  readonly argv: Argv
  /** Every line is one unless this says otherwise. */
  readonly isHint?: (line: string) => boolean
  /** It ends often, which is then no news, and what happens meanwhile is looked for when it is back. */
  readonly isFragile?: boolean
  /** Whether its end means that it will never work here. */
  readonly isPointless?: (reason: string) => boolean
}

const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 60_000
/** A monitor that lived this long is healthy: its end starts the backoff anew. */
const HEALTHY_MS = 10_000

/**
 * Follows the kernel's announcements as hints: every line of `ip monitor` means "look again" and
 * nothing more, since the text differs between versions and events can be lost. `prefix` speaks 0.2 ms
 * after a router advertisement, a second or two before `address` does. `onHint` is given the line, or
 * nothing when the command has ended.
 */
export function startMonitor(onHint: (line?: string) => void, parts: MonitorParts): Listener {
  const argv: Argv = ['ip', '-6', 'monitor', 'prefix', 'address', 'route']
  return keepFollowing({ name: 'ip monitor', argv }, onHint, parts)
}

/**
 * Follows a command that announces changes. When it ends it is started again, ever more slowly;
 * meanwhile the loop's own timer finds the changes.
 */
export function keepFollowing(
  announcer: Announcer,
  onHint: (line?: string) => void,
  parts: MonitorParts,
): Listener {
  const { name, isHint = () => true, isPointless = () => false } = announcer
  const firstBackoffMs = parts.firstBackoffMs ?? FIRST_BACKOFF_MS
  let backoffMs = firstBackoffMs
  let isStopped = false
  let isRunning = false
  let timer: NodeJS.Timeout | undefined
  let stopCommand = (): void => undefined

  function start(): void {
    const startedAt = performance.now()
    const command = parts.follow(announcer.argv, (line) => {
      if (isHint(line)) onHint(line)
    })
    stopCommand = command.stop
    isRunning = true
    void command.ended.then((reason) => {
      isRunning = false
      if (isStopped) return
      if (isPointless(reason)) {
        parts.log.info({ reason }, `${name} cannot be used here; polling instead`)
        return
      }
      if (performance.now() - startedAt > HEALTHY_MS) backoffMs = firstBackoffMs
      const level = announcer.isFragile ? 'debug' : 'warn'
      parts.log[level]({ reason, retryMs: backoffMs }, `${name} ended; polling until it is back`)
      timer = setTimeout(() => {
        start()
        if (announcer.isFragile) onHint()
      }, backoffMs)
      backoffMs = Math.min(backoffMs * 2, parts.maxBackoffMs ?? MAX_BACKOFF_MS)
      // Whatever happened while nobody listened is found by looking once.
      onHint()
    })
  }

  start()
  return {
    isListening: () => isRunning,
    stop: () => {
      isStopped = true
      clearTimeout(timer)
      stopCommand()
    },
  }
}
