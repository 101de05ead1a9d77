import { atLeast, atMost, type BenchResult, type ResultTable, type Target } from '../bench.ts'
import { mean, median, percentile } from '../statistics.ts'
import type { AuditRun, SignedAudit } from './audit-speed.ts'
import type { GrowthPoint } from './growth.ts'
import { LADDER } from './ladder.ts'
import type { LoadRates } from './load.ts'

/** Everything that one run of the bench measured: what is saved. */
export interface CloudMeasurement {
  readonly v: 1
  /** When the run began: which run this is. */
  readonly at: string
  /** False for what a run has measured so far. */
  readonly isComplete: boolean
  readonly machine: Readonly<Record<string, string>>
  readonly conditions: Readonly<Record<string, string>>
  /** Times in milliseconds, by name. */
  readonly ladder?: Readonly<Record<string, readonly number[]>>
  readonly load?: LoadRates
  readonly growth?: readonly GrowthPoint[]
  /** Without signatures. */
  readonly tree?: AuditRun
  readonly signed?: SignedAudit
}

const WHOLE_TIMES = 1.3
const LOAD_TIMES = 1.5
const PROOF_ROWS = 40
const TREE_RATE = 5000
const SIGNED_TIMES = 1.5
/** Of a verification: what it keeps is 32 bytes an entry, so that claims of any age can be checked. */
const GROWN_MIB = 128
/** The size that the targets of proofs and of `audit verify` are about. */
const LARGE = 1_000_000

/** The whole path beside the sum of what it cannot do without. */
export interface Unavoidable {
  readonly wholeMs: number
  /** One verification, two commits that hold what they must, one signature. */
  readonly partsMs: number
  /** The same with two bare inserts of a row of the log for the commits. */
  readonly barePartsMs: number
}

/** Adds up the means of the parts: the time of a durable commit has two peaks, so medians do not add up. */
export function unavoidableOf(ladder: NonNullable<CloudMeasurement['ladder']>): Unavoidable {
  const of = (name: string) => mean(ladder[name] ?? [])
  const around = of(LADDER.verification) + of(LADDER.signature)
  return {
    wholeMs: of(LADDER.whole),
    partsMs: around + of(LADDER.reportCommit) + of(LADDER.appliedCommit),
    barePartsMs: around + 2 * of(LADDER.insert),
  }
}

/** How many times as many reports a second all hosts at once get answered. */
export function gainOf({ oneAtATime, atOnce }: LoadRates): number {
  return median(atOnce) / median(oneAtATime)
}

/** What checking reports takes beyond the tree's part of it, as a multiple of their signatures alone. */
export function restOf(signed: SignedAudit, tree: AuditRun): number {
  const treeSeconds = signed.entries * (tree.seconds / tree.entries)
  return (signed.seconds - treeSeconds) / signed.bareSeconds
}

/** A value in so many digits after the point. */
function digits(value: number, count: number): number {
  return Math.round(value * 10 ** count) / 10 ** count
}

function ladderTable(ladder: NonNullable<CloudMeasurement['ladder']>): ResultTable {
  const hello = median(ladder[LADDER.hello] ?? [])
  const rows = Object.entries(ladder).map(([what, times]) => ({
    what,
    runs: times.length,
    'median ms': digits(median(times), 3),
    'mean ms': digits(mean(times), 3),
    'p95 ms': digits(percentile(times, 95), 3),
    'times hello': digits(median(times) / hello, 1),
  }))
  return { title: 'one report at a time, on one core', rows }
}

function partsTable({ wholeMs, partsMs, barePartsMs }: Unavoidable): ResultTable {
  const row = (parts: string, ms: number) => ({
    'unavoidable parts': parts,
    'sum ms': digits(ms, 3),
    'whole path ms': digits(wholeMs, 3),
    ratio: digits(wholeMs / ms, 2),
  })
  return {
    title: 'the whole path beside its unavoidable parts (means)',
    rows: [
      row('one verification, two commits of what they must hold, one signature', partsMs),
      row('one verification, two bare inserts, one signature', barePartsMs),
    ],
  }
}

