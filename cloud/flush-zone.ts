import type { RecordOutcome } from '../shared/entry.ts'
import type { Logger } from '../shared/logger.ts'
import { type Fqdn, keyOf, type RRKey } from '../shared/rrset.ts'
import {
  type Change,
  type ChangeOutcome,
  type DnsProvider,
  ProviderError,
  type Zone,
} from './domain/dns-provider.ts'
import type { DesiredRow, Repository, RowOutcome, ZoneFlusher } from './ports.ts'

/** What a flush reads and where it writes. */
export interface FlushDeps {
  readonly repository: Pick<Repository, 'pending' | 'desired'>
  /** The providers of each zone; all must end up with the same RRsets. */
  readonly providers: ReadonlyMap<Fqdn, readonly DnsProvider[]>
  readonly logger: Logger
  /** Told of RRsets that a provider has accepted just now, to see whether the world gets them. */
  readonly onWritten?: (zone: Fqdn, rows: readonly DesiredRow[]) => void
}

const DEFAULT_RETRY_MS = 2000
/** A quota may last for a day; asking costs nothing then, and another provider may be waited for. */
const MAX_RETRY_MS = 900_000
const MAX_MESSAGE = 500
const WRITTEN: ReadonlySet<ChangeOutcome['kind']> = new Set(['created', 'updated', 'deleted'])

interface Lane {
  tail: Promise<unknown>
  next: { readonly keys: RRKey[]; readonly done: Promise<readonly RowOutcome[]> } | undefined
}

/**
 * Flushes one zone at a time: whoever asks while a flush runs shares the one that follows, so a
 * burst of reports costs a handful of provider calls, and an older write can never land after a
 * newer one of this process.
 */
export function createZoneFlusher(deps: FlushDeps): ZoneFlusher {
  const lanes = new Map<Fqdn, Lane>()
  const zones = new Map<string, Zone>()

  async function run(zone: Fqdn, keys: readonly RRKey[]): Promise<readonly RowOutcome[]> {
    const rows = new Map<string, DesiredRow>()
    for (const row of await deps.repository.pending(zone)) rows.set(keyOf(row), row)
    // Those of a report that has just come are among them: the rest was asked for once more.
    const others = keys.filter((key) => !rows.has(keyOf(key)))
    for (const row of await deps.repository.desired(others)) rows.set(keyOf(row), row)
    const wanted = [...rows.values()]
    if (wanted.length === 0) return []
    const providers = deps.providers.get(zone) ?? []
    const columns = await Promise.all(
      providers.map((provider) => applyRows(provider, zone, wanted)),
    )
    const isWritten = (_: DesiredRow, position: number): boolean =>
      columns.some((outcomes) => WRITTEN.has(outcomes[position]?.kind ?? 'failed'))
    deps.onWritten?.(zone, wanted.filter(isWritten))
    return wanted.map((row, position) =>
      summarise(
        row,
        providers.map(({ id }, column) => ({ id, outcome: columns[column]?.[position] })),
      ),
    )
  }

  async function applyRows(
    provider: DnsProvider,
    zone: Fqdn,
    rows: readonly DesiredRow[],
  ): Promise<readonly ChangeOutcome[]> {
    const startedAt = performance.now()
    const outcomes = await applyChanges(provider, zone, rows)
    const ms = Math.round((performance.now() - startedAt) * 10) / 10
    for (const [position, { name, type }] of rows.entries()) {
      const outcome = outcomes[position]
      const fields = { event: 'dns', provider: provider.id, name, type, outcome: outcome?.kind, ms }
      if (outcome?.kind !== 'failed') deps.logger.info(fields, `${name} ${type} ${outcome?.kind}`)
      else {
        const error = { kind: outcome.error.kind, message: outcome.error.message }
        deps.logger.error({ ...fields, error }, `${name} ${type} could not be written`)
      }
    }
    return outcomes
  }

  async function applyChanges(
    provider: DnsProvider,
    zoneName: Fqdn,
    rows: readonly DesiredRow[],
  ): Promise<readonly ChangeOutcome[]> {
    const place = `${provider.id} ${zoneName}`
    try {
      const zone = zones.get(place) ?? (await provider.findZone(zoneName))
      zones.set(place, zone)
      const { outcomes } = await provider.apply(
        zone,
        rows.map((row) => changeOf(row, provider)),
      )
      return outcomes
    } catch (error) {
      zones.delete(place)
      const fault = toProviderError(error)
      if (fault !== error) deps.logger.error({ provider: provider.id, error }, fault.message)
      return rows.map(() => ({ kind: 'failed', error: fault }))
    }
  }

  return {
    flush(zone, keys) {
      const lane = lanes.get(zone) ?? { tail: Promise.resolve(), next: undefined }
      lanes.set(zone, lane)
      if (lane.next !== undefined) {
        lane.next.keys.push(...keys)
        return lane.next.done
      }
      const asked = [...keys]
      const done = lane.tail.then(() => {
        lane.next = undefined
        return run(zone, asked)
      })
      lane.next = { keys: asked, done }
      lane.tail = done.catch(() => undefined)
      return done
    },
  }
}

function changeOf({ name, type, set }: DesiredRow, provider: DnsProvider): Change {
  return { name, type, set: set === null ? null : provider.normalise(set) }
}

function summarise(
  row: DesiredRow,
  results: readonly { readonly id: string; readonly outcome: ChangeOutcome | undefined }[],
): RowOutcome {
  const { name, type } = row
  const outcomes = results.map(({ id, outcome }) => recordOutcome(row, id, outcome))
  const faults = results.flatMap(({ outcome }) => (outcome?.kind === 'failed' ? outcome.error : []))
  const waits = faults
    .filter((fault) => fault.isRetryable)
    .map((fault) => Math.min(fault.retryAfterMs ?? DEFAULT_RETRY_MS, MAX_RETRY_MS))
  const base = { key: { name, type }, version: row.version, outcomes }
  return waits.length === 0 ? base : { ...base, retryAfterMs: Math.max(...waits) }
}

function recordOutcome(
  { name, type, set }: DesiredRow,
  provider: string,
  outcome: ChangeOutcome | undefined,
): RecordOutcome {
  const facts = { name, type, provider, values: [...(set?.values ?? [])] }
  if (outcome !== undefined && outcome.kind !== 'failed') return { ...facts, outcome: outcome.kind }
  const kind = outcome?.error.kind ?? 'protocol'
  const message = (outcome?.error.message ?? 'the provider gave no outcome').slice(0, MAX_MESSAGE)
  return { ...facts, outcome: 'failed', error: { kind, message } }
}

/** Anything else that is thrown may hold secrets in its text, and the log keeps it for ever. */
function toProviderError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error
  return new ProviderError('protocol', 'the provider failed in a way it does not explain', {
    cause: error,
  })
}
