/** How far a report's `iat` may be from the cloud's clock, either way. */
const MAX_CLOCK_SKEW_SECONDS = 300

/** Whether a report is of now. */
export type ClockDecision = { readonly kind: 'accepted' } | { readonly kind: 'nonce-needed' }

/**
 * Accepts a report that was signed now, or that carries a nonce given out just now. A board without
 * a clock boots after the very power cut that changed the prefix, so a stale clock alone never
 * refuses a report for good. `nonceIsFresh` is undefined when the report carries none.
 */
export function decideClock(
  issuedAtSeconds: number,
  nonceIsFresh: boolean | undefined,
  nowMs: number,
): ClockDecision {
  const accepted = { kind: 'accepted' } as const
  const needed = { kind: 'nonce-needed' } as const
  if (nonceIsFresh !== undefined) return nonceIsFresh ? accepted : needed
  return Math.abs(nowMs / 1000 - issuedAtSeconds) <= MAX_CLOCK_SKEW_SECONDS ? accepted : needed
}
