import { describe, expect, it } from 'vitest'
import type { SqlPort } from '../../../../cloud/store/sql-port.ts'
import { planCloud } from '../../../bench/reports/cloud-bench.ts'
import {
  type CloudMeasurement,
  gainOf,
  presentCloud,
  unavoidableOf,
} from '../../../bench/reports/cloud-result.ts'
import { askedOf, countRows } from '../../../bench/reports/growth.ts'
import { LADDER } from '../../../bench/reports/ladder.ts'
import { plain, timed, timeInTurns } from '../../../bench/reports/turns.ts'

const ladder = {
  [LADDER.hello]: [0.1],
  [LADDER.whole]: [3, 2.2, 2.6],
  [LADDER.verification]: [0.2],
  [LADDER.insert]: [0.3],
  [LADDER.reportCommit]: [0.9],
  [LADDER.appliedCommit]: [0.7],
  [LADDER.signature]: [0.1, 0.3],
}
const nothing: CloudMeasurement = {
  v: 1,
  at: '2026-03-01T12:00:00.000Z',
  isComplete: true,
  machine: {},
  conditions: {},
}
const whole: CloudMeasurement = {
  ...nothing,
  ladder,
  load: { hosts: 32, oneAtATime: [100, 90, 400], atOnce: [150, 10, 160], largestCommit: 8 },
  growth: [
    { entries: 100, appendMs: [1], proofMs: [1], proofRows: [70] },
    { entries: 1_000_000, appendMs: [1, 2], proofMs: [2, 3], proofRows: [20, 41, 22] },
  ],
  tree: { entries: 1_000_000, seconds: 100, startMiB: 100, peakMiB: 150, endMiB: 140 },
  signed: {
    ...{ entries: 2000, seconds: 1.4, startMiB: 100, peakMiB: 150, endMiB: 140 },
    ...{ reports: 1000, bareSeconds: 1 },
  },
}

describe('what the cloud bench makes of its times', () => {
  it('adds up the parts, with the commits as they are and as bare inserts', () => {
    const { wholeMs, partsMs, barePartsMs } = unavoidableOf(ladder)
    expect(wholeMs).toBeCloseTo(2.6, 9)
    expect(partsMs).toBeCloseTo(2, 9)
    expect(barePartsMs).toBeCloseTo(1, 9)
  })

  it('compares reports a second by their medians', () => {
    expect(
      gainOf({ hosts: 2, oneAtATime: [100, 90, 400], atOnce: [150, 10, 160], largestCommit: 1 }),
    ).toBe(1.5)
  })

  it('judges the whole path, the load, the largest log and both kinds of verification', () => {
    const { targets, tables } = presentCloud(whole)
    expect(targets.map(({ value, ok }) => [value, ok])).toEqual([
      [1.3, true],
      [1.5, true],
      [41, false],
      [10_000, true],
      [50, true],
      [1.2, true],
    ])
    expect(tables.map(({ rows }) => rows.length)).toEqual([7, 2, 2, 2, 2])
  })

  it('says nothing of what was not measured', () => {
    expect(presentCloud(nothing)).toEqual({ tables: [], targets: [] })
    const { targets } = presentCloud({
      ...nothing,
      tree: { ...whole.tree, entries: 10_000 } as never,
    })
    expect(targets.map(({ value }) => value)).toEqual([100])
  })
})

describe('planCloud', () => {
  it('goes to a million entries, and to ten thousand for a first impression', () => {
    expect(planCloud({ isQuick: false }).sizes.at(-1)).toBe(1_000_000)
    expect(planCloud({ isQuick: true }).sizes.at(-1)).toBe(10_000)
    expect(planCloud({ isQuick: true, runs: 2, ways: ['load'] })).toMatchObject({
      turns: 2,
      ways: ['load'],
      hosts: 32,
    })
  })
})

describe('timeInTurns', () => {
  it('takes the cases in turns, the first turn uncounted, and times neither preparing nor the rest', async () => {
    let now = 0
    let prepared = 0
    const order: string[] = []
    const times = await timeInTurns(
      [
        timed<number>(
          'a',
          async (ms) => {
            order.push('a')
            now += ms
          },
          async () => {
            now += 1000
            return ++prepared
          },
        ),
        plain('b', async () => {
          order.push('b')
          now += 5
        }),
      ],
      { turns: 2, warmUp: 1 },
      () => now,
    )
    expect([...times]).toEqual([
      ['a', [2, 3]],
      ['b', [5, 5]],
    ])
    expect(order.join('')).toBe('ababab')
  })
})

describe('the receipts that the bench asks for', () => {
  it('begin with the longest proof and stay inside the log', () => {
    const asked = askedOf(1_000_201, 50)
    expect(asked).toHaveLength(51)
    expect(asked[0]).toEqual([1_000_200, 524_287])
    for (const [index, witness] of asked) {
      expect(index).toBeLessThan(1_000_201)
      expect(witness).toBeGreaterThanOrEqual(0)
      expect(witness).toBeLessThanOrEqual(index + 1)
    }
  })

  it('are counted by the rows that the store gives', async () => {
    const store: SqlPort = {
      batch: async (statements) => statements.map(() => ({ rows: [{ i: 1 }, { i: 2 }] })),
      close: () => undefined,
    }
    const { port, rows } = countRows(store)
    await port.batch([
      { sql: 'SELECT 1', args: [] },
      { sql: 'SELECT 2', args: [] },
    ])
    expect(rows()).toBe(4)
  })
})
