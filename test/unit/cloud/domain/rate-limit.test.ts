import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideRate } from '../../../../cloud/domain/rate-limit.ts'

/** Instants at which reports are accepted, of those at which one is tried. */
function accepted(perHour: number, tries: readonly number[]): number[] {
  let busyUntilMs = 0
  return tries.filter((nowMs) => {
    const decision = decideRate(busyUntilMs, perHour, nowMs)
    if (decision.kind === 'admitted') busyUntilMs = decision.busyUntilMs
    return decision.kind === 'admitted'
  })
}

describe('decideRate', () => {
  it('lets a tenth of an hour’s reports come at once, then one each share of the hour', () => {
    const start = Date.parse('2026-03-01T12:00:00Z')
    expect(accepted(600, Array(100).fill(start))).toHaveLength(60)
    const shares = Array.from({ length: 100 }, (_, i) => start + i * 6000)
    expect(accepted(600, shares)).toHaveLength(100)
  })

  it('lets ten come at once where few are permitted', () => {
    expect(accepted(1, Array(100).fill(1))).toHaveLength(10)
  })

  it('says when the next one is accepted, and accepts it then', () => {
    let busyUntilMs = 0
    for (let i = 0; i < 60; i += 1) {
      const decision = decideRate(busyUntilMs, 600, 1000)
      if (decision.kind === 'admitted') busyUntilMs = decision.busyUntilMs
    }
    const limited = decideRate(busyUntilMs, 600, 1000)
    expect(limited).toEqual({ kind: 'limited', retryAfterMs: 6000 })
    expect(decideRate(busyUntilMs, 600, 6900).kind).toBe('limited')
    expect(decideRate(busyUntilMs, 600, 7000).kind).toBe('admitted')
  })

  it('does not lock a key out when the clock is set back', () => {
    const late = decideRate(0, 600, Date.parse('2036-01-01T00:00:00Z'))
    const busyUntilMs = late.kind === 'admitted' ? late.busyUntilMs : 0
    const early = Date.parse('2026-01-01T00:00:00Z')
    const expected = { kind: 'admitted', busyUntilMs: early + 6000 }
    expect(decideRate(busyUntilMs, 600, early)).toEqual(expected)
  })

  it('never accepts more in any hour than that hour and one burst', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 60_000 }), { maxLength: 300 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), gaps, (perHour, list) => {
        let now = 1_000_000
        const times = accepted(
          perHour,
          list.map((gap) => {
            now += gap
            return now
          }),
        )
        const burst = Math.max(10, Math.floor(perHour / 10))
        for (const from of times) {
          const within = times.filter((at) => at >= from && at < from + 3_600_000)
          expect(within.length).toBeLessThanOrEqual(perHour + burst)
        }
      }),
    )
  })
})
