import * as v from 'valibot'
import { decodeBase64, encodeBase64 } from '../../shared/base64.ts'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { describeIssues } from '../../shared/issue.ts'
import { countSchema, hashSchema } from '../../shared/schema.ts'
import type { LogRow } from '../ports.ts'

/** One line of an export: an entry with its place, or, last, the checkpoint over all of them. */
export type ExportLine =
  | {
      readonly kind: 'entry'
      readonly index: number
      /** The entry's exact text. */
      readonly entry: string
      /** Its leaf hash as the log keeps it, so that damage can be told from a rewritten log. */
      readonly leaf?: Uint8Array
    }
  | { readonly kind: 'checkpoint'; readonly checkpoint: string }

const entrySchema = v.strictObject({
  index: countSchema,
  leaf: v.exactOptional(hashSchema),
  entry: v.string(),
})
const checkpointSchema = v.strictObject({ checkpoint: v.string() })
const lineSchema = v.union([entrySchema, checkpointSchema])

/** The line of one row. */
export function renderEntryLine({
  index,
  leaf,
  entry,
}: Omit<LogRow, 'nodes' | 'frontier'>): string {
  return `${JSON.stringify({ index, leaf: encodeBase64(leaf), entry })}\n`
}

/** The last line of an export. */
export function renderCheckpointLine(checkpoint: string): string {
  return `${JSON.stringify({ checkpoint })}\n`
}

/** Reads one untrusted line. @throws ReprefixError REQUEST_INVALID */
export function parseExportLine(text: string): ExportLine {
  const result = v.safeParse(lineSchema, decode(text))
  if (!result.success) throw invalid(describeIssues(result.issues))
  const line = result.output
  if ('checkpoint' in line) return { kind: 'checkpoint', checkpoint: line.checkpoint }
  const { index, entry, leaf } = line
  const base = { kind: 'entry', index, entry } as const
  return leaf === undefined ? base : { ...base, leaf: decodeBase64(leaf) }
}

function decode(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(messageOf(error))
  }
}

function invalid(reason: string): ReprefixError {
  return new ReprefixError('REQUEST_INVALID', `not a line of a log export: ${reason}`)
}
