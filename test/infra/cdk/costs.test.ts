import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { billedMs, costOf, type Need, PASS, REPORT, renderCosts } from '../../../infra/cdk/costs.ts'
import { describeDynamo } from '../../stores/describe-dynamo.ts'
import { type MeasuredFunction, type Sums, startMeasuredFunction } from './measured-function.ts'

const GUIDE = 'docs/guides/deploy-aws.md'
const WARM_UP = 20
const MEASURED = 10
/** What the index of pending reports costs: the emulator does not count it (docs/design/stores.md). */
const INDEX_UNITS = 2

describe('what the guide says about costs', () => {
  it('is what the arithmetic gives', async () => {
    const guide = await readFile(GUIDE, 'utf8')
    const written = guide.replace(
      /(<!-- table of costs[^\n]*-->\n)[\s\S]*?(<!-- end of table -->)/,
      (_, start: string, end: string) => `${start}${renderCosts()}\n${end}`,
    )
    expect(written).toContain(renderCosts())
    await expect(written).toMatchFileSnapshot(`../../../${GUIDE}`)
  })

  it('adds up for numbers that can be checked by hand', () => {
    const need: Need = {
      ...{ readUnits: 8, writeUnits: 2, storeReads: 2, storeWrites: 1 },
      ...{ providerRequests: 1, cpuMs: 0, logBytes: 1650, storedBytes: 0 },
    }
    expect(billedMs(need)).toBe(120)
    const { function: time, reads, writes, log } = costOf(need, 1e6)
    // 120 ms at half a GB are 60,000 GB-seconds for a million.
    expect(time).toBeCloseTo(60_000 * 0.0000133334 + 0.2, 6)
    expect(reads).toBeCloseTo(1, 6)
    expect(writes).toBeCloseTo(1.25, 6)
    expect(log).toBeCloseTo(1, 6)
  })
})

describeDynamo('what the costs are computed from', () => {
  let measured: MeasuredFunction
  beforeAll(async () => {
    measured = await startMeasuredFunction()
    for (let i = 0; i < WARM_UP; i++) await measured.report()
    await measured.pass()
  })
  afterAll(() => measured?.stop())

  async function meanOf(act: () => Promise<void>): Promise<Sums> {
    const [start, end] = [await measured.sums(), await repeated(act)]
    const mean = (key: keyof Sums) => (end[key] - start[key]) / MEASURED
    const keys = Object.keys(end) as (keyof Sums)[]
    return Object.fromEntries(keys.map((key) => [key, mean(key)])) as unknown as Sums
  }
  async function repeated(act: () => Promise<void>): Promise<Sums> {
    for (let i = 0; i < MEASURED; i++) await act()
    return measured.sums()
  }

  it.each([
    ['a report', REPORT, () => measured.report(), INDEX_UNITS],
    ['a pass', PASS, () => measured.pass(), 0],
  ] as const)('is what %s needs, and little more', async (what, need, act, indexUnits) => {
    const mean = await meanOf(act)
    console.log(`${what}:`, mean)
    const counted = { ...mean, writeUnits: mean.writeUnits + indexUnits }
    for (const [key, value] of Object.entries(counted)) {
      const used = need[key as keyof Sums]
      expect(value, key).toBeLessThanOrEqual(used)
      // A table that has become too dear is wrong as well.
      expect(used, key).toBeLessThanOrEqual(value * 1.5 + 2)
    }
  })
})
