/** A sequence may lead the cloud's clock by this much: a jump to 2^53 would lock the key out. */
const MAX_SEQUENCE_LEAD_MS = 86_400_000

/** Whether a sequence may be used. */
export type SequenceDecision =
  | { readonly kind: 'fresh' }
  /** Not above the last one accepted; `current` is what the agent must exceed. */
  | { readonly kind: 'stale'; readonly current: number }
  | { readonly kind: 'too-far'; readonly limit: number }

/** Accepts only a sequence above the last one of this key and at most a day ahead of the clock. */
export function decideSequence(sequence: number, last: number, nowMs: number): SequenceDecision {
  if (sequence <= last) return { kind: 'stale', current: last }
  const limit = nowMs + MAX_SEQUENCE_LEAD_MS
  return sequence > limit ? { kind: 'too-far', limit } : { kind: 'fresh' }
}
