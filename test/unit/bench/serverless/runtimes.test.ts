import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { BundleSizes } from '../../../bench/serverless/bundles.ts'
import { bundleTables, bundleTargets } from '../../../bench/serverless/bundles-table.ts'
import { costTables } from '../../../bench/serverless/costs-table.ts'
import { loadTable } from '../../../bench/serverless/load-table.ts'
import { presentServerless } from '../../../bench/serverless/serverless-result.ts'
import { createSpawnClock } from '../../../bench/serverless/spawn-clock.ts'
import type { StartTimes } from '../../../bench/serverless/start-time.ts'
import { startTable, startTargets } from '../../../bench/serverless/starts-table.ts'

const size = (kb: number) => ({ raw: kb * 1000, gzip: kb * 250 })

describe('bundles', () => {
  const sizes = (runtime: BundleSizes['runtime'], kb: number): BundleSizes => ({
    ...{ runtime, start: size(kb), empty: size(20) },
    onUse: [
      { name: 'cloud/store/dynamodb-sdk', ...size(400) },
      { name: 'cloud/dns/hosted/google', ...size(30) },
      { name: 'cloud/dns/hosted/gandi', ...size(20) },
      { name: 'cloud/web/answer-tile', ...size(9) },
    ],
  })

  it('stand beside the empty handler, in kB of 1000 bytes', () => {
    const [first] = bundleTables([sizes('Lambda', 100)])
    expect(first?.rows).toEqual([
      { runtime: 'Lambda', program: 'empty Hono handler', kB: 20, 'gzip kB': 5 },
      { runtime: 'Lambda', program: 'reprefix', kB: 100, 'gzip kB': 25 },
    ])
  })

  it('name what is large among that which is loaded on use, and one provider for all', () => {
    const [, onUse] = bundleTables([sizes('Lambda', 100)])
    expect(onUse?.rows.map(({ module }) => module)).toEqual([
      'cloud/store/dynamodb-sdk',
      'cloud/dns/hosted/google, the largest of 2 providers',
    ])
  })

  it('are held to 150 kB where they are functions', () => {
    const all = [sizes('Node', 900), sizes('Lambda', 150), sizes('Workers', 151)]
    expect(bundleTargets(all).map(({ value, ok }) => [value, ok])).toEqual([
      [150, true],
      [151, false],
    ])
  })
})

describe('the clock of starts', () => {
  it('begins when the first process is created, not before and not again', async () => {
    const clock = createSpawnClock()
    expect(clock.startedAt).toThrow('no process was started')
    const before = performance.now()
    const children = ['first', 'second'].map(() => spawn(process.execPath, ['--version']))
    const startedAt = clock.startedAt()
    expect(startedAt).toBeGreaterThanOrEqual(before)
    clock.stop()
    await Promise.all(children.map((child) => once(child, 'close')))
    expect(clock.startedAt()).toBe(startedAt)
  })
})

describe('starts', () => {
  const all = (...ms: number[]) => ms.map((each) => ({ readyMs: each / 2, answeredMs: each }))
  const times: StartTimes['times'] = {
    hello: all(100, 90, 200),
    health: all(125, 130, 131),
    ready: all(140, 150, 160),
    report: all(250, 200, 900),
  }

  it('are medians beside the empty handler', () => {
    const { rows } = startTable([{ runtime: 'Node', times }])
    expect(rows).toMatchObject([
      { program: 'empty Hono handler', 'ready ms': 50, 'answered ms': 100, ratio: 1 },
      { 'first answer': '/healthz', 'ready ms': 65, 'answered ms': 130, ratio: 1.3 },
      { 'first answer': '/readyz', 'ready ms': 75, 'answered ms': 150, ratio: 1.5 },
      { 'ready ms': 125, 'answered ms': 250, ratio: 2.5 },
    ])
  })

  it('are held to 1.3 times at the first answer where they are functions', () => {
    const slow = { ...times, health: all(131, 131, 131) }
    const targets = startTargets([
      { runtime: 'Node', times: slow },
      { runtime: 'Lambda', times },
      { runtime: 'Workers', times: slow },
    ])
    expect(targets.map(({ value, ok }) => [value, ok])).toEqual([
      [1.3, true],
      [1.31, false],
    ])
  })
})

describe('loads', () => {
  it('are reports a second', () => {
    const load = { runtime: 'Workers', store: 'D1', hosts: 8, rates: [10.4, 30.2, 20.4] } as const
    expect(loadTable([load]).rows).toEqual([
      { runtime: 'Workers', store: 'D1', hosts: 8, 'median /s': 20, 'slowest turn /s': 10 },
    ])
  })
})

describe('costs', () => {
  const tables = costTables([
    { store: 'libsql', names: 1, counts: { calls: 7, statements: 18.25 } },
    { store: 'D1', names: 1, counts: { calls: 7, rowsRead: 1000, rowsWritten: 20 } },
    { store: 'DynamoDB', names: 1, counts: { reads: 6, readUnits: 8, writeUnits: 14 } },
  ])

  it('are told in what each store counts', () => {
    expect(tables.slice(0, -1).map(({ rows }) => rows)).toEqual([
      [{ names: 1, calls: 7, statements: 18.3 }],
      [{ names: 1, calls: 7, rowsRead: 1000, rowsWritten: 20 }],
      [{ names: 1, reads: 6, readUnits: 8, writeUnits: 14 }],
    ])
  })

  it('have the prices of the guides, and the index that the emulator does not count', () => {
    expect(tables.at(-1)?.rows).toEqual([
      // $0.001 and $1.00 for a million rows.
      { store: 'D1', names: 1, 'reads $': '1.00', 'writes $': '20.00', 'sum $': '21.00' },
      // $0.125 and $0.625 for a million units, of which two more are written.
      { store: 'DynamoDB', names: 1, 'reads $': '1.00', 'writes $': '10.00', 'sum $': '11.00' },
    ])
  })
})

describe('a measurement', () => {
  it('shows only what was measured', () => {
    const nothing = { v: 1, at: '2026-01-01T00:00:00Z', isComplete: true, machine: {} } as const
    expect(presentServerless(nothing)).toEqual({ tables: [], targets: [] })
    expect(presentServerless({ ...nothing, needs: [] }).tables).toHaveLength(1)
  })
})
