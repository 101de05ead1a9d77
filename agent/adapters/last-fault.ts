import { rm } from 'node:fs/promises'
import * as v from 'valibot'
import { readJsonFile, writeJsonFile } from './json-file.ts'

const LastFaultSchema = v.strictObject({
  /** When passes began to fail, and when the last one did. */
  since: v.string(),
  at: v.string(),
  code: v.string(),
  message: v.string(),
})

/** Why passes fail. */
export type LastFault = v.InferOutput<typeof LastFaultSchema>

/** Where the reason is kept, for `status` and `doctor`. */
export interface LastFaultFile {
  /** `null` when the last pass was good, or there was none. */
  read(): Promise<LastFault | null>
  write(fault: LastFault): Promise<void>
  clear(): Promise<void>
}

/** Keeps the reason in one file. */
export function createLastFaultFile(path: string): LastFaultFile {
  return {
    read: () => readJsonFile(path, LastFaultSchema, `remove it (rm ${path}): it is only shown`),
    write: (fault) => writeJsonFile(path, fault),
    clear: () => rm(path, { force: true }),
  }
}
