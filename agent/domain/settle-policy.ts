import { ReprefixError } from '../../shared/errors.ts'
import type { Instant } from './model.ts'

/** When Docker's own state may be made true, which cuts the containers of a network off for a moment. */
export type SettlePolicy =
  | { readonly kind: 'never' | 'now' | 'on-restart' }
  /** Local time, in minutes since midnight; `to` before `from` is over midnight. */
  | { readonly kind: 'window'; readonly from: number; readonly to: number }

/** The moment at which a policy is asked. */
export interface SettleMoment {
  readonly now: Instant
  /** Local time of `now`, in minutes since midnight. */
  readonly minuteOfDay: number
  /** Since when no container has been running there; `null` while one runs. */
  readonly idleSince: Instant | null
}

/** The answer of a policy: settle, or ask again at `at`; `null` where time alone changes nothing. */
export type SettleTiming =
  | { readonly isDue: true }
  | { readonly isDue: false; readonly at: Instant | null }

/** Stopping, removing and starting again by one command leaves no gap this long. */
export const IDLE_MS = 5000

const MINUTES_A_DAY = 24 * 60
const MINUTE_MS = 60_000
const WINDOW = /^window ([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/

/**
 * Reads `never`, `now`, `on-restart` or `window HH:MM-HH:MM`.
 * @throws ReprefixError VALUE_INVALID
 */
export function parseSettlePolicy(text: string): SettlePolicy {
  if (text === 'never' || text === 'now' || text === 'on-restart') return { kind: text }
  const [, fromHour, fromMinute, toHour, toMinute] = WINDOW.exec(text) ?? []
  const from = Number(fromHour) * 60 + Number(fromMinute)
  const to = Number(toHour) * 60 + Number(toMinute)
  if (Number.isNaN(from + to) || from === to) {
    throw new ReprefixError(
      'VALUE_INVALID',
      'is not a time to settle: write never, now, on-restart, or a window of local time like' +
        ' "window 03:00-05:00"',
    )
  }
  return { kind: 'window', from, to }
}

/** When a policy permits to settle, for people. */
export function describePolicy(policy: SettlePolicy): string {
  switch (policy.kind) {
    case 'never':
      return 'never (docker.settle)'
    case 'now':
      return 'at once'
    case 'on-restart':
      return 'when nothing runs on it'
    case 'window':
      return `between ${clockOf(policy.from)} and ${clockOf(policy.to)}`
  }
}

function clockOf(minuteOfDay: number): string {
  const [hour, minute] = [Math.floor(minuteOfDay / 60), minuteOfDay % 60]
  return [hour, minute].map((part) => String(part).padStart(2, '0')).join(':')
}

/** Whether a policy permits to settle at this moment. */
export function settleTiming(policy: SettlePolicy, moment: SettleMoment): SettleTiming {
  switch (policy.kind) {
    case 'never':
      return { isDue: false, at: null }
    case 'now':
      return { isDue: true }
    case 'on-restart': {
      if (moment.idleSince === null) return { isDue: false, at: null }
      const at = moment.idleSince + IDLE_MS
      return at <= moment.now ? { isDue: true } : { isDue: false, at }
    }
    case 'window':
      return windowTiming(policy.from, policy.to, moment)
  }
}

function windowTiming(from: number, to: number, { now, minuteOfDay }: SettleMoment): SettleTiming {
  const isOpen =
    from < to ? minuteOfDay >= from && minuteOfDay < to : minuteOfDay >= from || minuteOfDay < to
  if (isOpen) return { isDue: true }
  const minutes = (from - minuteOfDay + MINUTES_A_DAY) % MINUTES_A_DAY
  return { isDue: false, at: now - (now % MINUTE_MS) + minutes * MINUTE_MS }
}
