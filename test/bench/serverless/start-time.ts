import type { RuntimeName } from './bundles.ts'

/**
 * What is asked first, after a start. `hello` is the one route of the empty handler; `health` is `/healthz`,
 * which needs good settings; `ready` is `/readyz`, which needs the store too; `report` is a report whose name
 * moves, until its receipt is there and has been verified.
 */
export const QUESTIONS = ['hello', 'health', 'ready', 'report'] as const
export type Question = (typeof QUESTIONS)[number]

/** Milliseconds from nothing: until the program takes requests, and until the first answer. */
export interface StartTime {
  readonly readyMs: number
  readonly answeredMs: number
}

/** All starts on one runtime, by what was asked. */
export interface StartTimes {
  readonly runtime: RuntimeName
  readonly times: Readonly<Record<Question, readonly StartTime[]>>
}
