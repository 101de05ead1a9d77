import { atMost, none, type ResultTable, type Target } from '../bench.ts'
import type { BurstResult } from './burst.ts'

const TIMES_LEAST = 1.2

function ratioOf(value: number, least: number): number {
  return Math.round((100 * value) / least) / 100
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

function nameOf({ hosts, zones, withinMs }: BurstResult): string {
  const when = withinMs === 0 ? 'at once' : `within ${withinMs / 1000} s`
  return `${hosts} hosts of ${zones} zones, ${when}`
}

/** What each account saw of one burst, and all of them together. */
export function burstTable(burst: BurstResult): ResultTable {
  const { accounts } = burst
  const all = {
    service: 'all',
    calls: sumOf(accounts.map(({ calls }) => calls)),
    leastCalls: sumOf(accounts.map(({ leastCalls }) => leastCalls)),
    writtenMs: Math.max(...accounts.map(({ writtenMs }) => writtenMs)),
    leastMs: Math.max(...accounts.map(({ leastMs }) => leastMs)),
    excess: sumOf(accounts.map(({ excess }) => excess)),
  }
  const rows = [...accounts, all].map((one) => ({
    service: one.service,
    requests: one.calls,
    least: one.leastCalls,
    'times least': ratioOf(one.calls, one.leastCalls),
    'written s': Math.round(one.writtenMs / 100) / 10,
    'least s': Math.round(one.leastMs / 100) / 10,
    'times least s': ratioOf(one.writtenMs, one.leastMs),
    'beyond limits': one.excess,
  }))
  const receipts = `last receipt after ${Math.round(burst.receiptsMs / 100) / 10} s, ${burst.requests} requests of agents`
  return { title: `${nameOf(burst)}: ${receipts}`, rows }
}

/**
 * What a burst is held to. Where reports are spread over a minute, each RRset is written as its report
 * comes: the least requests, of one flush at the end, would leave the first host dark until the last one
 * has reported, so they are told and not judged there.
 */
export function burstTargets(burst: BurstResult): readonly Target[] {
  const { accounts, withinMs } = burst
  const name = nameOf(burst)
  const calls = ratioOf(
    sumOf(accounts.map((one) => one.calls)),
    sumOf(accounts.map((one) => one.leastCalls)),
  )
  const slowest = Math.max(...accounts.map((one) => ratioOf(one.writtenMs, one.leastMs)))
  return [
    ...(withinMs === 0 ? [atMost(`${name}: requests, times the least`, calls, TIMES_LEAST)] : []),
    atMost(`${name}: time, times the least, most`, slowest, TIMES_LEAST),
    none(`${name}: requests beyond limits`, sumOf(accounts.map(({ excess }) => excess))),
  ]
}
