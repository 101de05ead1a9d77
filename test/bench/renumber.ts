import { type Prefix, parsePrefix } from '../../shared/ipv6.ts'
import { startHome } from '../lab/home.ts'
import { createLab } from '../lab/lab.ts'
import { measureRenumbering, type Renumbering } from '../lab/renumbering.ts'
import { type Bench, type BenchResult, median, type Target } from './bench.ts'

/** How often to measure, and who is told of each measurement. */
export interface BenchRenumberOptions {
  readonly runs: number
  readonly onProgress: (line: string) => void
}

/** One renumbering of the bench. */
export type BenchRow = {
  readonly run: number
  readonly toReachableMs: number
  readonly longestIpv4GapMs: number
  readonly lostIpv4: number
  readonly lostOldIpv6: number
  readonly brokenTcp: number
  readonly restarts: number
}

/** The prefix after `run` changes: a new one each time, as providers hand them out. */
function prefixAfter(run: number): Prefix {
  const group = (run + 1).toString(16)
  return parsePrefix(`2001:db8:${group}:${group}::/64`)
}

const REACHABLE_TARGET_MS = 1000
const RUNS = 10

function toRow(run: number, measured: Renumbering): BenchRow {
  const { toReachableMs, counters, lostIpv4, lostOldIpv6, brokenTcp, restarts } = measured
  const longestIpv4GapMs = counters.ipv4.longestGapMs
  return { run, toReachableMs, longestIpv4GapMs, lostIpv4, lostOldIpv6, brokenTcp, restarts }
}

function below(name: string, value: number, target: number): Target {
  return { name, value, target, ok: value < target }
}

function none(name: string, rows: readonly BenchRow[], of: (row: BenchRow) => number): Target {
  const value = rows.reduce((sum, row) => sum + of(row), 0)
  return { name, value, target: 0, ok: value === 0 }
}

/**
 * Flash renumberings in one lab, each to a new prefix: from the advertisement on the
 * link to a stranger's first page by name at the new address, and what was lost meanwhile.
 */
export async function benchRenumber({
  runs,
  onProgress,
}: BenchRenumberOptions): Promise<BenchResult> {
  const lab = await createLab({
    containers: 3,
    onProgress: (what) => onProgress(`building ${what}`),
  })
  try {
    const { prober, watched } = await startHome(lab, { prefix: prefixAfter(0) })
    const rows: BenchRow[] = []
    for (let run = 1; run <= runs; run++) {
      const measured = await measureRenumbering(lab, prober, watched, {
        cause: 'flash',
        from: prefixAfter(run - 1),
        to: prefixAfter(run),
      })
      const row = toRow(run, measured)
      rows.push(row)
      onProgress(`run ${run}: ${row.toReachableMs} ms, ${row.lostIpv4} IPv4 requests lost`)
    }
    return {
      rows,
      targets: [
        below(
          'announcement to page by name, median ms',
          median(rows.map(({ toReachableMs }) => toReachableMs)),
          REACHABLE_TARGET_MS,
        ),
        none('IPv4 requests lost', rows, ({ lostIpv4 }) => lostIpv4),
        none('old IPv6 requests lost', rows, ({ lostOldIpv6 }) => lostOldIpv6),
        none('established TCP connections broken', rows, ({ brokenTcp }) => brokenTcp),
        none('containers restarted', rows, ({ restarts }) => restarts),
      ],
    }
  } finally {
    lab.close()
  }
}

/** `npm run bench -- renumber`. */
export const renumberBench: Bench = {
  name: 'renumber',
  summary: 'flash renumbering in the lab: time to the first page by name, and what was lost',
  run: (onProgress) => benchRenumber({ runs: RUNS, onProgress }),
}
