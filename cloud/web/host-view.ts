import type { HostRecord } from '../domain/host-record.ts'

/** A host as the admin API and `--json` show it. */
export function hostView(host: HostRecord) {
  const { name, status, policy, addedAt, key, lastReport, claim } = host
  return {
    kind: 'host' as const,
    host: name,
    status,
    policy,
    addedAt,
    key: key === undefined ? null : { kid: key.kid, enrolledAt: key.enrolledAt },
    lastReport: lastReport ?? null,
    claim: claim.map(({ name, type }) => ({ name, type })),
  }
}
