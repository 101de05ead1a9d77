import { POLICY_DEFAULTS } from '../../cloud/domain/host-policy.ts'
import type { HostRecord } from '../../cloud/domain/host-record.ts'
import type { DesiredRow, LogRow } from '../../cloud/ports.ts'
import { renderEntry } from '../../shared/entry.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { appendLeaf, leafHash } from '../../shared/merkle.ts'
import { parseName } from '../../shared/rrset.ts'

// What the contract of stores has stored.

export const at = '2026-03-01T12:00:00.000Z'
export const www = parseName('www.example.org')
export const api = parseName('api.example.org')
export const zone = parseName('example.org')
export const kid = 'A'.repeat(43)

/** An active host with a key. */
export const host: HostRecord = {
  name: 'home',
  version: 1,
  status: 'active',
  addedAt: at,
  claim: [{ name: www, type: 'AAAA' }],
  policy: {
    ...POLICY_DEFAULTS,
    names: [www],
    types: ['AAAA'],
    prefixes: [parsePrefix('2001:db8::/32')],
    shortestPrefix: 48,
    maxDeletions: 8,
  },
  key: { kid, jwk: { kty: 'OKP', crv: 'Ed25519', x: 'B'.repeat(43) }, lastSeq: 7, enrolledAt: at },
}
/** A report that waits for DNS. */
export const stored = {
  kid,
  seq: 8,
  digest: 'C'.repeat(43),
  index: 5,
  verdict: 'pending',
  keys: [{ name: www, type: 'AAAA' }],
} as const

/** The desired AAAA of `www`. */
export function desired(version: number, values: readonly string[] | null): DesiredRow {
  const key = { name: www, type: 'AAAA' as const }
  const set = values === null ? null : { ...key, ttl: 60, values }
  return { ...key, zone, ttl: 60, set, host: 'home', version, isApplied: false }
}

/** The row of a log that follows this one; `extra` makes its entry longer. */
export async function rowAfter(last: LogRow | undefined, extra = ''): Promise<LogRow> {
  const index = last === undefined ? 0 : last.index + 1
  const entry = renderEntry({ v: 1, kind: 'policy', at, host: 'home', policy: { index, extra } })
  const leaf = await leafHash(new TextEncoder().encode(entry))
  return { index, entry, ...(await appendLeaf(last?.frontier ?? [], index, leaf)) }
}
