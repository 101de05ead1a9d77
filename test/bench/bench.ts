/** One measured value beside what it should be. `ok` is the verdict. */
export interface Target {
  readonly name: string
  readonly value: number
  readonly target: number
  readonly ok: boolean
}

/** What a bench measured: rows for a table, and its targets. */
export interface BenchResult {
  readonly rows: readonly Readonly<Record<string, string | number>>[]
  readonly targets: readonly Target[]
}

/** A named measurement that runs side by side what it compares. */
export interface Bench {
  readonly name: string
  readonly summary: string
  /** `onProgress` takes one line a person can follow. */
  run(onProgress: (line: string) => void): Promise<BenchResult>
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('median of no values')
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}
