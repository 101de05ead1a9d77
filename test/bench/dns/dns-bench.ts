import { atMost, type Bench, type BenchFile, type BenchResult, type ResultTable } from '../bench.ts'
import { median, percentile } from '../statistics.ts'
import { type Moves, measureMoves } from './move-rrsets.ts'

/** Everything that one run measured: what is saved. */
export interface DnsMeasurement {
  readonly v: 1
  readonly at: string
  readonly isComplete: boolean
  readonly moves: readonly Moves[]
}

const TIMES_NSUPDATE = 1.2

function digits(value: number, count: number): number {
  return Math.round(value * 10 ** count) / 10 ** count
}

function movesTable(moves: readonly Moves[]): ResultTable {
  const rows = moves.flatMap(({ rrsets, reprefixMs, nsupdateMs, reprefix, nsupdate }) => {
    const row = (way: string, times: readonly number[], messages: number, updates: number) => ({
      RRsets: rrsets,
      way,
      runs: times.length,
      'median ms': digits(median(times), 1),
      'p95 ms': digits(percentile(times, 95), 1),
      'times nsupdate': digits(median(times) / median(nsupdateMs), 2),
      messages,
      'of them updates': updates,
    })
    return [
      row('reprefix', reprefixMs, reprefix.messages, reprefix.updates),
      row('nsupdate', nsupdateMs, nsupdate.messages, nsupdate.messages),
    ]
  })
  return { title: 'RFC 2136: moving RRsets of one zone, BIND on loopback', rows }
}

/** Tables and verdicts of a measurement. */
export function presentDns({ moves }: DnsMeasurement): BenchResult {
  const targets = moves.map(({ rrsets, reprefixMs, nsupdateMs }) =>
    atMost(
      `moving ${rrsets} RRsets, times nsupdate`,
      digits(median(reprefixMs) / median(nsupdateMs), 2),
      TIMES_NSUPDATE,
    ),
  )
  return { tables: [movesTable(moves)], targets }
}

function fileOf(measurement: DnsMeasurement): BenchFile {
  return { name: 'dns.json', content: `${JSON.stringify(measurement, null, 2)}\n` }
}

/** `npm run bench -- dns`. */
export const dnsBench: Bench = {
  name: 'dns',
  summary: 'moving records: RFC 2136 beside nsupdate',
  needs: 'servers',
  run: async ({ isQuick, runs = isQuick ? 5 : 21, onProgress }) => {
    const sizes = isQuick ? [1, 10, 100] : [1, 10, 100, 1000]
    const moves = await measureMoves(sizes, runs, onProgress)
    const measurement = { v: 1, at: new Date().toISOString(), isComplete: true, moves } as const
    return { ...presentDns(measurement), files: [fileOf(measurement)] }
  },
}
