import { basename } from 'node:path'
import { decodeBase64 } from '../../shared/base64.ts'
import { type NoteVerifier, parseVkey } from '../../shared/checkpoint.ts'
import { parseStrictJson } from '../../shared/compact.ts'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import {
  importSigningKey,
  parseReportJws,
  type VerificationKey,
  verifyReportJws,
} from '../../shared/jws.ts'
import { verifyLogged, verifyReceipt, type Witness } from '../../shared/receipt.ts'
import { parseReport, type Report } from '../../shared/report.ts'
import { readEnrolment } from '../adapters/enrolment-file.ts'
import { createOutbox } from '../adapters/outbox.ts'
import {
  createReceipts,
  readReceiptFile,
  receiptFileName,
  type StoredReceipt,
} from '../adapters/receipts.ts'
import { createReportingStateFile } from '../adapters/reporting-state.ts'
import type { AgentConfig } from '../config.ts'
import { isSamePoint, judgeLink, type ReceiptLink } from '../domain/receipt-chain.ts'

/** What the command line asked for. */
export interface VerifyOptions {
  /** Receipt files to verify instead of those that are kept. */
  readonly files: readonly string[]
  /** The log's keys to believe instead of those that are pinned here; none for these. */
  readonly keys: readonly string[]
  /** Called after each file. */
  readonly onProgress: (count: number) => void
}

/** One receipt file as it was found. What could not be read of it is `null`. */
export interface ReceiptVerdict {
  readonly file: string
  readonly seq: number | null
  /** Index of the log entry. */
  readonly entry: number | null
  /** When the cloud logged it. */
  readonly at: string | null
  readonly prefix: string | null
  readonly names: readonly string[]
  readonly ok: boolean
  /** What is wrong; or, with `ok`, what could not be known. */
  readonly what: string | null
}

/** Everything `reprefix-agent verify` shows; also its `--json` form. */
export interface Verification {
  readonly kind: 'verify'
  readonly ok: boolean
  /** The log's keys that were believed; one of them is enough. */
  readonly vkeys: readonly string[]
  /** Oldest first. */
  readonly receipts: readonly ReceiptVerdict[]
  /** The last checkpoint that this host has verified; `null` when files were named. */
  readonly witness: {
    readonly file: string
    readonly size: number | null
    readonly ok: boolean
    readonly what: string | null
  } | null
}

/** Whose receipts they must be; `null` for files of whatever host. */
interface Own {
  readonly host: string
  readonly key: VerificationKey
}

interface Proven {
  readonly verdict: ReceiptVerdict
  /** `null` for a receipt that is not good by itself. */
  readonly link: ReceiptLink | null
}

const unread = { seq: null, entry: null, at: null, prefix: null, names: [] } as const

/**
 * Verifies receipts offline against the log's keys: the report's signature, that the entry is about it
 * and in the log, that each log continues the one before, and that the newest is the one which the
 * next report will name. Reads, and changes nothing; needs no settings where files and a key are given.
 * @throws ReprefixError USAGE without a key to believe
 */
export async function readVerification(
  settings: () => Promise<AgentConfig>,
  options: VerifyOptions,
): Promise<Verification> {
  const { files, keys } = options
  if (keys.length > 0 && files.length > 0) {
    const verifiers = await parseKeys(keys)
    return summaryOf(keys, await verifyFiles(files, verifiers, null, options), null)
  }
  const config = await settings()
  const enrolment = await readEnrolment(config.paths.enrolment)
  if (enrolment === null) {
    throw new ReprefixError(
      'USAGE',
      'this host is not enrolled, so no key of a log is pinned here: name files and give the key (--key VKEY)',
    )
  }
  const pinned = [enrolment.vkey, ...(enrolment.earlierVkeys ?? [])]
  const vkeys = keys.length > 0 ? keys : pinned
  const verifiers = await parseKeys(vkeys)
  if (files.length > 0) {
    return summaryOf(vkeys, await verifyFiles(files, verifiers, null, options), null)
  }
  const own = { host: enrolment.host, key: await importSigningKey(enrolment.key) }
  const kept = await createReceipts(config.paths.receipts).files()
  const proven = await verifyFiles(kept, verifiers, own, options)
  return summaryOf(vkeys, proven, await judgeWitness(config, proven.at(-1)))
}

function summaryOf(
  vkeys: readonly string[],
  proven: readonly Proven[],
  witness: Verification['witness'],
): Verification {
  const receipts = proven.map(({ verdict }) => verdict)
  const ok = receipts.every((one) => one.ok) && (witness?.ok ?? true)
  return { kind: 'verify', ok, vkeys, receipts, witness }
}

async function parseKeys(vkeys: readonly string[]): Promise<readonly NoteVerifier[]> {
  try {
    return await Promise.all(vkeys.map((vkey) => parseVkey(vkey)))
  } catch (cause) {
    throw new ReprefixError('USAGE', `the key of the log: ${messageOf(cause)}`, { cause })
  }
}

