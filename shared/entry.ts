import * as v from 'valibot'
import { ReprefixError } from './errors.ts'
import { describeIssues } from './issue.ts'
import {
  countSchema,
  digestSchema,
  hostSchema,
  nameSchema,
  rrTypeSchema,
  timestampSchema,
} from './schema.ts'

const jwsSchema = v.pipe(v.string(), v.regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, 'is not a compact JWS'))
const textSchema = v.pipe(v.string(), v.maxLength(2000))
// Taken as it is: a copy would lose a member named like a part of every object, or take a list for one.
const policySchema = v.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'is not an object',
)
const signer = { host: hostSchema, kid: digestSchema }

/** What became of one RRset at one provider. `values` are those asked for, empty for a deletion. */
export const recordOutcomeSchema = v.strictObject({
  name: nameSchema,
  type: rrTypeSchema,
  provider: v.pipe(v.string(), v.maxLength(64)),
  outcome: v.picklist(['unchanged', 'created', 'updated', 'deleted', 'failed']),
  values: v.array(v.string()),
  error: v.exactOptional(v.strictObject({ kind: v.string(), message: textSchema })),
})

/**
 * An RRset that a provider does not have as it was last reported, and which is written again: `changed`,
 * somebody else has written it; `lost`, the provider has given up a write that it had accepted.
 */
export const driftRecordSchema = v.strictObject({
  name: nameSchema,
  type: v.picklist(['A', 'AAAA', 'TXT']),
  provider: v.pipe(v.string(), v.maxLength(64)),
  cause: v.picklist(['changed', 'lost']),
  /** What the provider has, as far as it was looked at; empty for nothing. */
  found: v.pipe(v.array(textSchema), v.maxLength(32)),
  /** What it is to have again; empty for a deletion. */
  values: v.array(v.string()),
})

/**
 * The entries of the audit log, version 1; `at` is the cloud's time. The leaf of the tree is the
 * entry's exact JSON bytes as stored.
 */
export const entrySchema = v.variant('kind', [
  entryOf('genesis', { origin: textSchema, vkey: textSchema }),
  entryOf('policy', { host: hostSchema, policy: policySchema }),
  entryOf('enroll', { ...signer, jws: jwsSchema, token: v.string() }),
  entryOf('rotate', { ...signer, successor: digestSchema, jws: jwsSchema }),
  entryOf('revoke', signer),
  entryOf('report', { ...signer, seq: countSchema, jws: jwsSchema }),
  entryOf('applied', {
    ...signer,
    seq: countSchema,
    /** Index of the `report` entry. */
    report: countSchema,
    /** SHA-256 of the report's JWS text. */
    digest: digestSchema,
    outcomes: v.array(recordOutcomeSchema),
  }),
  entryOf('denied', {
    ...signer,
    seq: countSchema,
    digest: digestSchema,
    code: v.string(),
    detail: textSchema,
    jws: jwsSchema,
  }),
  entryOf('drift', {
    zone: nameSchema,
    records: v.pipe(v.array(driftRecordSchema), v.minLength(1)),
  }),
])

/** One entry of the audit log; see `entrySchema`. */
export type LogEntry = v.InferOutput<typeof entrySchema>
/** The kinds of entries. */
export type EntryKind = LogEntry['kind']
/** Every kind of entry. */
export const ENTRY_KINDS: readonly EntryKind[] = entrySchema.options.map(
  ({ entries }) => entries.kind.literal,
)
/** The entry of one kind. */
export type EntryOf<K extends EntryKind> = Extract<LogEntry, { kind: K }>
/** What became of one RRset at one provider. */
export type RecordOutcome = v.InferOutput<typeof recordOutcomeSchema>

/** An RRset that a provider does not have as it was last reported. */
export type DriftRecord = v.InferOutput<typeof driftRecordSchema>

/**
 * Reads an entry's JSON text. Refuses unknown members, and text that `renderEntry` would not write,
 * so that no two readers can understand one leaf differently.
 * @throws ReprefixError ENTRY_INVALID
 */
export function parseEntry(text: string): LogEntry {
  const result = v.safeParse(entrySchema, decodeEntry(text))
  if (result.success) return result.output
  throw new ReprefixError('ENTRY_INVALID', `invalid log entry: ${describeIssues(result.issues)}`)
}

/** The entry's JSON text, whose UTF-8 bytes are the leaf. */
export function renderEntry(entry: LogEntry): string {
  return JSON.stringify(entry)
}

function entryOf<K extends string, M extends v.ObjectEntries>(kind: K, members: M) {
  const common = { v: v.literal(1), kind: v.literal(kind), at: timestampSchema }
  return v.strictObject({ ...common, ...members })
}

function decodeEntry(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    if (JSON.stringify(value) === text) return value
  } catch (cause) {
    throw new ReprefixError('ENTRY_INVALID', 'the log entry is not JSON', { cause })
  }
  throw new ReprefixError(
    'ENTRY_INVALID',
    'the log entry has a duplicate member or white space, so it could be read in two ways',
  )
}
