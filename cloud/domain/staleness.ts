import type { HostRecord } from './host-record.ts'

/** Why a host's records may be out of date, and since when (RFC 3339). */
export interface Staleness {
  /** `expired`: the prefix it reported was valid until then; `silent`: its last report is long ago. */
  readonly reason: 'expired' | 'silent'
  readonly since: string
}

/**
 * Whether the records of a host are perhaps no longer right: the reported prefix has ended and no other
 * was reported, or nothing was heard for `silentAfterMs`. An agent reports when something changes, so
 * silence is a reason to look, and never one to delete a record: unknown is not empty. A host that
 * has nothing to say, as it is invited, revoked or claims nothing, is not stale.
 */
export function stalenessOf(
  { status, lastReport, claim }: HostRecord,
  nowMs: number,
  silentAfterMs: number,
): Staleness | undefined {
  if (status !== 'active' || lastReport === undefined || claim.length === 0) return undefined
  const { at, validUntil } = lastReport
  if (validUntil !== undefined && Date.parse(validUntil) <= nowMs) {
    return { reason: 'expired', since: validUntil }
  }
  const silentMs = Date.parse(at) + silentAfterMs
  if (silentMs > nowMs) return undefined
  return { reason: 'silent', since: new Date(silentMs).toISOString() }
}
