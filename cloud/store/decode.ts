import * as v from 'valibot'
import { recordOutcomeSchema } from '../../shared/entry.ts'
import { ReprefixError } from '../../shared/errors.ts'
import type { Fqdn, RRKey, RRType } from '../../shared/rrset.ts'
import { POLICY_DEFAULTS } from '../domain/host-policy.ts'
import type { HostRecord } from '../domain/host-record.ts'
import type { DesiredRow, JoinToken, LogRow, StoredReport } from '../ports.ts'
import type { SqlRow } from './sql-port.ts'

/**
 * Rows of the store → values, whichever store. It is trusted to return what this program wrote, so types are
 * checked and brands are restored, but names and prefixes are not parsed again.
 */

/** Table and column. */
type Place = `${keyof typeof COLUMNS}.${string}`

const HASH_BYTES = 32
const VERDICTS = ['pending', 'applied', 'denied'] as const
const MAX_KEPT_HOSTS = 1000
/** For entries alone: a damaged one is shown as it is, and `audit verify` tells of it. */
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

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
const flushedSchema = v.object({
  outcomes: v.array(recordOutcomeSchema),
  retryAtMs: v.exactOptional(v.number()),
  receipts: v.exactOptional(v.array(v.object({ provider: v.string(), id: v.string() }))),
})

/**
 * The columns of each table, for queries. Text is read as bytes: the driver ends the
 * whole process over text that is not UTF-8, and a damaged store must be told of instead.
 */
export const COLUMNS = {
  log: columns('log', ['i', 'leaf', 'nodes', 'frontier'], ['body']),
  host: columns('host', ['version'], ['name', 'record']),
  token: columns('token', ['mac_key', 'used_index'], ['id', 'host', 'expires_at', 'used_kid']),
  name_owner: columns('name_owner', [], ['name', 'host']),
  desired: columns(
    'desired',
    ['ttl', 'version', 'applied'],
    ['name', 'type', 'zone', 'rr_values', 'host', 'flushed'],
  ),
  pass_memory: columns('pass_memory', [], ['content']),
  report: columns(
    'report',
    ['seq', 'log_index', 'applied_index'],
    ['kid', 'digest', 'verdict', 'keys'],
  ),
} as const

function columns(table: string, plain: readonly string[], texts: readonly string[]): string {
  return [
    ...plain.map((column) => `${table}.${column}`),
    ...texts.map((column) => `CAST(${table}.${column} AS BLOB) AS ${column}`),
  ].join(', ')
}

/** A row of `log`. Bytes of the entry that are not UTF-8 come out as others than were written. */
export function decodeLogRow(row: SqlRow): LogRow {
  return {
    index: integer(row, 'log.i'),
    entry: typeof row.body === 'string' ? row.body : lenient.decode(bytes(row, 'log.body')),
    leaf: bytes(row, 'log.leaf'),
    nodes: hashes(bytes(row, 'log.nodes')),
    frontier: hashes(bytes(row, 'log.frontier')),
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
    const name = text(row, 'host.name')
    const source = text(row, 'host.record')
    const version = integer(row, 'host.version')
    const known = kept.get(name)
    if (known?.source === source && known.host.version === version) return known.host
    const host = decodeHost(source, version)
    if (kept.size >= MAX_KEPT_HOSTS) kept.clear()
    kept.set(name, { source, host })
    return host
  }
}

function decodeHost(source: string, version: number): HostRecord {
  const record = json(source, hostSchema, 'host.record')
  // A host that an older version wrote has no more than the policy of that version.
  const policy = { ...POLICY_DEFAULTS, ...record.policy }
  return { ...record, policy, version } as unknown as HostRecord
}

/** A row of `token`. */
export function decodeToken(row: SqlRow): JoinToken {
  const token = {
    id: text(row, 'token.id'),
    host: text(row, 'token.host'),
    macKey: bytes(row, 'token.mac_key'),
    expiresAt: text(row, 'token.expires_at'),
  }
  if (row.used_kid === null) return token
  const [kid, index] = [text(row, 'token.used_kid'), integer(row, 'token.used_index')]
  return { ...token, used: { kid, index } }
}

/** A row of `desired`. */
export function decodeDesired(row: SqlRow): DesiredRow {
  const name = text(row, 'desired.name') as Fqdn
  const type = text(row, 'desired.type') as RRType
  const ttl = integer(row, 'desired.ttl')
  const column = 'desired.rr_values'
  const values = row.rr_values === null ? null : json(text(row, column), valuesSchema, column)
  const desired = {
    name,
    type,
    zone: text(row, 'desired.zone') as Fqdn,
    ttl,
    set: values === null ? null : { name, type, ttl, values },
    host: text(row, 'desired.host'),
    version: integer(row, 'desired.version'),
    isApplied: integer(row, 'desired.applied') === 1,
  }
  if (row.flushed === null) return desired
  const place = 'desired.flushed'
  return { ...desired, flushed: json(text(row, place), flushedSchema, place) }
}

/** What the pass has kept of a zone. */
export function decodePassMemory(row: SqlRow): string {
  return text(row, 'pass_memory.content')
}

/** A row of `report`. */
export function decodeReport(row: SqlRow): StoredReport {
  const report = {
    kid: text(row, 'report.kid'),
    seq: integer(row, 'report.seq'),
    digest: text(row, 'report.digest'),
    index: integer(row, 'report.log_index'),
    verdict: verdictOf(text(row, 'report.verdict')),
    keys: json(text(row, 'report.keys'), keysSchema, 'report.keys') as RRKey[],
  }
  if (row.applied_index === null) return report
  return { ...report, appliedIndex: integer(row, 'report.applied_index') }
}

/** A row of `name_owner`: the name and its host. */
export function decodeOwner(row: SqlRow): readonly [Fqdn, string] {
  return [decodeName(row), text(row, 'name_owner.host')]
}

/** The name that a row is of. */
export function decodeName(row: SqlRow): Fqdn {
  return text(row, 'name_owner.name') as Fqdn
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

function verdictOf(given: string): StoredReport['verdict'] {
  const known = VERDICTS.find((verdict) => verdict === given)
  return known ?? damaged('report.verdict')
}

/** A text column, read as bytes where the store may give what is no text; `place` is its table and name. */
function text(row: SqlRow, place: Place): string {
  const value = valueAt(row, place)
  if (typeof value === 'string') return value
  try {
    return strict.decode(bytes(row, place))
  } catch (cause) {
    return damaged(place, cause)
  }
}

function json<S extends v.GenericSchema>(source: string, schema: S, place: Place) {
  try {
    return v.parse(schema, JSON.parse(source))
  } catch (cause) {
    return damaged(place, cause)
  }
}

function integer(row: SqlRow, place: Place): number {
  const value = valueAt(row, place)
  return typeof value === 'number' ? value : damaged(place)
}

function bytes(row: SqlRow, place: Place): Uint8Array {
  const value = valueAt(row, place)
  return value instanceof Uint8Array ? value : damaged(place)
}

function valueAt(row: SqlRow, place: Place) {
  return row[place.slice(place.indexOf('.') + 1)]
}

/** @throws ReprefixError STORE_FAILED; nothing of what is stored there is in the message */
function damaged(place: Place, cause?: unknown): never {
  if (cause instanceof ReprefixError) throw cause
  throw new ReprefixError(
    'STORE_FAILED',
    `a row of the store has no proper ${place}: it was altered or damaged; restore the newest backup`,
    { cause },
  )
}
