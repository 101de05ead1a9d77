import * as v from 'valibot'
import { decodeBase64 } from './base64.ts'
import { type Checkpoint, type NoteVerifier, openCheckpoint } from './checkpoint.ts'
import {
  type EntryKind,
  type EntryOf,
  type LogEntry,
  parseEntry,
  recordOutcomeSchema,
} from './entry.ts'
import { messageOf, ReprefixError } from './errors.ts'
import { describeIssues } from './issue.ts'
import { digestOf } from './jws.ts'
import { leafHash, verifyConsistency, verifyInclusion } from './merkle.ts'
import { countSchema, digestSchema, hashSchema, hostSchema } from './schema.ts'
import { parseTlogProof } from './tlog-proof.ts'

const MAX_PROOF_LINES = 64
const proven = {
  /** The log entry, verbatim: its UTF-8 bytes are the leaf. */
  entry: v.string(),
  /** C2SP tlog-proof of the entry. */
  proof: v.string(),
  /** Consistency proof from the checkpoint in the report, hashes in Base 64. */
  consistency: v.pipe(v.array(hashSchema), v.maxLength(MAX_PROOF_LINES)),
}

/** The answer to a report. Members may be added, so unknown ones are let through unread. */
export const receiptSchema = v.looseObject({
  ...proven,
  result: v.looseObject({ outcomes: v.array(recordOutcomeSchema) }),
})

/** The answer to a report that is logged while DNS is not finished: the same bytes again get the outcome. */
export const pendingSchema = v.looseObject({
  status: v.literal('pending'),
  retryAfterSeconds: countSchema,
})

/** The answer to an enrolment: what the host may claim. */
export const enrolmentReceiptSchema = v.looseObject({
  ...proven,
  result: v.looseObject({
    host: hostSchema,
    names: v.array(v.string()),
    types: v.array(v.string()),
    prefixes: v.array(v.string()),
  }),
})

/** The answer to a rotation: the key that speaks for the host from now on. */
export const rotationReceiptSchema = v.looseObject({
  ...proven,
  result: v.looseObject({ host: hostSchema, kid: digestSchema }),
})

/** The answer to a rotation; see `rotationReceiptSchema`. */
export interface RotationReceipt {
  readonly entry: string
  readonly proof: string
  readonly consistency: readonly string[]
  readonly result: { readonly host: string; readonly kid: string }
}

/** The answer to a report; see `receiptSchema`. */
export interface Receipt {
  readonly entry: string
  readonly proof: string
  readonly consistency: readonly string[]
  readonly result: { readonly outcomes: EntryOf<'applied'>['outcomes'] }
}

/** The answer to an enrolment; see `enrolmentReceiptSchema`. */
export interface EnrolmentReceipt {
  readonly entry: string
  readonly proof: string
  readonly consistency: readonly string[]
  readonly result: Enrolment
}

/** What a host was enrolled as. */
export interface Enrolment {
  readonly host: string
  readonly names: readonly string[]
  readonly types: readonly string[]
  readonly prefixes: readonly string[]
}

/** A point of the log that was verified before. */
export interface Witness {
  readonly size: number
  readonly root: Uint8Array
}

/**
 * Verifies the answer to the report `jws`: the entry is about exactly these bytes, is in the log
 * that one of the keys signed, and that log continues the one that was seen as `witness`.
 * Trusts only what the log holds: outcomes come from the entry.
 * @throws ReprefixError RECEIPT_INVALID saying which of these does not hold
 */
export async function verifyReceipt(
  receipt: unknown,
  expected: {
    readonly verifiers: readonly NoteVerifier[]
    readonly witness: Witness
    readonly jws: string
  },
): Promise<{ entry: EntryOf<'applied'>; index: number; checkpoint: Checkpoint }> {
  const { decoded, entry } = decodeApplied(receipt)
  if (entry.digest !== (await digestOf(expected.jws)))
    throw invalid('its log entry is about another report')
  return { entry, ...(await verifyProof(decoded, expected.verifiers, expected.witness)) }
}

/**
 * Verifies of an answer to some report that its entry is in the log that one of the keys signed, for
 * answers whose report was not kept. Neither says which report it answers, nor that the log continues
 * one seen before: an agent that waits for an answer needs `verifyReceipt`.
 * @throws ReprefixError RECEIPT_INVALID
 */
export async function verifyLogged(
  receipt: unknown,
  verifiers: readonly NoteVerifier[],
): Promise<{ entry: EntryOf<'applied'>; index: number; checkpoint: Checkpoint }> {
  const { decoded, entry } = decodeApplied(receipt)
  return { entry, ...(await verifyProof(decoded, verifiers, undefined)) }
}

