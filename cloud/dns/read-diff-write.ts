import type { RRset } from '../../shared/rrset.ts'
import { diffChange, type Edit } from '../domain/dns-diff.ts'
import {
  type ApplyResult,
  type Change,
  type ChangeOutcome,
  ProviderError,
} from '../domain/dns-provider.ts'

/** An RRset as found, with what the adapter needs to change it: record ids, raw data, an ETag. */
export interface Observation<T> {
  readonly set: RRset | null
  readonly detail: T
}

/** An edit together with what was found. */
export interface ObservedEdit<T> extends Edit {
  readonly change: Change
  readonly detail: T
}

/** The part of an adapter that differs from provider to provider. */
export interface RecordAccess<T> {
  normalise(set: RRset): RRset
  /** What is there now, per change; a ProviderError for one that cannot be told. */
  observe(changes: readonly Change[]): Promise<readonly (Observation<T> | ProviderError)[]>
  /** Groups of edits that one request can carry. */
  pack(edits: readonly ObservedEdit<T>[]): readonly (readonly ObservedEdit<T>[])[]
  /** Sends one group as one request, which takes effect whole or not at all. Throws ProviderError. */
  write(edits: readonly ObservedEdit<T>[]): Promise<void>
}

const MAX_ATTEMPTS = 3

/**
 * Brings RRsets to what they shall be: reads, compares, and sends only what differs. After a
 * conflict or a lost answer it reads again, so a write that took effect is not sent twice. A group
 * that is refused for one member is sent in halves, so that one name never blocks the others.
 */
export async function readDiffWrite<T>(
  access: RecordAccess<T>,
  changes: readonly Change[],
): Promise<ApplyResult> {
  const outcomes = new Map<Change, ChangeOutcome>()
  /** What the last attempt tried, for a change whose answer was lost. */
  const tried = new Map<Change, Edit['kind']>()
  let writes = 0
  let last: ProviderError | undefined

  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const pending = changes.filter((change) => !outcomes.has(change))
    if (pending.length === 0) break
    try {
      const edits = compare(pending, await access.observe(pending))
      for (const group of access.pack(edits)) await send(group)
    } catch (error) {
      last = toProviderError(error)
      if (!mayRetry(last)) break
    }
  }
  return { outcomes: changes.map((change) => outcomes.get(change) ?? unfinished()), writes }

  function unfinished(): ChangeOutcome {
    last ??= new ProviderError('conflict', 'the records kept changing while being written')
    return { kind: 'failed', error: last }
  }

  function compare(
    pending: readonly Change[],
    found: readonly (Observation<T> | ProviderError)[],
  ): ObservedEdit<T>[] {
    return pending.flatMap((change, index) => {
      const observation = found[index]
      if (observation === undefined || observation instanceof ProviderError) {
        const error = observation ?? new ProviderError('protocol', `no answer about ${change.name}`)
        outcomes.set(change, { kind: 'failed', error })
        return []
      }
      const diff = diffChange(change, observation.set, access.normalise)
      if (diff.kind === 'edit') return [{ ...diff.edit, change, detail: observation.detail }]
      outcomes.set(
        change,
        diff.kind === 'unchanged'
          ? { kind: tried.get(change) ?? 'unchanged' }
          : { kind: 'failed', error: conflictOf(change, observation.set) },
      )
      return []
    })
  }

  async function send(group: readonly ObservedEdit<T>[]): Promise<void> {
    writes += 1
    try {
      await access.write(group)
      for (const { change, kind } of group) outcomes.set(change, { kind })
    } catch (thrown) {
      const error = toProviderError(thrown)
      const half = Math.ceil(group.length / 2)
      if (isAboutOneMember(error) && group.length > 1) {
        await send(group.slice(0, half))
        await send(group.slice(half))
      } else if (mayRetry(error)) {
        last = error
        for (const { change, kind } of group) tried.set(change, kind)
      } else {
        for (const { change } of group) outcomes.set(change, { kind: 'failed', error })
      }
    }
  }
}

function conflictOf({ name, type, expect }: Change, found: RRset | null): ProviderError {
  const show = (values: readonly string[]) => (values.length === 0 ? 'nothing' : values.join(', '))
  return new ProviderError(
    'conflict',
    `${name} ${type} holds ${show(found?.values ?? [])} instead of ${show(expect ?? [])}: somebody else changed it, nothing was written`,
  )
}

function isAboutOneMember({ kind }: ProviderError): boolean {
  return kind === 'forbidden' || kind === 'invalid'
}

/** Waiting for a rate limit is the caller's business: it knows its time budget. */
function mayRetry({ kind }: ProviderError): boolean {
  return kind === 'conflict' || kind === 'transient'
}

function toProviderError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error
  throw error
}
