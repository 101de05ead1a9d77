import type { HostRecord } from '../domain/host-record.ts'
import { stalenessOf } from '../domain/staleness.ts'

/** A host as the admin API and `--json` show it; `stale` as `stalenessOf` decides. */
export function hostView(host: HostRecord, nowMs: number, silentAfterMs: number) {
  const { name, status, policy, addedAt, key, lastReport, claim } = host
  return {
    kind: 'host' as const,
    host: name,
    status,
    policy,
    addedAt,
    key: key === undefined ? null : { kid: key.kid, enrolledAt: key.enrolledAt },
    lastReport: lastReport ?? null,
    stale: stalenessOf(host, nowMs, silentAfterMs) ?? null,
    claim: claim.map(({ name, type }) => ({ name, type })),
  }
}
