import type { RecordOutcome } from '../shared/entry.ts'
import type { Logger } from '../shared/logger.ts'
import type { Fqdn } from '../shared/rrset.ts'
import {
  type Change,
  type ChangeOutcome,
  type DnsProvider,
  ProviderError,
  type Zone,
} from './domain/dns-provider.ts'
import type { DesiredRow, RowOutcome } from './ports.ts'

/** Zones by provider and name. A fault of a provider makes the writer forget its zone. */
export type ZoneMemory = Map<string, Zone>

/** Where desired rows are written. */
export interface WriteDeps {
  /** The providers of each zone; all must end up with the same RRsets. */
  readonly providers: ReadonlyMap<Fqdn, readonly DnsProvider[]>
  readonly now: () => Date
  readonly logger: Logger
  /** What is known of zones at providers, where it outlives this writer. */
  readonly zones?: ZoneMemory | undefined
  /** Told of RRsets that a provider has accepted just now, to see whether the world gets them. */
  readonly onWritten?: ((zone: Fqdn, rows: readonly DesiredRow[]) => void) | undefined
}

/**
 * Writes rows of one zone to all its providers, one batch each; never throws. `waits` says for how long
 * which of them are not to be asked, in milliseconds.
 */
export type RowWriter = (
  zone: Fqdn,
  rows: readonly DesiredRow[],
  waits: ReadonlyMap<string, number>,
) => Promise<readonly RowOutcome[]>

const DEFAULT_RETRY_MS = 2000
/** A quota may last for a day; asking costs nothing then, and another provider may be waited for. */
const MAX_RETRY_MS = 900_000
const MAX_MESSAGE = 500
const WRITTEN: ReadonlySet<ChangeOutcome['kind']> = new Set(['created', 'updated', 'deleted'])

/** What one provider has said of the rows, in their order. */
interface Column {
  readonly id: string
  readonly outcomes: readonly ChangeOutcome[]
  readonly receipt?: string
}

/**
 * Writes to the providers of zones. One that is not to be asked, or whose turn it is not for this zone,
 * is left alone: the rows fail there with the rest of that time.
 */
export function createRowWriter(deps: WriteDeps): RowWriter {
  const zones: ZoneMemory = deps.zones ?? new Map()

  async function applyRows(
    provider: DnsProvider,
    zone: Fqdn,
    rows: readonly DesiredRow[],
  ): Promise<Column> {
    const startedAt = performance.now()
    const column = await applyChanges(provider, zone, rows)
    const ms = Math.round((performance.now() - startedAt) * 10) / 10
    for (const [position, { name, type }] of rows.entries()) {
      const outcome = column.outcomes[position]
      const fields = { event: 'dns', provider: provider.id, name, type, outcome: outcome?.kind, ms }
      if (outcome?.kind !== 'failed') deps.logger.info(fields, `${name} ${type} ${outcome?.kind}`)
      else {
        const error = { kind: outcome.error.kind, message: outcome.error.message }
        deps.logger.error({ ...fields, error }, `${name} ${type} could not be written`)
      }
    }
    return column
  }

  async function applyChanges(
    provider: DnsProvider,
    zoneName: Fqdn,
    rows: readonly DesiredRow[],
  ): Promise<Column> {
    const { id } = provider
    const place = `${id} ${zoneName}`
    try {
      const zone = zones.get(place) ?? (await provider.findZone(zoneName))
      zones.set(place, zone)
      const changes = rows.map((row) => changeOf(row, provider))
      const { outcomes, receipt } = await provider.apply(zone, changes)
      const isAskable = receipt !== undefined && provider.settled !== undefined
      return { id, outcomes, ...(isAskable && { receipt: receipt.id }) }
    } catch (error) {
      zones.delete(place)
      const fault = toProviderError(error)
      if (fault !== error) deps.logger.error({ provider: id, error }, fault.message)
      return failedColumn(id, rows, fault)
    }
  }

  return async (zone, rows, waits) => {
    if (rows.length === 0) return []
    const columns = await Promise.all(
      (deps.providers.get(zone) ?? []).map((provider) => {
        const waitMs = waits.get(provider.id) ?? provider.turnMs?.(zone) ?? 0
        return waitMs === 0
          ? applyRows(provider, zone, rows)
          : failedColumn(provider.id, rows, notAsked(provider.id, waitMs))
      }),
    )
    const isWritten = (_: DesiredRow, position: number): boolean =>
      columns.some(({ outcomes }) => WRITTEN.has(outcomes[position]?.kind ?? 'failed'))
    deps.onWritten?.(zone, rows.filter(isWritten))
    return rows.map((row, position) => summarise(row, position, columns))
  }
}

function failedColumn(id: string, rows: readonly DesiredRow[], error: ProviderError): Column {
  return { id, outcomes: rows.map(() => ({ kind: 'failed', error })) }
}

function notAsked(id: string, retryAfterMs: number): ProviderError {
  const text = `${id} was not asked: its limits permit it in ${Math.ceil(retryAfterMs / 1000)} s`
  return new ProviderError('rate-limited', text, { retryAfterMs })
}

function changeOf({ name, type, set }: DesiredRow, provider: DnsProvider): Change {
  return { name, type, set: set === null ? null : provider.normalise(set) }
}

function summarise(row: DesiredRow, position: number, columns: readonly Column[]): RowOutcome {
  const { name, type, version } = row
  const results = columns.map(({ id, outcomes }) => ({ id, outcome: outcomes[position] }))
  const outcomes = results.map(({ id, outcome }) => recordOutcome(row, id, outcome))
  const faults = results.flatMap(({ outcome }) => (outcome?.kind === 'failed' ? outcome.error : []))
  const waits = faults
    .filter((fault) => fault.isRetryable)
    .map((fault) => Math.min(fault.retryAfterMs ?? DEFAULT_RETRY_MS, MAX_RETRY_MS))
  const receipts = columns.flatMap(({ id, receipt, outcomes: { [position]: outcome } }) =>
    receipt !== undefined && WRITTEN.has(outcome?.kind ?? 'failed')
      ? [{ provider: id, id: receipt }]
      : [],
  )
  return {
    ...{ key: { name, type }, version, outcomes },
    ...(waits.length > 0 && { retryAfterMs: Math.max(...waits) }),
    ...(receipts.length > 0 && { receipts }),
  }
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
