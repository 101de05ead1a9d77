import type { DriftRecord } from '../shared/entry.ts'
import { type Fqdn, keyOf, sameValues } from '../shared/rrset.ts'
import type { AuthoritativeDns } from './dns/verify/authoritative-dns.ts'
import type { FindProxied } from './dns/verify/find-proxied.ts'
import { type PlannedChange, planZone } from './dns/verify/plan-zone.ts'
import { verifyRRsets } from './dns/verify/verify-rrsets.ts'
import type { DnsProvider } from './domain/dns-provider.ts'
import type { DesiredRow } from './ports.ts'

/** A row that a provider does not have as it was reported. */
export interface Drift {
  readonly row: DesiredRow
  readonly record: DriftRecord
}

/** What one look at some rows of a zone has shown. */
export interface Look {
  readonly drifts: readonly Drift[]
  /** Providers that could not be read, and how long they want to be left alone. */
  readonly faults: readonly {
    readonly provider: string
    readonly message: string
    readonly retryAfterMs?: number
  }[]
}

/** As many values of somebody else's as are worth keeping for ever. */
const MAX_FOUND = 32
const MAX_VALUE_LENGTH = 2000

/**
 * Compares applied rows of a zone with what its providers have; where a provider cannot be read, with
 * what all of the zone's name servers serve. Reads only.
 */
export async function findDrift(
  zone: Fqdn,
  rows: readonly DesiredRow[],
  providers: readonly DnsProvider[],
  dns: AuthoritativeDns | undefined,
  findProxied: FindProxied,
): Promise<Look> {
  const readable = providers.filter(({ caps }) => caps.readable)
  const others = providers.filter(({ caps }) => !caps.readable)
  const [planned, served] = await Promise.all([
    planZone(zone, rows, readable),
    others.length === 0 || dns === undefined ? [] : overwritten(zone, rows, dns, findProxied),
  ])
  const faults = new Map<string, Look['faults'][number]>()
  const drifts: Drift[] = []
  for (const [position, change] of planned.entries()) {
    const row = rows[position % rows.length]
    if (change.action === 'unknown') faults.set(change.provider, faultOf(change))
    else if (row !== undefined && differs(change)) {
      drifts.push(driftOf(row, change.provider, change.found ?? []))
    }
  }
  for (const { row, found } of served) {
    for (const { id } of others) drifts.push(driftOf(row, id, found))
  }
  return { drifts, faults: [...faults.values()] }
}

/** A TTL alone is none: services round it, and some do not tell it. */
function differs({ found, wanted }: PlannedChange): boolean {
  return !sameValues(found ?? [], wanted ?? [])
}

/** A write of these rows that a provider has accepted and then given up. */
export function lostWrites(rows: readonly DesiredRow[], provider: string): readonly Drift[] {
  return rows.map((row) => {
    const { record } = driftOf(row, provider, [])
    return { row, record: { ...record, cause: 'lost' } }
  })
}

function driftOf(row: DesiredRow, provider: string, found: readonly string[]): Drift {
  const { name, type, set } = row
  const kept = found.slice(0, MAX_FOUND).map((value) => value.slice(0, MAX_VALUE_LENGTH))
  const values = [...(set?.values ?? [])]
  return { row, record: { name, type, provider, cause: 'changed', found: kept, values } }
}

function faultOf({ provider, fault, retryAfterMs }: PlannedChange): Look['faults'][number] {
  const message = fault ?? 'it could not be read'
  return { provider, message, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

/** Rows for which all name servers agree on other values. One that lags tells nothing yet. */
async function overwritten(
  zone: Fqdn,
  rows: readonly DesiredRow[],
  dns: AuthoritativeDns,
  findProxied: FindProxied,
) {
  const servers = await dns.nameServers(zone).catch(() => [])
  const wanted = rows.map(({ name, type, set }) => ({ name, type, values: set?.values ?? null }))
  const byKey = new Map(rows.map((row) => [keyOf(row), row]))
  const verifications = await verifyRRsets(wanted, servers, dns, (doubtful) =>
    findProxied(zone, doubtful),
  )
  return verifications.flatMap(({ wanted: one, state }) => {
    const row = byKey.get(keyOf(one))
    return state.kind === 'overwritten' && row !== undefined ? [{ row, found: state.values }] : []
  })
}
