function ascending(values: readonly number[], what: string): readonly number[] {
  if (values.length === 0) throw new RangeError(`${what} of no values`)
  return [...values].sort((a, b) => a - b)
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values, 'median')
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

/** The sum divided by the count: unlike medians, means of parts add up to that of the whole. */
export function mean(values: readonly number[]): number {
  return ascending(values, 'mean').reduce((sum, value) => sum + value, 0) / values.length
}

/** The smallest of the values that at least `percent` of them do not exceed (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = ascending(values, 'percentile')
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}
