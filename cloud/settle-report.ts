import { type EntryOf, parseEntry, type RecordOutcome } from '../shared/entry.ts'
import { ReprefixError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { type Fqdn, keyOf, type RRKey } from '../shared/rrset.ts'
import type { SignedReport } from './admit-report.ts'
import { type ZoneTtl, zoneOf } from './domain/authorise-report.ts'
import type {
  AuditLog,
  Repository,
  RowOutcome,
  StateWrite,
  StoredReport,
  ZoneFlusher,
} from './ports.ts'
import { type ReportAnswer, refused } from './report-answer.ts'

/** What settling writes to, and how long it may take. */
export interface SettleDeps {
  readonly repository: Repository
  readonly log: AuditLog
  readonly flusher: ZoneFlusher
  readonly zones: readonly ZoneTtl[]
  readonly now: () => Date
  readonly sleep: (ms: number) => Promise<void>
  /** How long one request may wait for DNS. */
  readonly dnsBudgetMs: number
  /** Told of DNS work that outlives the answer, where a runtime must be asked to let it go on. */
  readonly afterAnswer?: ((work: Promise<unknown>) => void) | undefined
  readonly logger: Logger
}

const RETRY_SECONDS = 1

/**
 * Brings a logged report to its end: DNS, `applied` entry, receipt. Works from what is stored, so it
 * can be asked again at any time; an `applied` entry is written once.
 *
 * A fault that passes by itself gives `pending`. One that does not (credentials, a zone that is not
 * there) is logged as a `failed` outcome: the agent has done its part, the operator must act, and
 * the row stays pending so that the zone's next flush tries it again.
 */
export async function settleReport(
  stored: StoredReport,
  signed: SignedReport,
  deps: SettleDeps,
): Promise<ReportAnswer> {
  if (stored.verdict === 'denied') return deniedAgain(stored, deps)
  if (stored.appliedIndex !== undefined) return receiptFor(stored.appliedIndex, signed, deps)
  const settled = await applyReport(stored, signed.report.host, deps)
  return settled.kind === 'applied' ? receiptFor(settled.index, signed, deps) : settled
}

/** What became of a logged report by now. */
export type Settled =
  | { readonly kind: 'applied'; readonly index: number }
  | { readonly kind: 'pending'; readonly retryAfterSeconds: number }

/** Brings a logged report that is pending to its `applied` entry, as far as the time permits. */
export async function applyReport(
  stored: StoredReport,
  host: string,
  deps: SettleDeps,
): Promise<Settled> {
  const startedAt = performance.now()
  let isAwaited = true
  const flushing = flushZones(stored, () => isAwaited, deps)
  const flushed = await Promise.race([flushing, deps.sleep(deps.dnsBudgetMs).then(() => undefined)])
  isAwaited = false
  if (flushed === undefined) {
    deps.afterAnswer?.(flushing)
    return { kind: 'pending', retryAfterSeconds: RETRY_SECONDS }
  }
  const waits = flushed.flatMap((row) => row.retryAfterMs ?? [])
  if (waits.length > 0) {
    const seconds = Math.max(1, Math.ceil(Math.max(...waits) / 1000))
    return { kind: 'pending', retryAfterSeconds: seconds }
  }
  const index = await appendApplied(stored, host, flushed, deps)
  const ms = Math.round((performance.now() - startedAt) * 10) / 10
  const { seq } = stored
  deps.logger.info(
    { event: 'applied', host, seq, report: stored.index, index, ms },
    `report ${seq} of ${host} is applied`,
  )
  return { kind: 'applied', index }
}

async function flushZones(
  stored: StoredReport,
  isAwaited: () => boolean,
  deps: SettleDeps,
): Promise<readonly RowOutcome[]> {
  const byZone = new Map<Fqdn, RRKey[]>()
  const homeless: RowOutcome[] = []
  for (const key of stored.keys) {
    const zone = zoneOf(key.name, deps.zones)?.name
    if (zone === undefined) {
      const why = `${key.name} is in no zone that this cloud serves any more`
      homeless.push(failedRow(key, stored.index, 'zone-not-found', why))
    } else byZone.set(zone, [...(byZone.get(zone) ?? []), key])
  }
  const flushes = [...byZone].map(async ([zone, keys]) => {
    const rows = await deps.flusher.flush(zone, keys, isAwaited)
    return keys.map((key) => outcomeFor(key, stored, rows))
  })
  return [...homeless, ...(await Promise.all(flushes)).flat()]
}

function outcomeFor(key: RRKey, stored: StoredReport, rows: readonly RowOutcome[]): RowOutcome {
  const row = rows.find((candidate) => keyOf(candidate.key) === keyOf(key))
  if (row !== undefined && row.version === stored.index) return row
  return failedRow(key, stored.index, 'superseded', 'a later report has decided this record since')
}

function failedRow(key: RRKey, version: number, kind: string, message: string): RowOutcome {
  const error = { kind, message }
  const outcome: RecordOutcome = { ...key, provider: '-', outcome: 'failed', values: [], error }
  return { key, version, outcomes: [outcome] }
}

async function appendApplied(
  stored: StoredReport,
  host: string,
  rows: readonly RowOutcome[],
  deps: SettleDeps,
): Promise<number> {
  const outcomes: RecordOutcome[] = rows.flatMap((row) => row.outcomes)
  const applied: StateWrite[] = rows
    .filter((row) => row.outcomes.every(({ outcome }) => outcome !== 'failed'))
    .map((row) => ({ kind: 'mark-applied', key: row.key, version: row.version }))
  const { kid, seq, digest } = stored
  let isAgain = false
  const appended = await deps.log.append(async (index, state) => {
    // The same report may be settled twice at once: the condition of the write refuses the second
    // one, which is asked again then and finds it done.
    if (isAgain && (await state.report(kid, seq))?.verdict !== 'pending') return null
    isAgain = true
    const at = deps.now().toISOString()
    const about = { host, kid, seq, report: stored.index, digest, outcomes }
    return {
      entry: { v: 1, kind: 'applied', at, ...about },
      writes: [{ kind: 'finish-report', kid, seq, appliedIndex: index }, ...applied],
    }
  })
  const index = appended?.index ?? (await deps.repository.report(kid, seq))?.appliedIndex
  if (index !== undefined) return index
  throw new ReprefixError('INTERNAL', `report ${seq} of ${host} is neither pending nor applied`)
}

async function receiptFor(
  appliedIndex: number,
  { report }: SignedReport,
  deps: SettleDeps,
): Promise<ReportAnswer> {
  const receipt = await deps.log.receipt(appliedIndex, report.log.size)
  const entry = parseEntry(receipt.entry)
  if (entry.kind !== 'applied') {
    throw new ReprefixError('INTERNAL', `entry ${appliedIndex} of the log is not an applied entry`)
  }
  return { kind: 'receipt', receipt: { ...receipt, result: { outcomes: entry.outcomes } } }
}

async function deniedAgain(stored: StoredReport, deps: SettleDeps): Promise<ReportAnswer> {
  const [row] = await deps.repository.rows([stored.index])
  const entry = row === undefined ? undefined : parseEntry(row.entry)
  const isDenied = (e: typeof entry): e is EntryOf<'denied'> => e?.kind === 'denied'
  if (!isDenied(entry)) {
    throw new ReprefixError('INTERNAL', `entry ${stored.index} of the log is not a denial`)
  }
  return refused(entry.code, entry.detail, { index: stored.index })
}
