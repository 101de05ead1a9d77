import { describe, expect, it } from 'vitest'
import { decideClock } from '../../../../cloud/domain/clock.ts'
import { decideSequence } from '../../../../cloud/domain/sequence.ts'

const nowMs = Date.parse('2026-03-01T12:00:00Z')
const now = nowMs / 1000
const day = 86_400_000

describe('decideSequence', () => {
  const table: readonly [string, number, number, unknown][] = [
    ['first', 1, 0, { kind: 'fresh' }],
    ['next', nowMs + 1, nowMs, { kind: 'fresh' }],
    ['same', 7, 7, { kind: 'stale', current: 7 }],
    ['lower', 6, 7, { kind: 'stale', current: 7 }],
    ['a-day-ahead', nowMs + day, 7, { kind: 'fresh' }],
    ['more-than-a-day-ahead', nowMs + day + 1, 7, { kind: 'too-far', limit: nowMs + day }],
    ['2^53-1', Number.MAX_SAFE_INTEGER, 7, { kind: 'too-far', limit: nowMs + day }],
  ]
  it.each(table)('%s', (_, sequence, last, expected) => {
    expect(decideSequence(sequence, last, nowMs)).toEqual(expected)
  })
})

describe('decideClock', () => {
  const table: readonly [string, number, boolean | undefined, string][] = [
    ['now', now, undefined, 'accepted'],
    ['300-s-ago', now - 300, undefined, 'accepted'],
    ['301-s-ago', now - 301, undefined, 'nonce-needed'],
    ['300-s-ahead', now + 300, undefined, 'accepted'],
    ['301-s-ahead', now + 301, undefined, 'nonce-needed'],
    ['1970/fresh-nonce', 0, true, 'accepted'],
    ['1970/stale-nonce', 0, false, 'nonce-needed'],
    // Whoever sends a nonce is judged by it, so that a used one cannot be kept for a good clock.
    ['now/stale-nonce', now, false, 'nonce-needed'],
  ]
  it.each(table)('%s', (_, iat, nonceIsFresh, expected) => {
    expect(decideClock(iat, nonceIsFresh, nowMs).kind).toBe(expected)
  })
})
