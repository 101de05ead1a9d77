import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mean, median, percentile } from '../../bench/statistics.ts'

describe('median', () => {
  it.each([
    ['odd', [3, 1, 2], 2],
    ['even', [4, 1, 3, 2], 2.5],
    ['one', [7], 7],
    ['compares numbers, not their digits', [100, 9, 20], 20],
  ])('%s', (_name, values, expected) => {
    expect(median(values)).toBe(expected)
  })

  it('has no value for no values', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})

describe('percentile', () => {
  it.each([
    ['ten values: p95 is the slowest', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 95, 10],
    ['twenty values: one may be slower', Array.from({ length: 20 }, (_, i) => i + 1), 95, 19],
    ['the smallest', [5, 3, 9], 0, 3],
    ['a half of four', [4, 3, 2, 1], 50, 2],
  ])('%s', (_name, values, percent, expected) => {
    expect(percentile(values, percent)).toBe(expected)
  })

  it('has no value for no values', () => {
    expect(() => percentile([], 95)).toThrow(RangeError)
  })

  it('is one of the values, and not exceeded by at least so many of them', () => {
    const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 })
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 100 }), (list, percent) => {
        const found = percentile(list, percent)
        expect(list).toContain(found)
        const below = list.filter((value) => value <= found).length
        expect(below / list.length).toBeGreaterThanOrEqual(percent / 100)
      }),
    )
  })
})

describe('mean', () => {
  it('adds up', () => {
    expect(mean([1, 2, 6])).toBe(3)
    expect(() => mean([])).toThrow(RangeError)
  })
})
