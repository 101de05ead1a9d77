import {
  type ApplyResult,
  type ChangeOutcome,
  ProviderError,
  type ProviderErrorKind,
  type Zone,
} from '../domain/dns-provider.ts'

/** Makes written records public, for services that keep them to themselves until they are told. */
export interface Publisher {
  /** Takes down that a request took effect in a zone, or may have. */
  wrote(zone: Zone): void
  /**
   * Publishes what has been written, once for all changes. After a fault that leaves the zone half
   * done it does not, and then nothing counts as done. What stays back is published by the next
   * `apply`, also by one that has nothing to write; not by another process, as the service does not
   * say that something waits.
   */
  finish(zone: Zone, result: ApplyResult): Promise<ApplyResult>
}

/** Faults after which nothing is published: an RRset is half written, or the service takes no more. */
const STOPPING: readonly ProviderErrorKind[] = [
  'auth',
  'partial',
  'protocol',
  'quota',
  'rate-limited',
  'transient',
]

/** `send` publishes a zone. Zones that are not published are remembered as long as this lives. */
export function createPublisher(send: (zone: Zone) => Promise<void>): Publisher {
  const unpublished = new Set<string>()

  return {
    wrote: (zone) => void unpublished.add(zone.id),
    async finish(zone, result) {
      if (!unpublished.has(zone.id) || result.outcomes.length === 0) return result
      const stopping = result.outcomes.flatMap((outcome) => errorOf(outcome) ?? [])
      const stopped = stopping.find(({ kind }) => STOPPING.includes(kind))
      if (stopped !== undefined) return heldBack(result, stopped)
      // What is written from here on is not part of this publication.
      unpublished.delete(zone.id)
      try {
        await send(zone)
        return { ...result, writes: result.writes + 1 }
      } catch (error) {
        unpublished.add(zone.id)
        if (!(error instanceof ProviderError)) throw error
        return { ...heldBack(result, error), writes: result.writes + 1 }
      }
    },
  }
}

function errorOf(outcome: ChangeOutcome): ProviderError | undefined {
  return outcome.kind === 'failed' ? outcome.error : undefined
}

/** What passes by itself keeps its kind, so that the caller comes back for the publication. */
function heldBack(result: ApplyResult, reason: ProviderError): ApplyResult {
  const error = reason.isRetryable
    ? reason
    : new ProviderError(
        'partial',
        `the records are written, but not published: ${reason.message}`,
        {
          cause: reason,
        },
      )
  return {
    ...result,
    outcomes: result.outcomes.map((one) =>
      one.kind === 'failed' ? one : { kind: 'failed', error },
    ),
  }
}
