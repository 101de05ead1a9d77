import { describe, expect, it } from 'vitest'
import { presentDns } from '../../../bench/dns/dns-bench.ts'

const moves = {
  rrsets: 100,
  reprefixMs: [12, 11, 40],
  nsupdateMs: [10, 10, 30],
  reprefix: { messages: 2, updates: 1 },
  nsupdate: { messages: 1 },
}
const measured = { v: 1, at: '2026-03-01T12:00:00.000Z', isComplete: true, moves: [moves] } as const

describe('what the DNS bench makes of its times', () => {
  it('puts both ways side by side, and judges by the medians', () => {
    const { tables, targets } = presentDns(measured)
    expect(tables[0]?.rows).toMatchObject([
      { RRsets: 100, way: 'reprefix', 'median ms': 12, 'times nsupdate': 1.2, messages: 2 },
      { RRsets: 100, way: 'nsupdate', 'median ms': 10, 'times nsupdate': 1, messages: 1 },
    ])
    expect(targets).toMatchObject([{ value: 1.2, ok: true }])
    const services = [
      { service: 'a', reads: 1, writes: 1, least: 2 },
      { service: 'b', reads: 12, writes: 100, least: 101 },
    ]
    const { moves: _, ...rest } = measured
    const called = presentDns({ ...rest, services })
    expect(called.targets).toMatchObject([{ value: 1.11, ok: false }])
    expect(called.tables[0]?.rows).toMatchObject([{ requests: 2, ratio: 1 }, { requests: 112 }])
    const slow = { ...moves, reprefixMs: [13, 13, 13] }
    expect(presentDns({ ...measured, moves: [slow] }).targets).toMatchObject([{ ok: false }])
  })
})
