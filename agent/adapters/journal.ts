import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf } from '../../shared/errors.ts'
import { writeFault } from '../../shared/files.ts'
import type { Logger } from '../../shared/logger.ts'
import { type Step, targetOf } from '../domain/step.ts'
import type { Journal } from '../ports.ts'

/** Where the journal is and how large it may grow. */
export interface JournalSettings {
  readonly path: string
  readonly now: () => Date
  readonly log: Logger
  /** The file is set aside as `.1` when it has grown beyond this. */
  readonly maxBytes?: number
}

const MAX_BYTES = 1024 * 1024

function describe(step: Step): { step: string; target: string } {
  return { step: step.kind, target: targetOf(step) }
}

/**
 * An append-only NDJSON file of passes begun and stages ended. `begin` is on disk before it returns, so
 * that after a crash the journal names what may have been half done; `end` rides on the next sync,
 * because losing it costs nothing: steps are idempotent and the next pass reads the world again. A line
 * cut short, by a full disk or a crash, is left as it is and ended before the next one.
 * `begin` throws DISK_FULL or FILE_WRITE_FAILED.
 */
export function createJournal(settings: JournalSettings): Journal & { close(): Promise<void> } {
  const maxBytes = settings.maxBytes ?? MAX_BYTES
  let file: FileHandle | undefined
  let bytes = 0
  let isCutShort = false

  async function openFile(): Promise<FileHandle> {
    if (file && bytes > maxBytes) {
      await file.close()
      file = undefined
      await rename(settings.path, `${settings.path}.1`)
    }
    if (!file) {
      await mkdir(dirname(settings.path), { recursive: true, mode: 0o700 })
      file = await open(settings.path, 'a+', 0o600)
      bytes = (await file.stat()).size
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, Math.max(bytes - 1, 0))
      isCutShort = bytesRead === 1 && buffer.toString() !== '\n'
    }
    return file
  }

  async function append(line: object, isSynced: boolean): Promise<void> {
    try {
      const handle = await openFile()
      const json = JSON.stringify({ at: settings.now().toISOString(), ...line })
      const text = `${isCutShort ? '\n' : ''}${json}\n`
      isCutShort = true
      await handle.appendFile(text)
      isCutShort = false
      bytes += Buffer.byteLength(text)
      if (isSynced) await handle.datasync()
    } catch (cause) {
      throw writeFault(settings.path, cause)
    }
  }

  return {
    begin: (steps) => append({ stage: 'begin', steps: steps.map(describe) }, true),
    end: (results) =>
      append(
        {
          stage: 'end',
          results: results.map(({ step, outcome, ms, error }) => ({
            ...describe(step),
            outcome,
            ms,
            ...(error === undefined ? {} : { error }),
          })),
        },
        false,
      ).catch((cause: unknown) => {
        settings.log.warn({ event: 'unwritten' }, `the journal is incomplete: ${messageOf(cause)}`)
      }),
    close: async () => {
      await file?.close()
      file = undefined
    },
  }
}
