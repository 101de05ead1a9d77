import { describe, expect, it } from 'vitest'
import { measureBurst } from '../../../bench/serverless/burst.ts'
import { burstTable, burstTargets } from '../../../bench/serverless/burst-table.ts'
import { type Call, countExcess, leastTime } from '../../../bench/serverless/limits.ts'
import { createVirtualClock } from '../../../bench/serverless/virtual-clock.ts'

const call = (atMs: number, intent: Call['intent'] = 'read', zone = 'a'): Call => {
  return { atMs, intent, zone }
}

describe('a virtual clock', () => {
  it('passes only while everybody waits, and rings in order', async () => {
    const clock = createVirtualClock()
    const rung: string[] = []
    const wait = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms)
      rung.push(`${name} ${clock.elapsed()}`)
    }
    const cancel = clock.schedule(15, () => rung.push('never'))
    cancel()
    const slow = clock.work(new Promise((resolve) => setTimeout(resolve, 20)))
    const all = Promise.all([wait('b', 20), wait('a', 10), wait('c', 20), slow])
    await clock.runUntil(all.then(() => wait('d', 3_600_000)))
    expect(rung).toEqual(['a 10', 'b 20', 'c 20', 'd 3600020'])
  })

  it('says so when everybody waits for nothing', async () => {
    const clock = createVirtualClock(50)
    await expect(clock.runUntil(new Promise(() => undefined))).rejects.toThrow('for nothing')
  })
})

describe('limits', () => {
  const rules = [
    { count: 2, perMs: 1000 },
    { count: 1, perMs: 500, on: 'write', perZone: true },
  ] as const

  it('find each request that came too early', () => {
    expect(countExcess(rules, [call(0), call(0), call(1000), call(1000)])).toBe(0)
    expect(countExcess(rules, [call(0), call(0), call(999)])).toBe(1)
    expect(countExcess(rules, [call(0, 'write'), call(400, 'write')])).toBe(1)
    expect(countExcess(rules, [call(0, 'write'), call(400, 'write', 'b')])).toBe(0)
  })

  it('tell the least time for so many requests', () => {
    expect(leastTime(rules, [call(0), call(0)])).toBe(0)
    expect(
      leastTime(
        rules,
        Array.from({ length: 5 }, () => call(0)),
      ),
    ).toBe(2000)
    expect(leastTime(rules, [call(0, 'write'), call(0, 'write')])).toBe(500)
    expect(leastTime(rules, [])).toBe(0)
  })
})

describe('a burst', () => {
  it('is written with the least requests, within all limits, and as fast as those permit', async () => {
    const burst = await measureBurst({ hosts: 30, zones: 10, withinMs: 0 })
    expect(burstTargets(burst)).toEqual([
      expect.objectContaining({ ok: true }),
      expect.objectContaining({ ok: true }),
      expect.objectContaining({ ok: true }),
    ])
    expect(burstTable(burst).rows.at(-1)).toMatchObject({ service: 'all', 'beyond limits': 0 })
    expect(burst.requests).toBeGreaterThanOrEqual(30)
  })

  it('is judged by what was measured', async () => {
    const account = { service: 'x', calls: 13, leastCalls: 10, writtenMs: 130, leastMs: 100 }
    const burst = {
      ...{ hosts: 1, zones: 1, withinMs: 0, receiptsMs: 1, requests: 1, computedMs: 1 },
      accounts: [{ ...account, excess: 1 }],
    }
    expect(burstTargets(burst).map(({ value, ok }) => [value, ok])).toEqual([
      [1.3, false],
      [1.3, false],
      [1, false],
    ])
    // The first hosts are written before the last ones report, so it takes more requests.
    expect(burstTargets({ ...burst, withinMs: 60_000 }).map(({ value }) => value)).toEqual([1.3, 1])
  })
})
