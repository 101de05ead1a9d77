import type { RateRule } from '../../../cloud/dns/http/request-budget.ts'

/** One request as an account saw it. */
export interface Call {
  /** Milliseconds since the start of the burst. */
  readonly atMs: number
  readonly intent: 'read' | 'write'
  readonly zone: string
}

/** The windows of a rule: requests that are counted together, in the order of their times. */
function windowsOf(rule: RateRule, calls: readonly Call[]): readonly (readonly number[])[] {
  const windows = new Map<string, number[]>()
  for (const { atMs, intent, zone } of calls) {
    if (rule.on !== undefined && rule.on !== intent) continue
    const key = rule.perZone === true ? zone : ''
    const known = windows.get(key)
    if (known === undefined) windows.set(key, [atMs])
    else known.push(atMs)
  }
  return [...windows.values()].map((times) => times.sort((a, b) => a - b))
}

/** Requests beyond what an account is permitted: each is one more than `count` within `perMs`. */
export function countExcess(rules: readonly RateRule[], calls: readonly Call[]): number {
  let excess = 0
  for (const rule of rules) {
    for (const times of windowsOf(rule, calls)) {
      for (const [i, atMs] of times.entries()) {
        const earlier = times[i - rule.count]
        if (earlier !== undefined && atMs - earlier < rule.perMs) excess += 1
      }
    }
  }
  return excess
}

/** The least time in which so many requests are permitted, the first ones at once, in milliseconds. */
export function leastTime(rules: readonly RateRule[], calls: readonly Call[]): number {
  const ends = rules.flatMap((rule) =>
    windowsOf(rule, calls).map(
      ({ length }) => Math.floor(Math.max(0, length - 1) / rule.count) * rule.perMs,
    ),
  )
  return Math.max(0, ...ends)
}
