import * as v from 'valibot'
import { readJsonFile, writeJsonFile } from './json-file.ts'

const lastChangeSchema = v.strictObject({
  at: v.string(),
  /** `null` where the prefix stayed and something else was put right. */
  renumbering: v.nullable(
    v.strictObject({ cause: v.string(), from: v.nullable(v.string()), to: v.string() }),
  ),
  /** From the beginning of the pass to its last step. */
  ms: v.number(),
  steps: v.array(
    v.strictObject({
      step: v.string(),
      target: v.string(),
      outcome: v.picklist(['done', 'failed', 'not-tried']),
      ms: v.number(),
      error: v.exactOptional(v.string()),
    }),
  ),
})

/** What the agent changed last, for `status`. */
export type LastChange = v.InferOutput<typeof lastChangeSchema>

/** Reads the last change; `null` before the first. */
export function readLastChange(path: string): Promise<LastChange | null> {
  return readJsonFile(path, lastChangeSchema, `remove it (rm ${path}): it is only shown`)
}

/** Replaces the last change. */
export function writeLastChange(path: string, change: LastChange): Promise<void> {
  return writeJsonFile(path, change)
}