/** Each by itself, then in the order of their reports with the one before. */
async function verifyFiles(
  files: readonly string[],
  verifiers: readonly NoteVerifier[],
  own: Own | null,
  { onProgress }: VerifyOptions,
): Promise<readonly Proven[]> {
  const found: Proven[] = []
  for (const file of files) {
    found.push(await verifyFile(file, verifiers, own))
    onProgress(found.length)
  }
  found.sort((a, b) => (a.verdict.seq ?? 0) - (b.verdict.seq ?? 0))
  let before: ReceiptLink | null = null
  return found.map((one) => {
    if (one.link === null) return one
    const judged = judgeLink(before, one.link)
    if (judged.kind === 'continues') {
      before = one.link
      return one
    }
    if (judged.kind === 'fault') {
      return { link: null, verdict: { ...one.verdict, ok: false, what: judged.what } }
    }
    before = one.link
    return { ...one, verdict: { ...one.verdict, what: judged.what } }
  })
}

async function verifyFile(
  file: string,
  verifiers: readonly NoteVerifier[],
  own: Own | null,
): Promise<Proven> {
  let verdict: ReceiptVerdict = { file, ...unread, ok: false, what: null }
  try {
    const stored = await readReceiptFile(file)
    if (stored === null) throw new ReprefixError('FILE_READ_FAILED', 'there is no such file')
    verdict = { ...verdict, seq: stored.seq }
    const { entry, index, checkpoint, report } = await verifyStored(stored, verifiers, own)
    verdict = {
      ...verdict,
      entry: index,
      at: entry.at,
      prefix: report?.prefix.current ?? null,
      names: [...new Set(entry.outcomes.map(({ name }) => name))],
    }
    checkAgreement(file, stored, { seq: entry.seq, index, host: entry.host, kid: entry.kid }, own)
    const witness = report && witnessOf(report.log)
    const note = report === null ? 'kept by an older version without its report' : null
    return { verdict: { ...verdict, ok: true, what: note }, link: { index, checkpoint, witness } }
  } catch (cause) {
    return { verdict: { ...verdict, what: messageOf(cause) }, link: null }
  }
}

/** The report comes from the host's own key where that is known, and is what the log entry is about. */
async function verifyStored(
  { jws, receipt }: StoredReceipt,
  verifiers: readonly NoteVerifier[],
  own: Own | null,
) {
  if (jws === null) return { ...(await verifyLogged(receipt, verifiers)), report: null }
  const parsed = parseReportJws(jws)
  const report: Report = own
    ? await verifyReportJws(parsed, own.key)
    : parseReport(parseStrictJson(parsed.payload))
  const witness = witnessOf(report.log)
  return { ...(await verifyReceipt(receipt, { verifiers, witness, jws })), report }
}

function witnessOf({ size, root }: { size: number; root: string }): Witness {
  return { size, root: decodeBase64(root) }
}

/** What the file says beside the proof, and whose it is. */
function checkAgreement(
  file: string,
  stored: StoredReceipt,
  proven: { seq: number; index: number; host: string; kid: string },
  own: Own | null,
): void {
  const { seq, index, host, kid } = proven
  if (stored.seq !== seq) {
    throw wrong(`it is kept for report ${stored.seq}, its log entry is about report ${seq}`)
  }
  if (stored.entry !== null && stored.entry !== index) {
    throw wrong(`it is kept for log entry ${stored.entry}, and proves entry ${index}`)
  }
  if (Number.isNaN(Date.parse(stored.verifiedAt))) {
    throw wrong('the time at which it was verified is no time')
  }
  if (own === null) return
  if (host !== own.host || kid !== own.key.kid) {
    throw wrong(`it is about the host ${host} with another key than this one's`)
  }
  if (basename(file) !== receiptFileName(seq)) {
    throw wrong(`its file should be called ${receiptFileName(seq)}`)
  }
}

/** Whether the reporting state goes on from the newest receipt. */
async function judgeWitness(
  { paths }: AgentConfig,
  newest: Proven | undefined,
): Promise<Verification['witness']> {
  const file = paths.reporting
  const bad = (size: number | null, what: string) => ({ file, size, ok: false, what })
  try {
    const state = await createReportingStateFile(file).read()
    if (state === null) return bad(null, `${file} is missing; enrol again, or restore it`)
    const witness = witnessOf(state.witness)
    const good = (what: string | null) => ({ file, size: witness.size, ok: true, what })
    if (newest === undefined) return good('no receipt is kept to compare it with')
    const { link } = newest
    if (link === null) return good('not compared: the newest receipt is not good')
    if (isSamePoint(witness, link.checkpoint)) return good(null)
    const waiting = (await createOutbox(paths.outbox).read()).entries[0]
    const isBetween = waiting?.signed?.seq === newest.verdict.seq
    if (isBetween && link.witness !== null && isSamePoint(witness, link.witness)) {
      return good('the newest receipt was kept, but its report is not settled yet')
    }
    return bad(
      witness.size,
      `it has seen a log of ${witness.size} entries, the newest receipt proves one of ${link.checkpoint.size} with another root: one of the two was changed or put back`,
    )
  } catch (cause) {
    return bad(null, messageOf(cause))
  }
}

function wrong(reason: string): ReprefixError {
  return new ReprefixError('RECEIPT_INVALID', reason)
}
