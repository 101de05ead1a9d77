import { atMost, type ResultTable, type Target } from '../bench.ts'
import { median } from '../statistics.ts'
import { QUESTIONS, type Question, type StartTime, type StartTimes } from './start-time.ts'

const MOST = 1.3
const TEXTS: Readonly<Record<Question, readonly [program: string, answer: string]>> = {
  hello: ['empty Hono handler', 'hello'],
  health: ['reprefix', '/healthz'],
  ready: ['reprefix', '/readyz'],
  report: ['reprefix', 'a report: signature, log, DNS, receipt'],
}

/**
 * Medians of each runtime: from nothing (the start of the process) until requests are taken and until the
 * first answer, beside those of the empty handler.
 */
export function startTable(starts: readonly StartTimes[]): ResultTable {
  const turns = starts[0]?.times.hello.length ?? 0
  return {
    title: `start: from nothing to the first answer, medians of ${turns} starts in turns`,
    rows: starts.flatMap(({ runtime, times }) =>
      QUESTIONS.map((question) => ({
        runtime,
        program: TEXTS[question][0],
        'first answer': TEXTS[question][1],
        'ready ms': Math.round(medianOf(times[question], 'readyMs')),
        'answered ms': Math.round(medianOf(times[question], 'answeredMs')),
        ratio: ratioOf(times, question),
      })),
    ),
  }
}

/**
 * The first answer beside that of the empty handler, where instances start because a request has come. Plain
 * Node is started once, by a person or at boot.
 */
export function startTargets(starts: readonly StartTimes[]): readonly Target[] {
  return starts
    .filter(({ runtime }) => runtime !== 'Node')
    .map(({ runtime, times }) =>
      atMost(`${runtime}: start to first answer, x empty handler`, ratioOf(times, 'health'), MOST),
    )
}

function ratioOf(times: StartTimes['times'], question: Question): number {
  const ratio =
    medianOf(times[question], 'answeredMs') / Math.max(medianOf(times.hello, 'answeredMs'), 1e-3)
  return Math.round(ratio * 100) / 100
}

function medianOf(times: readonly StartTime[], what: keyof StartTime): number {
  return median(times.map((time) => time[what]))
}
