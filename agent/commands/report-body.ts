import type { Report } from '../../shared/report.ts'
import type { ReportBody } from '../adapters/outbox.ts'
import { targetOf } from '../domain/step.ts'
import type { PassResult, StepOutcome } from '../reconcile.ts'

type ReportedStep = Report['steps'][number]

/** More steps than this are told as one line for each kind: a report is at most 16 KiB. */
const MAX_TOLD_STEPS = 24
const MAX_TARGET = 255

function isTried(result: StepOutcome): result is Exclude<StepOutcome, { outcome: 'not-tried' }> {
  return result.outcome !== 'not-tried'
}

function toldOneByOne(results: readonly StepOutcome[]): ReportedStep[] {
  return results.filter(isTried).map(({ step, outcome, ms }) => ({
    step: step.kind,
    target: targetOf(step).slice(0, MAX_TARGET),
    outcome,
    ms: Math.round(ms),
  }))
}

/** One line for each kind of step: how many, how long the slowest took, whether any failed. */
function toldByKind(steps: readonly ReportedStep[]): ReportedStep[] {
  return [...new Set(steps.map(({ step }) => step))].map((kind) => {
    const same = steps.filter(({ step }) => step === kind)
    return {
      step: kind,
      target: same.length === 1 ? (same[0]?.target ?? '') : `${same.length} of them`,
      outcome: same.some(({ outcome }) => outcome === 'failed') ? 'failed' : 'done',
      ms: Math.max(...same.map(({ ms }) => ms)),
    }
  })
}

/**
 * Whether what a pass has done may be reported: everything that the whole host depends on is in place.
 * A failure inside one container must not keep the others' names at dead addresses.
 */
export function isReportable({ results }: PassResult): boolean {
  return results.every(({ step, outcome }) => outcome === 'done' || 'container' in step)
}

/** What to report of a pass, `null` before the first usable prefix: unknown is not empty. */
export function reportBodyOf(result: PassResult): ReportBody | null {
  const { current, retiring } = result.numbering
  if (result.claims === null || current === null) return null
  const [former] = retiring
  const steps = toldOneByOne(result.results)
  const others = result.claimedOthers
  return {
    prefix: {
      current: current.prefix,
      ...(others.length === 0 ? {} : { others: [...others] }),
      cause: current.cause,
      ...(former === undefined ? {} : { previous: former.prefix }),
      ...(former === undefined || former.validUntil === null
        ? {}
        : { validUntil: new Date(former.validUntil).toISOString() }),
    },
    records: result.claims.map(({ name, type, values }) => ({ name, type, values: [...values] })),
    steps: steps.length > MAX_TOLD_STEPS ? toldByKind(steps) : steps,
  }
}
