import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createNewest } from '../../../shared/newest.ts'

describe('createNewest', () => {
  it('has the half that was used last, never more than all, and what was put in last', () => {
    const key = fc.nat({ max: 30 })
    const steps = fc.array(fc.record({ key, isAsked: fc.boolean() }), { maxLength: 200 })
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), steps, (limit, taken) => {
        const newest = createNewest<number, string>(limit)
        const values = new Map<number, string>()
        let used: number[] = []
        for (const [n, step] of taken.entries()) {
          const last = used.slice(-Math.floor(limit / 2))
          if (step.isAsked) {
            const found = newest.get(step.key)
            if (last.includes(step.key)) expect(found).toBe(values.get(step.key))
            if (found === undefined) continue
            expect(found).toBe(values.get(step.key))
          } else {
            values.set(step.key, `${n}`)
            expect(newest.keep(step.key, `${n}`)).toBe(`${n}`)
          }
          used = [...used.filter((one) => one !== step.key), step.key]
        }
      }),
    )
    const newest = createNewest<number, number>(10)
    for (let n = 0; n < 1000; n++) newest.keep(n, n)
    const held = Array.from({ length: 1000 }, (_, n) => n).filter(
      (n) => newest.get(n) !== undefined,
    )
    expect(held.length).toBeGreaterThanOrEqual(5)
    expect(held.length).toBeLessThanOrEqual(10)
    expect(held.at(-1)).toBe(999)
  })

  it('holds one where there is room for one', () => {
    const newest = createNewest<string, number>(1)
    newest.keep('a', 1)
    expect(newest.get('a')).toBe(1)
    newest.keep('a', 2)
    expect(newest.get('a')).toBe(2)
  })
})
