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
