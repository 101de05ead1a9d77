import type { Answer } from 'dns-packet'
import { type Fqdn, keyOf, type RRKey } from '../../shared/rrset.ts'
import { ProviderError, type Zone } from '../domain/dns-provider.ts'
import { encodeQuery, TYPE } from './dns-message.ts'
import { type FoundRRset, readAnswer } from './rfc2136-records.ts'
import { RCODE, type Rfc2136Session } from './rfc2136-session.ts'

/** A zone as it was transferred. */
export interface ZoneContent {
  /** What the zone holds for a key; a ProviderError where a delegation takes the name away. */
  find(key: RRKey): FoundRRset | ProviderError
}

/** A larger zone is not worth transferring for the names of a home. */
const MAX_TRANSFER_BYTES = 8 * 1024 * 1024

/**
 * Reads a whole zone at once (RFC 5936), which for many names takes a fraction of the time that asking
 * for each takes. Undefined when the server does not permit it, or the zone is too large for it.
 * @throws ProviderError transient, auth or protocol: what has come of the zone is not used
 */
export async function transferZone(
  session: Rfc2136Session,
  zone: Zone,
): Promise<ZoneContent | undefined> {
  const records: Answer[] = []
  let bytes = 0
  let isBegun = false
  const ask = (id: number) => encodeQuery(id, zone.name, TYPE.AXFR)
  for await (const { rcode, packet, size, isSigned } of session.transfer(ask)) {
    // A refusal is one message, after which the connection is as good as before.
    if (rcode !== RCODE.NOERROR && !isBegun) return undefined
    records.push(...(packet.answers ?? []))
    bytes += size
    const isTransfer = rcode === RCODE.NOERROR && records[0]?.type === 'SOA'
    if (!isTransfer || bytes > MAX_TRANSFER_BYTES || !(isBegun || isSigned)) {
      session.close()
      return undefined
    }
    isBegun = true
    // The zone ends as it began, and nothing counts that is not under a signature.
    const isWhole = records.length > 1 && records.at(-1)?.type === 'SOA'
    if (isWhole && isSigned) return contentOf(zone, records)
    if (isWhole) break
  }
  if (!isBegun) return undefined
  session.close()
  throw new ProviderError('protocol', `the transfer of ${zone.name} ended without a signature`)
}

function contentOf(zone: Zone, records: readonly Answer[]): ZoneContent {
  const byName = new Map<string, Answer[]>()
  for (const record of records) {
    const name = record.name.toLowerCase()
    const own = byName.get(name)
    if (own === undefined) byName.set(name, [record])
    else own.push(record)
  }
  const has = (name: string, type: string): boolean =>
    byName.get(name)?.some((record) => record.type === type) === true
  return {
    find(key) {
      const cut = cutsAbove(key.name, zone.name).find((name) => has(name, 'NS'))
      if (cut !== undefined) {
        return new ProviderError(
          'zone-not-found',
          `the DNS server is not authoritative for ${key.name}: ${zone.name} delegates ${cut} to others`,
        )
      }
      const answers = byName.get(key.name) ?? []
      return readAnswer({ answers }, key)
    },
  }
}

/** The name and those above it, below the zone's apex. */
function cutsAbove(name: Fqdn, zone: Fqdn): readonly string[] {
  if (name === zone) return []
  const labels = name.slice(0, -zone.length - 1).split('.')
  return labels.map((_, index) => [...labels.slice(index), zone].join('.'))
}

/** The keys that a transfer answers at once; fewer are asked for one by one. */
export function isWorthTransferring(keys: readonly RRKey[]): boolean {
  return new Set(keys.map(keyOf)).size >= LEAST_KEYS
}

const LEAST_KEYS = 4
