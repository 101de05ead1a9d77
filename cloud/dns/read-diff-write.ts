import type { RRset } from '../../shared/rrset.ts'
import { diffChange, type Edit } from '../domain/dns-diff.ts'
import {
  type ApplyResult,
  type Capabilities,
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
  /** Values beyond it are refused before anything is sent. */
  readonly txt: Capabilities['txt']
  /** Why the service can never hold this, for what is refused before anything is sent. */
  refuse?(change: Change): string | undefined
  /** What is there now, per change; a ProviderError for one that cannot be told. */
  observe(changes: readonly Change[]): Promise<readonly (Observation<T> | ProviderError)[]>
  /** Groups of edits that one request can carry. */
  pack(edits: readonly ObservedEdit<T>[]): readonly (readonly ObservedEdit<T>[])[]
  /**
   * Sends one group, and calls `sending` before each request. A group of several takes effect whole
   * or not at all. Throws ProviderError: `partial` when a part of one edit stays written.
   */
  write(edits: readonly ObservedEdit<T>[], sending: () => void): Promise<void>
  /** Whether a group that is refused is refused in parts as well, and must not be sent again. */
  isIndivisible?(edits: readonly ObservedEdit<T>[]): boolean
  /** True when `observe` tries again by itself, so that a fault of it is final. */
  readonly retriesReads?: boolean
  /** Waits before what was not written is read again; `attempt` counts from 1. */
  pause?(attempt: number): Promise<void>
}

const MAX_ATTEMPTS = 3
/** So many lost answers in a row, and the rest would be lost as well, each after its timeout. */
const MAX_LOST_IN_A_ROW = 2

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
  for (const change of changes) {
    const fault = access.refuse?.(change) ?? txtFault(change, access.txt)
    if (fault !== undefined) {
      const message = `nothing was sent for ${change.name} ${change.type}: the service ${fault}`
      outcomes.set(change, { kind: 'failed', error: new ProviderError('invalid', message) })
    }
  }
  let lostInARow = 0
  let last: ProviderError | undefined

  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const pending = changes.filter((change) => !outcomes.has(change))
    if (pending.length === 0) break
    if (attempt > 0) await access.pause?.(attempt)
    let found: readonly (Observation<T> | ProviderError)[]
    try {
      found = await access.observe(pending)
    } catch (error) {
      last = toProviderError(error)
      if (access.retriesReads === true || !mayRetry(last)) break
      continue
    }
    lostInARow = 0
    const hasEnded = await sendAll(access.pack(compare(pending, found)))
    if (hasEnded) break
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

  /** True when the service takes no more, whatever is sent. */
  async function sendAll(groups: readonly (readonly ObservedEdit<T>[])[]): Promise<boolean> {
    for (const group of groups) {
      await send(group)
      if (last !== undefined && isAboutEverything(last)) return true
      if (lostInARow >= MAX_LOST_IN_A_ROW) return false
    }
    return false
  }

  async function send(group: readonly ObservedEdit<T>[]): Promise<void> {
    try {
      await access.write(group, () => {
        writes += 1
      })
      lostInARow = 0
      for (const { change, kind } of group) outcomes.set(change, { kind })
    } catch (thrown) {
      const error = toProviderError(thrown)
      lostInARow = error.kind === 'transient' ? lostInARow + 1 : 0
      const half = Math.ceil(group.length / 2)
      const isDivisible = group.length > 1 && access.isIndivisible?.(group) !== true
      if (isAboutOneMember(error) && isDivisible) {
        await send(group.slice(0, half))
        await send(group.slice(half))
      } else if (mayRetry(error)) {
        last = error
        for (const { change, kind } of group) tried.set(change, kind)
      } else {
        if (isAboutEverything(error)) last = error
        for (const { change } of group) outcomes.set(change, { kind: 'failed', error })
      }
    }
  }
}

function txtFault({ type, set }: Change, txt: Capabilities['txt']): string | undefined {
  if (type !== 'TXT' || set === null) return undefined
  const longest = Math.max(0, ...set.values.map((value) => new TextEncoder().encode(value).length))
  if (longest > txt.maxBytes) {
    return `takes TXT values of at most ${txt.maxBytes} bytes, and one has ${longest}`
  }
  return !txt.quotes && set.values.some((value) => /["\\]/.test(value))
    ? 'takes no quotation marks and no backslashes in TXT values'
    : undefined
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

/** The next request would be refused in the same way. */
function isAboutEverything({ kind }: ProviderError): boolean {
  return kind === 'auth' || kind === 'rate-limited' || kind === 'quota'
}

/** Waiting for a rate limit is the caller's business: it knows its time budget. */
function mayRetry({ kind }: ProviderError): boolean {
  return kind === 'conflict' || kind === 'transient'
}

function toProviderError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error
  throw error
}