function loadTable(load: LoadRates): ResultTable {
  const row = (hosts: number, rates: readonly number[], entries: number) => ({
    'hosts at once': hosts,
    turns: rates.length,
    'reports/s': Math.round(median(rates)),
    ratio: digits(median(rates) / median(load.oneAtATime), 2),
    'entries a commit, most': entries,
  })
  return {
    title: 'reports a second',
    rows: [row(1, load.oneAtATime, 1), row(load.hosts, load.atOnce, load.largestCommit)],
  }
}

function growthTable(points: readonly GrowthPoint[]): ResultTable {
  const rows = points.map(({ entries, appendMs, proofMs, proofRows }) => ({
    entries,
    'append ms': digits(median(appendMs), 3),
    'receipt ms': digits(median(proofMs), 3),
    'rows a proof': median(proofRows),
    'rows, most': Math.max(...proofRows),
  }))
  return { title: 'a growing log: one append, one receipt with both proofs (medians)', rows }
}

function timesBare({ seconds, bareSeconds }: SignedAudit): string {
  return `${digits(seconds / bareSeconds, 2)}`
}

function auditTable(
  runs: readonly (readonly [what: string, run: AuditRun | SignedAudit])[],
): ResultTable {
  const rows = runs.map(([what, run]) => ({
    'audit verify': what,
    entries: run.entries,
    'entries/s': Math.round(run.entries / run.seconds),
    'times bare signatures': 'bareSeconds' in run ? timesBare(run) : '-',
    'RSS MiB before': Math.round(run.startMiB),
    'at most': Math.round(run.peakMiB),
    after: Math.round(run.endMiB),
  }))
  return { title: 'audit verify of an export', rows }
}

function judge(measurement: CloudMeasurement): readonly Target[] {
  const { ladder, load, growth, tree, signed } = measurement
  const targets: Target[] = []
  if (ladder !== undefined) {
    const { wholeMs, partsMs } = unavoidableOf(ladder)
    const name = 'whole path, times its unavoidable parts'
    targets.push(atMost(name, digits(wholeMs / partsMs, 2), WHOLE_TIMES))
  }
  if (load !== undefined) {
    const name = `${load.hosts} hosts at once, times the reports/s of one at a time`
    targets.push(atLeast(name, digits(gainOf(load), 2), LOAD_TIMES))
  }
  const largest = growth?.at(-1)
  if (largest !== undefined) {
    const most = Math.max(...largest.proofRows)
    targets.push(atMost(`rows a proof reads of ${largest.entries} entries`, most, PROOF_ROWS))
  }
  if (tree !== undefined) {
    const rate = Math.round(tree.entries / tree.seconds)
    targets.push(atLeast(`audit verify of ${tree.entries} entries, entries/s`, rate, TREE_RATE))
    const grown = Math.round(tree.peakMiB - tree.startMiB)
    if (tree.entries >= LARGE)
      targets.push(atMost('its memory beyond the start, MiB', grown, GROWN_MIB))
  }
  if (signed !== undefined && tree !== undefined) {
    const name = 'audit verify of reports beyond the tree, times bare verification'
    targets.push(atMost(name, digits(restOf(signed, tree), 2), SIGNED_TIMES))
  }
  return targets
}

/** Tables and verdicts of a measurement, of as much as there is. */
export function presentCloud(measurement: CloudMeasurement): BenchResult {
  const { ladder, load, growth, tree, signed } = measurement
  const audits: (readonly [string, AuditRun | SignedAudit])[] = []
  if (tree !== undefined) audits.push(['tree alone', tree])
  if (signed !== undefined) audits.push([`${signed.reports} signed reports`, signed])
  const tables: ResultTable[] = []
  if (ladder !== undefined) tables.push(ladderTable(ladder), partsTable(unavoidableOf(ladder)))
  if (load !== undefined) tables.push(loadTable(load))
  if (growth !== undefined && growth.length > 0) tables.push(growthTable(growth))
  if (audits.length > 0) tables.push(auditTable(audits))
  return { tables, targets: judge(measurement) }
}
