import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createBudgetKeeper,
  createRequestBudget,
  type RateRule,
} from '../../../../../cloud/dns/http/request-budget.ts'

/** A budget and a clock that moves only while the budget waits. */
function createBench(rules: readonly RateRule[]) {
  let clock = 0
  const deps = {
    now: () => new Date(clock),
    sleep: async (ms: number) => {
      clock += ms
    },
  }
  return {
    budget: createRequestBudget(rules, deps),
    deps,
    clock: () => clock,
    pass: (ms: number) => {
      clock += ms
    },
  }
}

describe('a request budget', () => {
  it('lets no window hold more than its rule, whatever is asked for and when', async () => {
    const rule = fc.record({
      count: fc.integer({ min: 1, max: 4 }),
      perMs: fc.integer({ min: 1, max: 5000 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(rule, { minLength: 1, maxLength: 3 }),
        fc.array(fc.nat(1500), { maxLength: 30 }),
        async (rules, pauses) => {
          const bench = createBench(rules)
          const starts: number[] = []
          for (const pause of pauses) {
            bench.pass(pause)
            const isLet = await bench.budget.take('read', '').then(
              () => true,
              () => false,
            )
            if (isLet) starts.push(bench.clock())
          }
          for (const { count, perMs } of rules) {
            for (const [index, start] of starts.entries()) {
              const before = starts[index - count]
              if (before !== undefined) expect(start - before).toBeGreaterThanOrEqual(perMs)
            }
          }
        },
      ),
    )
  })

  it('says at once how long it would take, instead of waiting for minutes', async () => {
    const { budget, clock } = createBench([{ count: 1, perMs: 60_000 }])
    await budget.take('write', 'a')
    await expect(budget.take('write', 'a')).rejects.toMatchObject({
      kind: 'rate-limited',
      retryAfterMs: 60_000,
    })
    expect(clock()).toBe(0)
  })

  it('calls the end of a daily allowance a quota', async () => {
    const { budget } = createBench([{ count: 2, perMs: 86_400_000, on: 'write' }])
    await budget.take('write', 'a')
    await budget.take('write', 'a')
    await budget.take('read', 'a')
    await expect(budget.take('write', 'a')).rejects.toMatchObject({
      kind: 'quota',
      isRetryable: true,
    })
  })

  it('counts zones apart only where the rule says so', async () => {
    const perZone = createBench([{ count: 1, perMs: 60_000, perZone: true }]).budget
    await perZone.take('read', 'a')
    await perZone.take('read', 'b')
    const together = createBench([{ count: 1, perMs: 60_000 }]).budget
    await together.take('read', 'a')
    await expect(together.take('read', 'b')).rejects.toMatchObject({ kind: 'rate-limited' })
  })

  it('lets nothing through while the service wants nothing', async () => {
    const { budget, pass, clock } = createBench([])
    budget.block(300_000, 'write', 'a')
    await expect(budget.take('read', '')).rejects.toMatchObject({ retryAfterMs: 300_000 })
    pass(299_000)
    await budget.take('read', '')
    expect(clock()).toBe(300_000)
  })

  it('blocks no more than the limit is about', async () => {
    const { budget } = createBench([
      { count: 9, perMs: 1000, on: 'read' },
      { count: 9, perMs: 1000, on: 'write', perZone: true },
    ])
    budget.block(40_000_000, 'write', 'a')
    await budget.take('read', 'a')
    await budget.take('write', 'b')
    await expect(budget.take('write', 'a')).rejects.toMatchObject({
      kind: 'quota',
      retryAfterMs: 40_000_000,
    })
  })

  it('is the same one for the same credential', async () => {
    const keep = createBudgetKeeper(createBench([]).deps)
    const rules = [{ count: 1, perMs: 60_000 }]
    await keep('a', rules).take('read', '')
    await expect(keep('a', rules).take('read', '')).rejects.toMatchObject({ kind: 'rate-limited' })
    await keep('b', rules).take('read', '')
  })
})

describe('turns', () => {
  it('are given at once while half of the requests is left', async () => {
    const { budget } = createBench([{ count: 10, perMs: 60_000 }])
    for (const zone of ['a', 'b', 'a', 'b', 'a', 'b']) {
      expect(budget.turnMs(zone)).toBe(0)
      await budget.take('write', zone)
    }
    expect(budget.turnMs('a')).toBe(0)
    expect(budget.turnMs('b')).toBeGreaterThan(0)
  })

  it.each([
    // The longest that a zone waits, in seconds: in the first minute, and ever.
    [10, 2, { count: 1200, perMs: 300_000 }, 7, 60],
    [40, 2, { count: 1200, perMs: 300_000 }, 30, 150],
    [10, 1, { count: 50, perMs: 60_000 }, 50, 50],
    [3, 4, { count: 180, perMs: 60_000 }, 30, 30],
    [1, 2, { count: 2400, perMs: 3_600_000 }, 10, 60],
  ])(
    'go round, and none is in vain: %i zones, %i requests each, %o',
    async (count, requests, rule, inMinute, ever) => {
      const { budget, clock, pass } = createBench([rule])
      const zones = Array.from({ length: count }, (_, i) => `zone-${i}`)
      const last = new Map<string, number>()
      const longest = [0, 0]
      while (clock() < 4 * rule.perMs) {
        for (const zone of zones) {
          if (budget.turnMs(zone) > 0) continue
          const period = clock() < 60_000 ? 0 : 1
          const sinceMs = clock() - (last.get(zone) ?? 0)
          longest[period] = Math.max(longest[period] ?? 0, sinceMs / 1000)
          last.set(zone, clock())
          for (let i = 0; i < requests; i++) await budget.take('write', zone)
        }
        pass(100)
      }
      expect(last.size).toBe(count)
      expect(longest[0]).toBeLessThan(inMinute)
      expect(longest[1]).toBeLessThan(ever)
    },
  )

  it('are kept until somebody comes for them', async () => {
    const { budget, pass } = createBench([{ count: 4, perMs: 60_000 }])
    for (let i = 0; i < 3; i++) await budget.take('write', 'a')
    expect(budget.turnMs('a')).toBe(0)
    const [second, third] = [budget.turnMs('b'), budget.turnMs('c')]
    expect(second).toBeGreaterThan(0)
    expect(third).toBeGreaterThanOrEqual(second)
    pass(second - 1)
    expect(budget.turnMs('b')).toBe(1)
    pass(1)
    expect(budget.turnMs('b')).toBe(0)
  })

  it('come at once again when the requests of a burst count no more', async () => {
    const { budget, pass } = createBench([{ count: 4, perMs: 60_000 }])
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) await budget.take('write', 'a')
      expect(budget.turnMs('a')).toBe(60_000)
      pass(60_000)
      expect(budget.turnMs('a')).toBe(0)
    }
  })

  it('are not taken for limits that a request waits for by itself', async () => {
    const { budget } = createBench([{ count: 2, perMs: 1000 }])
    for (let i = 0; i < 2; i++) await budget.take('write', 'a')
    expect(budget.turnMs('a')).toBe(0)
  })

  it('are told apart by zone only where the rule says so', async () => {
    const { budget } = createBench([{ count: 4, perMs: 60_000, perZone: true, on: 'write' }])
    for (let i = 0; i < 4; i++) await budget.take('write', 'a')
    expect(budget.turnMs('a')).toBe(60_000)
    expect(budget.turnMs('b')).toBe(0)
  })
})
