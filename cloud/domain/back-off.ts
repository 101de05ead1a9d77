import type { RecordOutcome } from '../../shared/entry.ts'

/** What was noted of an RRset when it was flushed. */
export interface NotedOutcomes {
  readonly flushed?: {
    readonly outcomes: readonly RecordOutcome[]
    /** Unix milliseconds. */
    readonly retryAtMs?: number
  }
}

/** Faults by which a service asks to be left alone. Others may be over at any time. */
const ASKING: readonly string[] = ['rate-limited', 'quota']

/**
 * How long providers want to be left alone yet, in milliseconds, by their names; none that may be asked.
 * What one process was told holds for all that see the same rows.
 */
export function backOffs(
  rows: readonly NotedOutcomes[],
  nowMs: number,
): ReadonlyMap<string, number> {
  const waits = new Map<string, number>()
  for (const { flushed } of rows) {
    const waitMs = (flushed?.retryAtMs ?? 0) - nowMs
    if (waitMs <= 0) continue
    for (const { provider, error } of flushed?.outcomes ?? []) {
      if (error === undefined || !ASKING.includes(error.kind)) continue
      waits.set(provider, Math.max(waits.get(provider) ?? 0, waitMs))
    }
  }
  return waits
}

/** Whether there is nothing to do for a row yet: all that it waits for are providers that want to be left alone. */
export function isResting({ flushed }: NotedOutcomes, nowMs: number): boolean {
  if (flushed?.retryAtMs === undefined || flushed.retryAtMs <= nowMs) return false
  return flushed.outcomes.every(({ error }) => error === undefined || ASKING.includes(error.kind))
}
