import { watch } from 'node:fs'
import { constants, open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { messageOf } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { aged, parseDelegations } from '../domain/delegation.ts'
import type { DelegationSource } from './delegation-source.ts'
import type { Background } from './monitor.ts'

/** A list of delegations is far smaller. */
const MAX_BYTES = 65_536
const WATCH_AGAIN_MS = 60_000

/**
 * Reads delegations from a file, in the form of {@link parseDelegations}; lifetimes count from when it
 * was written. A file that is missing, unreadable, empty or half written says nothing, never "none".
 */
export function createDelegationFile(path: string, now: () => number): DelegationSource {
  async function readText(): Promise<{ readonly text: string; readonly writtenAt: number }> {
    // Non-blocking: a named pipe without a writer would otherwise keep the pass waiting for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = await file.stat()
      if (!stats.isFile()) throw new Error('it is no regular file')
      if (stats.size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`)
      return { text: await file.readFile('utf8'), writtenAt: stats.mtimeMs }
    } finally {
      await file.close()
    }
  }

  return {
    read: async () => {
      try {
        const { text, writtenAt } = await readText()
        const list = parseDelegations(text)
        if ('fault' in list) return { fault: `${path}: ${list.fault}` }
        return { value: aged(list.value, now() - writtenAt) }
      } catch (cause) {
        return { fault: `failed to read ${path}: ${messageOf(cause)}` }
      }
    },
    watch: (onHint, log) => watchFile(path, onHint, log),
  }
}

/**
 * Hints when the file changes. Its directory is watched, because a file that is replaced is another
 * one; where that cannot be watched it is tried again each minute, and the loop's own timer finds
 * changes meanwhile.
 */
function watchFile(path: string, onHint: () => void, log: Logger): Background {
  let timer: NodeJS.Timeout | undefined
  let close = (): void => undefined

  function again(cause: unknown): void {
    close()
    log.debug({ event: 'unwatched', path, cause: messageOf(cause) }, `polling ${path}`)
    timer = setTimeout(start, WATCH_AGAIN_MS)
    timer.unref()
  }

  function start(): void {
    try {
      const watcher = watch(dirname(path), { persistent: false }, (_, name) => {
        if (name === null || name === basename(path)) onHint()
      })
      close = () => watcher.close()
      watcher.on('error', again)
      // What happened while nobody watched is found by looking once.
      onHint()
    } catch (cause) {
      again(cause)
    }
  }

  start()
  return {
    stop: () => {
      clearTimeout(timer)
      close()
    },
  }
}
