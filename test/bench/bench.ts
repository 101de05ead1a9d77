import type { TableRow } from './table.ts'

/** One measured value beside what it should be. `ok` is the verdict. */
export interface Target {
  readonly name: string
  readonly value: number
  readonly target: string
  readonly ok: boolean
}

/** Verdict on a value that may not exceed a limit. */
export function atMost(name: string, value: number, limit: number): Target {
  return { name, value, target: `<= ${limit}`, ok: value <= limit }
}

/** Verdict on a value that must stay below a limit. */
export function below(name: string, value: number, limit: number): Target {
  return { name, value, target: `< ${limit}`, ok: value < limit }
}

/** Verdict on a value that must reach a limit. */
export function atLeast(name: string, value: number, limit: number): Target {
  return { name, value, target: `>= ${limit}`, ok: value >= limit }
}

/** Verdict on something that must not happen at all. */
export function none(name: string, value: number): Target {
  return { name, value, target: '0', ok: value === 0 }
}

/** One table of results. */
export interface ResultTable {
  readonly title: string
  readonly rows: readonly TableRow[]
}

/** A file to write when results are saved. */
export interface BenchFile {
  readonly name: string
  readonly content: string
}

/** What a bench measured: tables, its targets, and what it would like to keep. */
export interface BenchResult {
  readonly tables: readonly ResultTable[]
  readonly targets: readonly Target[]
  /** Files to write when results are saved. */
  readonly files?: readonly BenchFile[]
}

/** What a person may ask of a bench; each bench has its own defaults. */
export interface BenchOptions {
  /** Measure less, for a first impression. */
  readonly isQuick: boolean
  readonly runs?: number
  readonly containers?: readonly number[]
  /** Only these of what it compares. */
  readonly ways?: readonly string[]
  /** Takes one line a person can follow. */
  readonly onProgress: (line: string) => void
  /** Takes what is measured so far, before it is whole, so that a run that is cut off was not for nothing. */
  readonly onPart?: (file: BenchFile) => Promise<void>
}

/** A named measurement that runs side by side what it compares. */
export interface Bench {
  readonly name: string
  readonly summary: string
  /** What must be there: the lab, the lab and what it compares with, DNS servers. Without it: nothing. */
  readonly needs?: 'lab' | 'lab and others' | 'servers'
  /** The names of what it compares. */
  readonly ways?: readonly string[]
  run(options: BenchOptions): Promise<BenchResult>
}
