import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ReprefixError } from '../../shared/errors.ts'
import { type Step, targetOf } from '../domain/step.ts'
import type { Journal } from '../ports.ts'

/** Where the journal is and how large it may grow. */
export interface JournalSettings {
  readonly path: string
  readonly now: () => Date
  /** The file is set aside as `.1` when it has grown beyond this. */
  readonly maxBytes?: number
}

const MAX_BYTES = 1024 * 1024

function describe(step: Step): { step: string; target: string } {
  return { step: step.kind, target: targetOf(step) }
}

/**
 * An append-only NDJSON file of stages begun and ended. `begin` is on disk before it returns, so that
 * after a crash the journal names what may have been half done; `end` rides on the next sync, because
 * losing it costs nothing: steps are idempotent and the next pass reads the world again.
 */
export function createJournal(settings: JournalSettings): Journal & { close(): Promise<void> } {
  const maxBytes = settings.maxBytes ?? MAX_BYTES
  let file: FileHandle | undefined
  let bytes = 0

  async function openFile(): Promise<FileHandle> {
    if (file && bytes > maxBytes) {
      await file.close()
      file = undefined
      await rename(settings.path, `${settings.path}.1`)
    }
    if (!file) {
      await mkdir(dirname(settings.path), { recursive: true, mode: 0o700 })
      file = await open(settings.path, 'a', 0o600)
      bytes = (await file.stat()).size
    }
    return file
  }

  async function append(line: object, isSynced: boolean): Promise<void> {
    try {
      const handle = await openFile()
      const text = `${JSON.stringify({ at: settings.now().toISOString(), ...line })}\n`
      await handle.appendFile(text)
      bytes += Buffer.byteLength(text)
      if (isSynced) await handle.datasync()
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC') {
        throw new ReprefixError(
          'DISK_FULL',
          `no space left for ${settings.path}; nothing of this stage was changed: free space on that file system`,
          { cause },
        )
      }
      throw new ReprefixError('FILE_WRITE_FAILED', `failed to write ${settings.path}`, { cause })
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
      ),
    close: async () => {
      await file?.close()
      file = undefined
    },
  }
}
