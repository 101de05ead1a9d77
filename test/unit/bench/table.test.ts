import { describe, expect, it } from 'vitest'
import { renderTable } from '../../bench/table.ts'

describe('renderTable', () => {
  it('aligns words to the left and numbers to the right, heads included', () => {
    const rows = [
      { way: 'reprefix', ms: 87, ratio: '1x' },
      { way: 'cron', ms: 10_250, ratio: '118x' },
    ]
    expect(renderTable(rows).split('\n')).toEqual([
      'way          ms  ratio',
      'reprefix     87  1x',
      'cron      10250  118x',
    ])
  })

  it('keeps a dash in a column of numbers with the numbers', () => {
    expect(renderTable([{ p95: '-' }, { p95: 120 }])).toBe('p95\n  -\n120')
  })

  it('leaves a missing cell empty', () => {
    expect(renderTable([{ a: 'x', b: 'y' }, { a: 'z' }])).toBe('a  b\nx  y\nz')
  })
})
