import { atMost, type BenchResult, below, none, type ResultTable, type Target } from './bench.ts'
import type { IdleResult } from './idle.ts'
import type { Sample } from './reprefix-way.ts'
import { median, percentile } from './statistics.ts'

/** What is compared in whole. */
export type Way = 'reprefix' | 'cron'

/** All runs of one way with one number of containers. */
export interface Series {
  readonly way: Way
  readonly containers: number
  readonly samples: readonly Sample[]
  /** Runs in which nobody got through within two minutes. */
  readonly failures: readonly string[]
}

/** From an advertisement until the name has an address in the new prefix, ms. */
export interface DnsSeries {
  readonly way: 'reprefix' | 'ddclient by hand' | 'ddclient by itself'
  readonly containers: number
  readonly toNamedMs: readonly number[]
}

/** Everything that one run of the bench measured: what is saved. */
export interface AgentMeasurement {
  readonly v: 1
  /** When the run began: which run this is. */
  readonly at: string
  /** False for what a run has measured so far. */
  readonly isComplete: boolean
  readonly machine: Readonly<Record<string, string>>
  readonly conditions: Readonly<Record<string, string>>
  readonly series: readonly Series[]
  readonly dns: readonly DnsSeries[]
  readonly idle?: IdleResult
}

/** A series in a line. Losses are those of its worst run. */
export interface Summary {
  readonly way: Way
  readonly containers: number
  readonly runs: number
  readonly failed: number
  readonly medianMs: number
  /** Only from ten runs on. */
  readonly p95Ms?: number
  readonly lostIpv4: number
  readonly longestIpv4GapMs: number
  readonly lostOldIpv6: number
  readonly brokenTcp: number
  readonly restarts: number
  /** Containers reached by name soon after the first, in the worst run. */
  readonly reached: number
}

const RUNS_FOR_P95 = 10

/** Reduces the runs of a series; `undefined` when all of them failed. */
export function summarise({ way, containers, samples, failures }: Series): Summary | undefined {
  if (samples.length === 0) return undefined
  const worst = (of: (sample: Sample) => number): number => Math.max(...samples.map(of))
  const times = samples.map(({ toReachableMs }) => toReachableMs)
  return {
    way,
    containers,
    runs: samples.length + failures.length,
    failed: failures.length,
    medianMs: median(times),
    ...(times.length < RUNS_FOR_P95 ? {} : { p95Ms: percentile(times, 95) }),
    lostIpv4: worst(({ lostIpv4 }) => lostIpv4),
    longestIpv4GapMs: worst(({ longestIpv4GapMs }) => longestIpv4GapMs),
    lostOldIpv6: worst(({ lostOldIpv6 }) => lostOldIpv6),
    brokenTcp: worst(({ brokenTcp }) => brokenTcp),
    restarts: worst(({ restarts }) => restarts),
    reached: Math.min(...samples.map(({ reached }) => reached)),
  }
}

/** `value` as a multiple of `base`, in two digits. */
export function ratio(value: number, base: number): string {
  if (base === 0) return '-'
  const times = value / base
  return `${times >= 10 ? Math.round(times) : Math.round(times * 10) / 10}x`
}

function changeTable(summaries: readonly Summary[]): ResultTable {
  const rows = summaries.map((each) => {
    const own = summaries.find((s) => s.way === 'reprefix' && s.containers === each.containers)
    return {
      containers: each.containers,
      way: each.way,
      runs: each.failed === 0 ? `${each.runs}` : `${each.runs} (${each.failed} failed)`,
      'median ms': Math.round(each.medianMs),
      'p95 ms': each.p95Ms === undefined ? '-' : Math.round(each.p95Ms),
      ratio: own ? ratio(each.medianMs, own.medianMs) : '-',
      'lost IPv4': each.lostIpv4,
      'IPv4 gap ms': each.longestIpv4GapMs,
      'lost old IPv6': each.lostOldIpv6,
      'broken TCP': each.brokenTcp,
      restarted: each.restarts,
      'by name soon after': `${each.reached}/${each.containers}`,
    }
  })
  return { title: 'announcement to the first page by name (losses: worst run)', rows }
}

function dnsTable(series: readonly DnsSeries[]): ResultTable {
  const rows = series.map(({ way, containers, toNamedMs }) => {
    const own = series.find((s) => s.way === 'reprefix' && s.containers === containers)
    const middle = median(toNamedMs)
    return {
      containers,
      way,
      runs: toNamedMs.length,
      'median ms': Math.round(middle),
      ratio: own ? ratio(middle, median(own.toNamedMs)) : '-',
    }
  })
  return { title: 'announcement to the name at its new address, DNS alone', rows }
}

function idleTable({ seconds, agent, node }: IdleResult): ResultTable {
  const row = (program: string, { rssMiB, childrenMiB, cpuPercent }: IdleResult['agent']) => ({
    program,
    'RSS MiB': rssMiB,
    ratio: ratio(rssMiB, node.rssMiB),
    'in children': childrenMiB,
    'CPU %': cpuPercent,
  })
  return {
    title: `idle for ${seconds} s; CPU with that of children`,
    rows: [row('reprefix-agent', agent), row('bare node', node)],
  }
}

function judge(summaries: readonly Summary[], idle: IdleResult | undefined): readonly Target[] {
  const own = summaries.filter(({ way }) => way === 'reprefix')
  const of = (containers: number) => own.find((each) => each.containers === containers)
  const [twenty, fifty] = [of(20), of(50)]
  const total = (count: (summary: Summary) => number): number =>
    own.reduce((sum, each) => sum + count(each), 0)
  const losses: readonly Target[] = [
    none(
      'reprefix: runs in which nobody got through',
      total((s) => s.failed),
    ),
    none(
      'reprefix: IPv4 requests lost',
      total((s) => s.lostIpv4),
    ),
    none(
      'reprefix: old IPv6 requests lost',
      total((s) => s.lostOldIpv6),
    ),
    none(
      'reprefix: established TCP connections broken',
      total((s) => s.brokenTcp),
    ),
    none(
      'reprefix: containers restarted',
      total((s) => s.restarts),
    ),
    none(
      'reprefix: containers not reached by name',
      total((s) => s.containers - s.reached),
    ),
  ]
  return [
    ...(twenty ? [atMost('20 containers, median ms', Math.round(twenty.medianMs), 200)] : []),
    ...(twenty?.p95Ms ? [atMost('20 containers, p95 ms', Math.round(twenty.p95Ms), 400)] : []),
    ...(fifty ? [atMost('50 containers, median ms', Math.round(fifty.medianMs), 400)] : []),
    ...(own.length > 0 ? losses : []),
    ...(idle
      ? [
          below('idle CPU, %', idle.agent.cpuPercent, 0.1),
          atMost(
            'idle RSS, times bare node',
            Math.round((idle.agent.rssMiB / idle.node.rssMiB) * 100) / 100,
            1.5,
          ),
        ]
      : []),
  ]
}

/** Tables and verdicts of a measurement. */
export function presentAgent(measurement: AgentMeasurement): BenchResult {
  const { series, dns, idle } = measurement
  const summaries = series
    .map(summarise)
    .filter((each) => each !== undefined)
    .sort((a, b) => a.containers - b.containers)
  const tables = [
    changeTable(summaries),
    dnsTable(dns.filter(({ toNamedMs }) => toNamedMs.length > 0)),
    ...(idle ? [idleTable(idle)] : []),
  ]
  return { tables: tables.filter(({ rows }) => rows.length > 0), targets: judge(summaries, idle) }
}
