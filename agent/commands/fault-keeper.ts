import { isReprefixError, messageOf } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import type { LastFault, LastFaultFile } from '../adapters/last-fault.ts'
import { targetOf } from '../domain/step.ts'
import type { StepOutcome } from '../reconcile.ts'

/** Remembers why passes fail, for `status` and `doctor`, until one is good again. */
export interface FaultKeeper {
  /** A pass that threw, or a report that could not be kept. */
  failed(cause: unknown): Promise<void>
  /** A pass of which some step failed. */
  incomplete(results: readonly StepOutcome[]): Promise<void>
  good(): Promise<void>
}

/**
 * Says exactly what was not done: the first step that failed, in its own words, and how many were done
 * and not tried.
 */
export function describeIncomplete(results: readonly StepOutcome[]): string {
  const count = (wanted: StepOutcome['outcome']) =>
    results.filter(({ outcome }) => outcome === wanted).length
  const first = results.find(({ outcome }) => outcome === 'failed')
  const why = first && 'error' in first ? `: ${first.error ?? 'no reason given'}` : ''
  const what = first ? `${first.step.kind} ${targetOf(first.step)} failed${why}` : 'steps are left'
  const extent = `${count('done')} steps done, ${count('failed')} failed, ${count('not-tried')} not tried`
  return `${what} (${extent})`
}

/** Keeps the reason in a file that is written when it changes; a full disk only costs the display. */
export async function createFaultKeeper(
  file: LastFaultFile,
  log: Logger,
  now: () => Date,
): Promise<FaultKeeper> {
  let known: LastFault | null = await file.read().catch(() => null)

  async function keep(code: string, message: string): Promise<void> {
    if (known?.code === code && known.message === message) return
    const at = now().toISOString()
    known = { since: known?.since ?? at, at, code, message }
    await file.write(known).catch((cause: unknown) => {
      log.warn({ event: 'unwritten', cause }, `status is out of date: ${messageOf(cause)}`)
    })
  }

  return {
    failed: (cause) => keep(isReprefixError(cause) ? cause.code : 'INTERNAL', messageOf(cause)),
    incomplete: (results) => keep('STEP_FAILED', describeIncomplete(results)),
    good: async () => {
      if (known === null) return
      known = null
      await file.clear().catch(() => undefined)
    },
  }
}
