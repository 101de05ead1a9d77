import { ReprefixError } from '../../../shared/errors.ts'
import { move100 } from '../../fakes/dns/move-100.ts'
import { SERVICES } from '../../fakes/dns/services.ts'
import {
  atMost,
  type Bench,
  type BenchFile,
  type BenchResult,
  type ResultTable,
  type Target,
} from '../bench.ts'
import { median, percentile } from '../statistics.ts'
import { type Moves, measureMoves } from './move-rrsets.ts'

/** Everything that one run measured: what is saved. */
export interface DnsMeasurement {
  readonly v: 1
  readonly at: string
  readonly isComplete: boolean
  readonly moves?: readonly Moves[]
  /** A hundred RRsets of one zone, at the fake of each service. */
  readonly services?: readonly ServiceCalls[]
}

/** The requests that one service needed, beside the least that its API needs. */
export interface ServiceCalls {
  readonly service: string
  readonly reads: number
  readonly writes: number
  readonly least: number
}

const WAYS = ['rfc2136', 'services'] as const
const TIMES_LEAST = 1.1

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

function timesLeast({ reads, writes, least }: ServiceCalls): number {
  return digits((reads + writes) / least, 2)
}

function servicesTable(services: readonly ServiceCalls[]): ResultTable {
  const rows = services.map((one) => ({
    service: one.service,
    reads: one.reads,
    writes: one.writes,
    requests: one.reads + one.writes,
    'least of the API': one.least,
    ratio: timesLeast(one),
  }))
  return { title: 'requests that move 100 RRsets of one zone, at a fake of each service', rows }
}

/** Tables and verdicts of a measurement. */
export function presentDns({ moves, services }: DnsMeasurement): BenchResult {
  const tables: ResultTable[] = []
  const targets: Target[] = []
  if (moves !== undefined) {
    tables.push(movesTable(moves))
    for (const { rrsets, reprefixMs, nsupdateMs } of moves) {
      const ratio = digits(median(reprefixMs) / median(nsupdateMs), 2)
      targets.push(atMost(`moving ${rrsets} RRsets, times nsupdate`, ratio, TIMES_NSUPDATE))
    }
  }
  if (services !== undefined) {
    tables.push(servicesTable(services))
    const most = Math.max(...services.map(timesLeast))
    targets.push(atMost('requests, times the least of the API, most', most, TIMES_LEAST))
  }
  return { tables, targets }
}

async function countCalls(onProgress: (line: string) => void): Promise<readonly ServiceCalls[]> {
  const calls: ServiceCalls[] = []
  for (const { name, open, least } of SERVICES) {
    onProgress(name)
    const { outcomes, reads, writes } = await move100(open)
    if (outcomes.some((kind) => kind !== 'updated')) {
      throw new ReprefixError('LAB_FAILED', `${name} has not moved every RRset`)
    }
    calls.push({ service: name, reads, writes, least: least.reads + least.writes })
  }
  return calls
}

function fileOf(measurement: DnsMeasurement): BenchFile {
  return { name: 'dns.json', content: `${JSON.stringify(measurement, null, 2)}\n` }
}

/** `npm run bench -- dns`. */
export const dnsBench: Bench = {
  name: 'dns',
  summary: 'moving records: RFC 2136 beside nsupdate, requests at every service',
  needs: 'servers',
  ways: WAYS,
  run: async ({ isQuick, runs = isQuick ? 5 : 21, ways = WAYS, onProgress }) => {
    const sizes = isQuick ? [1, 10, 100] : [1, 10, 100, 1000]
    const measurement: DnsMeasurement = {
      ...{ v: 1, at: new Date().toISOString(), isComplete: true },
      ...(ways.includes('rfc2136') && { moves: await measureMoves(sizes, runs, onProgress) }),
      ...(ways.includes('services') && { services: await countCalls(onProgress) }),
    }
    return { ...presentDns(measurement), files: [fileOf(measurement)] }
  },
}
