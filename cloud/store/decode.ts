import * as v from 'valibot'
import { ReprefixError } from '../../shared/errors.ts'
import type { Fqdn, RRKey, RRType } from '../../shared/rrset.ts'
import { POLICY_DEFAULTS } from '../domain/host-policy.ts'
import type { HostRecord } from '../domain/host-record.ts'
import type { DesiredRow, JoinToken, LogRow, SqlRow, StoredReport } from '../ports.ts'

/**
 * Rows of the store → values. The store is trusted to return what this program wrote, so types are
 * checked and brands are restored, but names and prefixes are not parsed again.
 */

const HASH_BYTES = 32
const MAX_KEPT_HOSTS = 1000
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

const hostSchema = v.looseObject({
  name: v.string(),
  status: v.picklist(['invited', 'active', 'revoked']),
  policy: v.looseObject({ names: v.array(v.string()), prefixes: v.array(v.string()) }),
  claim: v.array(
    v.object({
      name: v.string(),
      type: v.string(),
      values: v.exactOptional(v.array(v.string())),
    }),
  ),
})
const factsSchema = v.object({
  at: v.string(),
  kind: v.string(),
  host: v.exactOptional(v.string()),
})
const keysSchema = v.array(v.object({ name: v.string(), type: v.picklist(['A', 'AAAA', 'TXT']) }))
const valuesSchema = v.array(v.string())

/**
 * The columns of a row of `log`. The entry is read as bytes: the driver ends the process over text that
 * is not UTF-8, and a damaged log must still be readable.
 */
export const LOG_COLUMNS = 'i, CAST(body AS BLOB) AS body, leaf, nodes, frontier'

/** A row of `log`. Bytes of the entry that are not UTF-8 come out as others than were written. */
export function decodeLogRow(row: SqlRow): LogRow {
  return {
    index: integer(row, 'i'),
    entry: utf8.decode(bytes(row, 'body')),
    leaf: bytes(row, 'leaf'),
    nodes: hashes(bytes(row, 'nodes')),
    frontier: hashes(bytes(row, 'frontier')),
  }
}

/** What a row of `log` says of its entry besides the text: for people who look into the store. */
export function decodeFacts(entry: string): { at: string; kind: string; host?: string } {
  return v.parse(factsSchema, JSON.parse(entry))
}

/**
 * Decodes rows of `host`; the version is that of the column. A host is read several times for each of its
 * reports, so what was decoded last is kept: the same text gives the same record.
 */
export function createHostDecoder(): (row: SqlRow) => HostRecord {
  const kept = new Map<string, { readonly source: string; readonly host: HostRecord }>()
  return (row) => {
    const [name, source, version] = [
      text(row, 'name'),
      text(row, 'record'),
      integer(row, 'version'),
    ]
    const known = kept.get(name)
    if (known?.source === source && known.host.version === version) return known.host
    const host = decodeHost(source, version)
    if (kept.size >= MAX_KEPT_HOSTS) kept.clear()
    kept.set(name, { source, host })
    return host
  }
}

function decodeHost(source: string, version: number): HostRecord {
  const record = v.parse(hostSchema, JSON.parse(source))
  // A host that an older version wrote has no more than the policy of that version.
  const policy = { ...POLICY_DEFAULTS, ...record.policy }
  return { ...record, policy, version } as unknown as HostRecord
}

/** A row of `token`. */
export function decodeToken(row: SqlRow): JoinToken {
  const token = {
    id: text(row, 'id'),
    host: text(row, 'host'),
    macKey: bytes(row, 'mac_key'),
    expiresAt: text(row, 'expires_at'),
  }
  if (row.used_kid === null) return token
  return { ...token, used: { kid: text(row, 'used_kid'), index: integer(row, 'used_index') } }
}

/** A row of `desired`. */
export function decodeDesired(row: SqlRow): DesiredRow {
  const name = text(row, 'name') as Fqdn
  const type = text(row, 'type') as RRType
  const ttl = integer(row, 'ttl')
  const values =
    row.rr_values === null ? null : v.parse(valuesSchema, JSON.parse(text(row, 'rr_values')))
  return {
    name,
    type,
    zone: text(row, 'zone') as Fqdn,
    ttl,
    set: values === null ? null : { name, type, ttl, values },
    host: text(row, 'host'),
    version: integer(row, 'version'),
    isApplied: integer(row, 'applied') === 1,
  }
}

/** A row of `report`. */
export function decodeReport(row: SqlRow): StoredReport {
  const report = {
    kid: text(row, 'kid'),
    seq: integer(row, 'seq'),
    digest: text(row, 'digest'),
    index: integer(row, 'log_index'),
    verdict: v.parse(v.picklist(['pending', 'applied', 'denied']), row.verdict),
    keys: v.parse(keysSchema, JSON.parse(text(row, 'keys'))) as RRKey[],
  }
  if (row.applied_index === null) return report
  return { ...report, appliedIndex: integer(row, 'applied_index') }
}

/** A row of `name_owner`: the name and its host. */
export function decodeOwner(row: SqlRow): readonly [Fqdn, string] {
  return [text(row, 'name') as Fqdn, text(row, 'host')]
}

/** Hashes one after another, as `nodes` and `frontier` are stored. */
export function joinHashes(list: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(list.length * HASH_BYTES)
  list.forEach((hash, i) => {
    joined.set(hash, i * HASH_BYTES)
  })
  return joined
}

/** A rest that is no whole hash is kept as it is, so that whoever compares sees it. */
function hashes(joined: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(joined.length / HASH_BYTES) }, (_, i) =>
    joined.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  )
}

function text(row: SqlRow, column: string): string {
  const value = row[column]
  return typeof value === 'string' ? value : damaged(column)
}

function integer(row: SqlRow, column: string): number {
  const value = row[column]
  return typeof value === 'number' ? value : damaged(column)
}

function bytes(row: SqlRow, column: string): Uint8Array {
  const value = row[column]
  return value instanceof Uint8Array ? value : damaged(column)
}

function damaged(column: string): never {
  throw new ReprefixError('STORE_FAILED', `a row of the store has no proper ${column}`)
}
