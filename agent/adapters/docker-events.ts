import { messageOf } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import type { DockerApi } from './docker.ts'
import type { Listener } from './monitor.ts'

const FIRST_BACKOFF_MS = 250
const MAX_BACKOFF_MS = 15_000

/**
 * Follows Docker's events as hints. The stream ends with the daemon; it is opened again, ever more
 * slowly; its opening and its end are hints too, for what happens while nobody listens.
 */
export function startDockerEvents(api: DockerApi, onHint: () => void, log: Logger): Listener {
  const abort = new AbortController()
  let backoffMs = FIRST_BACKOFF_MS
  let isOpen = false

  /** The first one is that the stream is open. */
  function onEvent(): void {
    isOpen = true
    onHint()
  }

  async function follow(): Promise<void> {
    while (!abort.signal.aborted) {
      const startedAt = performance.now()
      try {
        await api.followEvents(onEvent, abort.signal)
        isOpen = false
        if (!abort.signal.aborted) onHint()
      } catch (cause) {
        isOpen = false
        log.debug({ reason: messageOf(cause), retryMs: backoffMs }, 'no events from Docker')
      }
      if (abort.signal.aborted) return
      if (performance.now() - startedAt > MAX_BACKOFF_MS) backoffMs = FIRST_BACKOFF_MS
      await pause(backoffMs, abort.signal)
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)
    }
  }

  void follow()
  return { isListening: () => isOpen, stop: () => abort.abort() }
}

/** Waits, at most until the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal.addEventListener('abort', finish)
    if (signal.aborted) finish()
  })
}
