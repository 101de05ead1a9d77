import { describe, expect, it } from 'vitest'
import { readExhaustion, readRetryAfter } from '../../../../../cloud/dns/http/retry-after.ts'

const now = new Date('2026-01-31T12:00:00Z')
const inAMinute = String(now.getTime() / 1000 + 60)

describe('the time to wait', () => {
  it.each([
    ['seconds', { 'retry-after': '120' }, 120_000],
    ['parts of seconds', { 'retry-after': '1.5' }, 1500],
    ['a date', { 'retry-after': 'Sat, 31 Jan 2026 12:01:00 GMT' }, 60_000],
    ['a date that is past', { 'retry-after': 'Sat, 31 Jan 2026 11:00:00 GMT' }, 0],
    ['years', { 'retry-after': '99999999' }, 7 * 86_400_000],
    ['neither', {}, undefined],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['a negative number', { 'retry-after': '-5' }, undefined],
    ['nothing', { 'retry-after': '' }, undefined],
  ])('is read from %s', (_, headers, expected) => {
    expect(readRetryAfter(new Headers(headers), now)).toBe(expected)
  })

  it.each([
    ['none left', { 'ratelimit-remaining': '0', 'ratelimit-reset': inAMinute }, 60_000],
    ['none left, spelt with x', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9' }, 9000],
    ['none left, spelt apart', { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': '9' }, 9000],
    ['some left', { 'ratelimit-remaining': '1', 'ratelimit-reset': inAMinute }, undefined],
    ['none left, and no time', { 'ratelimit-remaining': '0' }, undefined],
    ['a structured none', { ratelimit: '"default";r=0;t=25' }, 25_000],
    ['a structured some', { ratelimit: '"default";r=50;t=25' }, undefined],
    ['no such headers', {}, undefined],
  ])('is known beforehand from %s', (_, headers, expected) => {
    expect(readExhaustion(new Headers(headers), now)).toBe(expected)
  })
})
