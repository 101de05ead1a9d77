import { describe, expect, it } from 'vitest'
import { positionOf, renderChart, sayTime } from '../../bench/chart.ts'
import { MEASUREMENT } from './measurement.fixture.ts'

describe('sayTime', () => {
  it.each([
    [87.4, '87 ms'],
    [1000, '1.0 s'],
    [9349, '9.3 s'],
    [99_950, '100 s'],
    [309_300, '309 s'],
  ])('%d is %s', (ms, said) => {
    expect(sayTime(ms)).toBe(said)
  })
})

describe('positionOf', () => {
  it('gives every power of ten the same room', () => {
    const steps = [10, 100, 1000, 10_000].map(positionOf)
    const [a = 0, b = 0, c = 0, d = 0] = steps
    expect(b - a).toBeCloseTo(c - b, 0)
    expect(d - c).toBeCloseTo(c - b, 0)
    expect(b).toBeGreaterThan(a)
  })

  it('stays on the axis', () => {
    expect(positionOf(0)).toBe(positionOf(10))
    expect(positionOf(1e9)).toBe(positionOf(1_000_000))
  })
})

describe('renderChart', () => {
  const svg = renderChart(MEASUREMENT)

  it('names itself and says everything in words', () => {
    expect(svg).toMatch(/aria-labelledby="title desc"/)
    expect(svg).toMatch(/<title id="title">[^<]+</)
    const [, description = ''] = /<desc id="desc">([^<]+)</.exec(svg) ?? []
    expect(description).toContain('20 containers, first page by name: reprefix 155 ms')
    expect(description).toContain('cron script 9.3 s, 280 IPv4 lost, 20 restarted')
    expect(description).toContain('ddclient daemon 33.0 s')
  })

  it('has colours for light and for dark pages', () => {
    expect(svg).toContain('@media (prefers-color-scheme: dark)')
    expect(svg.match(/\.own \{ fill/g)).toHaveLength(2)
  })

  it('draws what cron adds, and the 95th percentile, where there is one', () => {
    expect(
      svg.match(/class="other wait" x="\d+(\.\d+)?" y="\d+" width="[\d.]+" height="16"/g),
    ).toHaveLength(1)
    expect(svg.match(/class="mark"/g)).toHaveLength(1)
  })

  it('is well-formed: every element is closed, text is escaped', () => {
    const open: string[] = []
    for (const [, slash, name = '', rest = ''] of svg.matchAll(/<(\/?)(\w+)([^>]*)>/g)) {
      if (slash) expect(open.pop()).toBe(name)
      else if (!rest.endsWith('/')) open.push(name)
    }
    expect(open).toEqual([])
    expect(svg).toContain('Debian &amp; friends')
    expect(svg).not.toMatch(/NaN|undefined/)
  })

  it('draws a measurement of one way alone', () => {
    const alone = renderChart({ ...MEASUREMENT, series: MEASUREMENT.series.slice(1), dns: [] })
    expect(alone).toContain('cron script')
    expect(alone).not.toContain('>reprefix<')
  })
})
