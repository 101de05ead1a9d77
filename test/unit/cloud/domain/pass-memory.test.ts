import { describe, expect, it } from 'vitest'
import {
  decideRepair,
  MAX_REPAIRS_A_DAY,
  NO_MEMORY,
  parsePassMemory,
  type Repair,
} from '../../../../cloud/domain/pass-memory.ts'

const HOUR = 3_600_000
const NOW = 1_772_366_400_000
const about = { key: 'www.example.org/AAAA', version: 7 }

/** What is decided each time that the RRset is found changed, so many milliseconds apart. */
function decideEvery(ms: number, times: number, versionAt = (_: number) => 7) {
  let repairs: readonly Repair[] = []
  return Array.from({ length: times }, (_, turn) => {
    const decision = decideRepair(repairs, { ...about, version: versionAt(turn) }, NOW + turn * ms)
    repairs = decision.repairs
    return decision.kind
  })
}

describe('decideRepair', () => {
  it('writes again three times in a day, says once that it gives up, and is silent then', () => {
    expect(decideEvery(HOUR, 6)).toEqual([
      ...Array.from({ length: MAX_REPAIRS_A_DAY }, () => 'repair'),
      'contested',
      'left',
      'left',
    ])
  })

  it('begins anew a day after the first time', () => {
    expect(decideEvery(HOUR, 26).slice(23)).toEqual(['left', 'repair', 'repair'])
  })

  it('writes what changes once a day for ever', () => {
    expect(decideEvery(24 * HOUR, 20)).toEqual(Array.from({ length: 20 }, () => 'repair'))
  })

  it('begins anew when a report has decided the RRset anew', () => {
    expect(decideEvery(HOUR, 6, (turn) => (turn < 4 ? 7 : 9)).slice(3)).toEqual([
      'contested',
      'repair',
      'repair',
    ])
  })

  it('counts each RRset by itself, and remembers a thousand', () => {
    let repairs: readonly Repair[] = []
    for (let i = 0; i < 1100; i++) {
      const decision = decideRepair(repairs, { key: `n${i}.example.org/A`, version: 1 }, NOW)
      expect(decision.kind).toBe('repair')
      repairs = decision.repairs
    }
    expect(repairs).toHaveLength(1000)
  })

  it('does not trust a memory of the future: the clock was set back', () => {
    const repairs = [{ ...about, count: 3, sinceMs: NOW + HOUR, lastMs: NOW + HOUR }]
    expect(decideRepair(repairs, about, NOW).kind).toBe('repair')
  })
})

describe('parsePassMemory', () => {
  it('gives back what was kept', () => {
    const kept = {
      lastMs: NOW,
      after: { name: 'www.example.org', type: 'AAAA' },
      repairs: [{ ...about, count: 1, sinceMs: NOW, lastMs: NOW }],
      waits: { cloudflare: NOW + HOUR },
    }
    expect(parsePassMemory(JSON.stringify(kept))).toEqual(kept)
  })

  it.each([undefined, '', '[]', '{"lastMs":"x"}'])('begins anew where there is %j', (text) => {
    expect(parsePassMemory(text)).toEqual(NO_MEMORY)
  })
})
