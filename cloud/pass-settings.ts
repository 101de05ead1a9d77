import * as v from 'valibot'
import { quote, ReprefixError } from '../shared/errors.ts'
import { parsedBy } from '../shared/schema.ts'

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const LEAST_INTERVAL_MS = 10_000
/** Longer ones do not fit into a timer (2^31 ms), and nobody waits so long for repair. */
const LONGEST_INTERVAL_MS = 86_400_000

/** When the scheduled pass runs, and when a host is stale; milliseconds. */
export const passSettingsSchema = v.strictObject({
  every: v.optional(
    v.pipe(
      parsedBy(parseDuration),
      v.minValue(LEAST_INTERVAL_MS, 'must be 10s at least'),
      v.maxValue(LONGEST_INTERVAL_MS, 'must be 1d at most'),
    ),
    '5min',
  ),
  silentAfter: v.optional(parsedBy(parseDuration), '30d'),
})

/**
 * A duration such as `30s`, `5min`, `2h` or `30d`, in milliseconds.
 * @throws ReprefixError VALUE_INVALID
 */
export function parseDuration(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,4})(s|min|h|d)$/.exec(text) ?? []
  const unitMs = UNITS_MS[unit]
  if (unitMs !== undefined) return Number(count) * unitMs
  throw new ReprefixError(
    'VALUE_INVALID',
    `${quote(text)} is not a duration: write it like 30s, 5min, 2h or 30d`,
  )
}
