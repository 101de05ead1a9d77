import { describe, expect, it } from 'vitest'
import {
  describePolicy,
  IDLE_MS,
  parseSettlePolicy,
  settleTiming,
} from '../../../../agent/domain/settle-policy.ts'

const MINUTE = 60_000
// 12 seconds into a minute, as most moments are.
const NOW = Date.UTC(2026, 0, 1) + 12_000
const at = (text: string): number => {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  return hours * 60 + minutes
}
const timing = (policy: string, time: string, idleSince: number | null = null) =>
  settleTiming(parseSettlePolicy(policy), { now: NOW, minuteOfDay: at(time), idleSince })

describe('a policy', () => {
  it.each([
    ['window 03:00-05:00', '03:00', true],
    ['window 03:00-05:00', '04:59', true],
    ['window 03:00-05:00', '05:00', false],
    ['window 03:00-05:00', '02:59', false],
    ['window 23:00-01:30', '23:00', true],
    ['window 23:00-01:30', '00:00', true],
    ['window 23:00-01:30', '01:29', true],
    ['window 23:00-01:30', '01:30', false],
    ['window 23:00-01:30', '22:59', false],
    ['window 00:00-23:59', '23:59', false],
    ['now', '12:00', true],
    ['never', '12:00', false],
  ])('%s at %s: %s', (policy, time, isDue) => expect(timing(policy, time).isDue).toBe(isDue))

  it.each([
    ['window 03:00-05:00', '02:59', 1],
    ['window 03:00-05:00', '05:00', 22 * 60],
    ['window 23:00-01:30', '01:30', 21 * 60 + 30],
    ['window 00:00-01:00', '23:58', 2],
  ])('%s at %s asks again in %d minutes, at the full minute', (policy, time, minutes) => {
    expect(timing(policy, time)).toEqual({ isDue: false, at: NOW - 12_000 + minutes * MINUTE })
  })

  it('on-restart waits until nothing has run for a while', () => {
    expect(timing('on-restart', '12:00')).toEqual({ isDue: false, at: null })
    expect(timing('on-restart', '12:00', NOW)).toEqual({ isDue: false, at: NOW + IDLE_MS })
    expect(timing('on-restart', '12:00', NOW - IDLE_MS)).toEqual({ isDue: true })
  })

  it.each([
    'soon',
    'window',
    'window 3:00-5:00',
    'window 24:00-05:00',
    'window 03:60-05:00',
    'window 03:00-03:00',
    'window 03:00 - 05:00',
    'NOW',
    '',
  ])('refuses %j', (text) => expect(() => parseSettlePolicy(text)).toThrow('is not a time'))
})

describe('a policy for people', () => {
  it.each([
    ['never', 'never (docker.settle)'],
    ['now', 'at once'],
    ['on-restart', 'when nothing runs on it'],
    ['window 03:05-23:00', 'between 03:05 and 23:00'],
  ])('%s is %s', (text, told) => {
    expect(describePolicy(parseSettlePolicy(text))).toBe(told)
  })
})