function decodeApplied(receipt: unknown) {
  const decoded = decode(receiptSchema, receipt)
  const entry = entryOf(decoded.entry, 'applied')
  if (JSON.stringify(entry.outcomes) !== JSON.stringify(decoded.result.outcomes)) {
    throw invalid('its result differs from the log entry')
  }
  return { decoded, entry }
}

/**
 * Verifies the answer to an enrolment: the entry names the host and the key, and is in the log.
 * @throws ReprefixError RECEIPT_INVALID
 */
export async function verifyEnrolmentReceipt(
  receipt: unknown,
  expected: { readonly verifiers: readonly NoteVerifier[]; readonly kid: string },
): Promise<{
  entry: EntryOf<'enroll'>
  index: number
  checkpoint: Checkpoint
  result: Enrolment
}> {
  const decoded = decode(enrolmentReceiptSchema, receipt)
  const entry = entryOf(decoded.entry, 'enroll')
  if (entry.kid !== expected.kid) throw invalid('its log entry is about another key')
  if (entry.host !== decoded.result.host) throw invalid('its log entry is about another host')
  const { host, names, types, prefixes } = decoded.result
  const proof = await verifyProof(decoded, expected.verifiers, undefined)
  return { entry, ...proof, result: { host, names, types, prefixes } }
}

/**
 * Verifies the answer to a rotation: the entry names the host and both keys, is in the log, and that log
 * continues the one that was seen as `witness`.
 * @throws ReprefixError RECEIPT_INVALID
 */
export async function verifyRotationReceipt(
  receipt: unknown,
  expected: {
    readonly verifiers: readonly NoteVerifier[]
    readonly witness: Witness
    readonly host: string
    readonly kid: string
    readonly successor: string
  },
): Promise<{ entry: EntryOf<'rotate'>; index: number; checkpoint: Checkpoint }> {
  const decoded = decode(rotationReceiptSchema, receipt)
  const entry = entryOf(decoded.entry, 'rotate')
  if (entry.host !== expected.host) throw invalid('its log entry is about another host')
  if (entry.kid !== expected.kid || entry.successor !== expected.successor) {
    throw invalid('its log entry is about other keys')
  }
  return { entry, ...(await verifyProof(decoded, expected.verifiers, expected.witness)) }
}

async function verifyProof(
  receipt: { entry: string; proof: string; consistency: readonly string[] },
  verifiers: readonly NoteVerifier[],
  witness: Witness | undefined,
): Promise<{ index: number; checkpoint: Checkpoint }> {
  try {
    const { index, hashes, checkpoint: note } = parseTlogProof(receipt.proof)
    const checkpoint = await openCheckpoint(note, verifiers)
    const leaf = await leafHash(new TextEncoder().encode(receipt.entry))
    const { size, root } = checkpoint
    if (!(await verifyInclusion({ leaf, index, size, root, proof: hashes }))) {
      throw invalid('its log entry is not in the log')
    }
    const proof = receipt.consistency.map((text) => decodeBase64(text))
    if (
      witness !== undefined &&
      !(await verifyConsistency({ from: witness, to: checkpoint, proof }))
    ) {
      throw invalid(
        `the log of ${size} entries does not continue the one of ${witness.size} seen before: it was rewritten`,
      )
    }
    return { index, checkpoint }
  } catch (cause) {
    if (cause instanceof ReprefixError && cause.code === 'RECEIPT_INVALID') throw cause
    throw new ReprefixError('RECEIPT_INVALID', `invalid receipt: ${messageOf(cause)}`, { cause })
  }
}

function entryOf<K extends EntryKind>(text: string, kind: K): EntryOf<K> {
  const entry = parse(text)
  if (isKind(entry, kind)) return entry
  throw invalid(`its log entry is of the kind ${entry.kind}, not ${kind}`)
}

function parse(text: string): LogEntry {
  try {
    return parseEntry(text)
  } catch (cause) {
    throw new ReprefixError('RECEIPT_INVALID', `invalid receipt: ${messageOf(cause)}`, { cause })
  }
}

function isKind<K extends EntryKind>(entry: LogEntry, kind: K): entry is EntryOf<K> {
  return entry.kind === kind
}

function decode<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  throw invalid(describeIssues(result.issues))
}

function invalid(reason: string): ReprefixError {
  return new ReprefixError('RECEIPT_INVALID', `invalid receipt: ${reason}`)
}
