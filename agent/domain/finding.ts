/**
 * What `doctor` looks at, in the order in which it is shown. Stable: operators filter by it, and every
 * one is explained in `docs/guides/doctor.md`.
 */
export const FINDING_IDS = [
  'settings',
  'root',
  'settings-mode',
  'programs',
  'state-directory',
  'key-file',
  'disk',
  'agent',
  'uplink',
  'forwarding',
  'accept-ra',
  'max-addresses',
  'neighbours',
  'prefix',
  'policy-routing',
  'ndppd',
  'ndppd-config',
  'proxy-ndp',
  'proxy-delay',
  'iptables',
  'docker',
  'docker-reach',
  'docker-gateway',
  'docker0',
  'plan',
  'enrolment',
  'enrolment-pending',
  'cloud',
  'clock',
  'state',
  'journal',
  'outbox',
  'receipts',
] as const

export type FindingId = (typeof FINDING_IDS)[number]

/** `fail` keeps the host from being renumbered or reached; `warn` will one day, or keeps it unseen. */
export type FindingLevel = 'ok' | 'warn' | 'fail'

/** One thing that was looked at, what was found, and what helps. */
export interface Finding {
  readonly id: FindingId
  readonly level: FindingLevel
  readonly what: string
  /** What the operator does about it, `null` where all is well. */
  readonly remedy: string | null
}

/** All is well. */
export function ok(id: FindingId, what: string): Finding {
  return { id, level: 'ok', what, remedy: null }
}

/** Works, but not for good. */
export function warn(id: FindingId, what: string, remedy: string): Finding {
  return { id, level: 'warn', what, remedy }
}

/** Does not work. */
export function fail(id: FindingId, what: string, remedy: string): Finding {
  return { id, level: 'fail', what, remedy }
}

/** Something that was read, or why it could not be. */
export type Read<T> = { readonly value: T } | { readonly fault: string }

/** Whether nothing failed; warnings do not count. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'fail')
}
