import { rm } from 'node:fs/promises'
import * as v from 'valibot'
import { readJsonFile, writeJsonFile } from './json-file.ts'

const LastAttemptSchema = v.strictObject({
  at: v.string(),
  /** Why the report could not be confirmed. */
  reason: v.string(),
  /** How often in a row. */
  failures: v.number(),
  /** When it is tried again. */
  retryAt: v.string(),
})

/** The last attempt to deliver a report, if it failed. */
export type LastAttempt = v.InferOutput<typeof LastAttemptSchema>

/** Where the last failed attempt is kept, for `status`. */
export interface LastAttemptFile {
  /** `null` when the last attempt succeeded, or there was none. */
  read(): Promise<LastAttempt | null>
  write(attempt: LastAttempt): Promise<void>
  clear(): Promise<void>
}

/** Keeps the last failed attempt in one file. */
export function createLastAttemptFile(path: string): LastAttemptFile {
  return {
    read: () => readJsonFile(path, LastAttemptSchema, `remove it (rm ${path}): it is only shown`),
    write: (attempt) => writeJsonFile(path, attempt),
    clear: () => rm(path, { force: true }),
  }
}
