import { type Fqdn, keyOf, type RRset } from '../../shared/rrset.ts'
import {
  type ApplyResult,
  type Change,
  type ChangeOutcome,
  ProviderError,
  type ProviderErrorKind,
  type Zone,
} from '../domain/dns-provider.ts'

/**
 * Makes written records public, for services that keep them to themselves until they are told; once
 * for all changes of an `apply`, whose result it is given. After a fault that leaves the zone half
 * done it does not, and then nothing counts as done.
 */
export type Publish = (
  zone: Zone,
  changes: readonly Change[],
  result: ApplyResult,
) => Promise<ApplyResult>

/** Faults after which nothing is published: an RRset is half written, or the service takes no more. */
const STOPPING: readonly ProviderErrorKind[] = [
  'auth',
  'partial',
  'protocol',
  'quota',
  'rate-limited',
  'transient',
]

/** So long what was published from here is taken for public: others may change it, and change it back. */
const TRUST_MS = 600_000

interface Published {
  readonly text: string
  /** In ms since 1970. */
  readonly at: number
}

/**
 * `send` publishes a zone. The service does not say whether something waits for that, so an RRset
 * that needs no change is taken for public only when it was published from here a short time ago, as
 * it is now. Otherwise it may have been written by a process that ended before it could publish: at
 * worst this is sent once more than needed, and nothing has to outlive a process.
 */
export function createPublisher(send: (zone: Zone) => Promise<void>, now: () => Date): Publish {
  const published = new Map<Fqdn, Map<string, Published>>()

  return async (zone, changes, result) => {
    const known = published.get(zone.name) ?? new Map<string, Published>()
    published.set(zone.name, known)
    const done = changes.filter((_, index) => result.outcomes[index]?.kind !== 'failed')
    const startedAt = now().getTime()
    const isPublic = (change: Change, index: number) => {
      const last = known.get(keyOf(change))
      const isKept = result.outcomes[index]?.kind === 'unchanged' && last?.text === textOf(change)
      return isKept && startedAt - last.at < TRUST_MS
    }
    const waiting = changes.filter((change, index) => !isPublic(change, index))
    for (const change of waiting) known.delete(keyOf(change))
    if (!done.some((change) => waiting.includes(change))) return result
    const stopping = result.outcomes.flatMap((outcome) => errorOf(outcome) ?? [])
    const stopped = stopping.find(({ kind }) => STOPPING.includes(kind))
    if (stopped !== undefined) return heldBack(result, stopped)
    try {
      await send(zone)
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      return { ...heldBack(result, error), writes: result.writes + 1 }
    }
    for (const change of done) known.set(keyOf(change), { text: textOf(change), at: startedAt })
    return { ...result, writes: result.writes + 1 }
  }
}

function textOf({ set }: { readonly set: RRset | null }): string {
  return set === null ? '' : JSON.stringify([set.ttl, ...set.values])
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
