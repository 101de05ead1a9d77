import * as v from 'valibot'
import { decodeBase64, encodeBase64 } from '../../shared/base64.ts'
import { sha256 } from '../../shared/ed25519.ts'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { describeIssues } from '../../shared/issue.ts'
import { concatenate, type Sha256 } from '../../shared/merkle-hash.ts'
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
      /** The digest of the tree hashes that the log keeps with it; see `treeDigest`. */
      readonly tree?: Uint8Array
    }
  | { readonly kind: 'checkpoint'; readonly checkpoint: string }

/** The line of an entry. */
export const exportedEntrySchema = v.strictObject({
  index: countSchema,
  leaf: v.exactOptional(hashSchema),
  tree: v.exactOptional(hashSchema),
  entry: v.string(),
})
const checkpointSchema = v.strictObject({ checkpoint: v.string() })
const lineSchema = v.union([exportedEntrySchema, checkpointSchema])

/** The line of one row. */
export async function renderEntryLine(row: LogRow): Promise<string> {
  const { index, entry } = row
  const [leaf, tree] = [encodeBase64(row.leaf), encodeBase64(await treeDigest(row))]
  return `${JSON.stringify({ index, leaf, tree, entry })}\n`
}

/**
 * SHA-256 over the subtree hashes and the right edge of a row. They follow from the leaves, so an
 * export needs no more to tell whether the log still has those that proofs are made of.
 */
export async function treeDigest(
  { nodes, frontier }: Pick<LogRow, 'nodes' | 'frontier'>,
  hash: Sha256 = sha256,
): Promise<Uint8Array> {
  return hash(concatenate(...nodes, ...frontier))
}

/** The last line of an export. */
export function renderCheckpointLine(checkpoint: string): string {
  return `${JSON.stringify({ checkpoint })}\n`
}

/**
 * Reads one untrusted line, with or without its newline. Refuses a duplicate member and every spelling
 * that the renderers above do not write, so that no two readers understand one line differently.
 * @throws ReprefixError REQUEST_INVALID
 */
export function parseExportLine(text: string): ExportLine {
  const result = v.safeParse(lineSchema, decode(text))
  if (!result.success) throw invalid(describeIssues(result.issues))
  const line = result.output
  if (JSON.stringify(line) !== text.replace(/\n$/, '')) {
    throw invalid('it has a duplicate member, white space or an unusual spelling')
  }
  if ('checkpoint' in line) return { kind: 'checkpoint', checkpoint: line.checkpoint }
  const { index, entry, leaf, tree } = line
  return {
    kind: 'entry',
    index,
    entry,
    ...(leaf === undefined ? {} : { leaf: decodeBase64(leaf) }),
    ...(tree === undefined ? {} : { tree: decodeBase64(tree) }),
  }
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
