const HOUR_MS = 3_600_000
/** However few reports an hour are permitted, this many may come at once. */
const LEAST_BURST = 10

/** Whether one more report of a key may be accepted now. */
export type RateDecision =
  /** `busyUntilMs` belongs to the key from now on. */
  | { readonly kind: 'admitted'; readonly busyUntilMs: number }
  | { readonly kind: 'limited'; readonly retryAfterMs: number }

/**
 * The generic cell rate algorithm (ITU-T I.371): one number a key instead of a list of times. Each report
 * keeps the key busy for its share of an hour; a tenth of an hour's reports, and at least ten, may come at
 * once. `busyUntilMs` is that of the report before, 0 for a new key; one that lies further ahead than a
 * burst was written before the clock was set back, and counts for nothing.
 */
export function decideRate(
  busyUntilMs: number,
  reportsPerHour: number,
  nowMs: number,
): RateDecision {
  const shareMs = HOUR_MS / reportsPerHour
  const burstMs = shareMs * Math.max(LEAST_BURST, Math.floor(reportsPerHour / 10))
  // Half a millisecond is lost in adding fractions.
  const latestMs = nowMs + burstMs + 0.5
  const nextMs = (busyUntilMs > latestMs ? nowMs : Math.max(busyUntilMs, nowMs)) + shareMs
  const excessMs = nextMs - latestMs
  if (excessMs > 0) return { kind: 'limited', retryAfterMs: Math.ceil(excessMs) }
  return { kind: 'admitted', busyUntilMs: nextMs }
}
