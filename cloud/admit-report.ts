import type { Report } from '../shared/report.ts'
import type { Fqdn } from '../shared/rrset.ts'
import {
  type Authorisation,
  authoriseReport,
  prefixesOf,
  type ZoneTtl,
} from './domain/authorise-report.ts'
import type { ClientAddress } from './domain/client-address.ts'
import { sharesName } from './domain/host-policy.ts'
import type { HostKey, HostRecord } from './domain/host-record.ts'
import { decideRate } from './domain/rate-limit.ts'
import { decideSequence } from './domain/sequence.ts'
import type { Ownership } from './domain/shared-names.ts'
import { sourceFault } from './domain/source-check.ts'
import type { AuditLog, DecisionState, Draft, StateWrite, StoredReport } from './ports.ts'
import { keyRevoked, type Refusal, rateLimited, refused } from './report-answer.ts'

/** What admission decides by and writes to. */
export interface AdmitDeps {
  readonly log: AuditLog
  readonly zones: readonly ZoneTtl[]
  readonly now: () => Date
}

/** A report whose signature holds. */
export interface SignedReport {
  readonly text: string
  readonly kid: string
  /** base64url SHA-256 of `text`. */
  readonly digest: string
  readonly report: Report
  readonly source: ClientAddress | undefined
}

/** `overtaken`: the sequence is used by now, by these bytes or by others. */
export type Admission =
  | { readonly kind: 'admitted'; readonly stored: StoredReport; readonly warning?: string }
  | { readonly kind: 'overtaken'; readonly current: number }
  | Refusal

/**
 * Judges a report against the sequence and the host's policy, and appends the `report` entry with
 * everything it asks for, or the `denied` entry, in one transaction. Nothing of DNS happens before.
 * `hasCome` is called once the append is asked for.
 */
export async function admitReport(
  signed: SignedReport,
  deps: AdmitDeps,
  hasCome: () => void = () => undefined,
): Promise<Admission> {
  let admission: Admission = { kind: 'overtaken', current: 0 }
  const appended = deps.log.append(async (index, state) => {
    const judged = await judge(signed, index, state, deps)
    admission = judged.admission
    return judged.draft
  })
  hasCome()
  await appended
  return admission
}

type Judged = { readonly admission: Admission; readonly draft: Draft | null }
/** A host that speaks with a key. */
export type ActiveHost = HostRecord & { readonly key: HostKey }
type Allowance = Extract<Authorisation, { kind: 'allowed' }> &
  Pick<Ownership, 'owners'> & { readonly warning: string | undefined }

async function judge(
  signed: SignedReport,
  index: number,
  state: DecisionState,
  deps: AdmitDeps,
): Promise<Judged> {
  const { report, kid } = signed
  const host = await state.hostOfKey(kid)
  if (!isActive(host, kid)) return { admission: keyRevoked(kid, report.host), draft: null }
  const sequence = decideSequence(report.seq, host.key.lastSeq, deps.now().getTime())
  if (sequence.kind === 'stale') {
    return { admission: { kind: 'overtaken', current: sequence.current }, draft: null }
  }
  if (sequence.kind === 'too-far') {
    const detail = `the sequence ${report.seq} is more than a day ahead of the clock`
    return {
      admission: refused('SEQUENCE_TOO_FAR', detail, { seq: host.key.lastSeq }),
      draft: null,
    }
  }
  const nowMs = deps.now().getTime()
  const rate = decideRate(host.key.busyUntilMs ?? 0, host.policy.reportsPerHour, nowMs)
  if (rate.kind === 'limited') {
    return { admission: rateLimited(host, rate.retryAfterMs), draft: null }
  }
  const key: HostKey = { ...host.key, lastSeq: report.seq, busyUntilMs: rate.busyUntilMs }
  const names = [...report.records, ...host.claim].map(({ name }) => name)
  const owned = await readOwnership([...new Set(names)], host.name, state)
  const { name, policy, claim } = host
  const fault =
    policy.sourceCheck === 'off' ? undefined : sourceFault(signed.source, prefixesOf(report))
  const standing = { host: name, policy, claim, ...owned, zones: deps.zones, sourceFault: fault }
  const verdict = authoriseReport(report, standing)
  const used = { ...host, key }
  return verdict.kind === 'denied'
    ? deny(signed, used, index, verdict, deps.now())
    : allow(signed, used, index, { ...verdict, ...owned, warning: fault }, deps.now())
}

/** Who else has these names; other hosts are read only where they share one. */
async function readOwnership(
  names: readonly Fqdn[],
  host: string,
  state: DecisionState,
): Promise<Ownership> {
  const owners = await state.owners(names)
  const others = new Set([...owners.values()].flat().filter((owner) => owner !== host))
  const found = await Promise.all([...others].map((name) => state.host(name)))
  const holders = found.flatMap((other) =>
    other === undefined ? [] : [[other.name, other] as const],
  )
  return { owners, holders: new Map(holders) }
}

function deny(
  signed: SignedReport,
  host: ActiveHost,
  index: number,
  { code, detail }: Extract<Authorisation, { kind: 'denied' }>,
  now: Date,
): Judged {
  const stored = { ...storedOf(signed, index), verdict: 'denied', keys: [] } as const
  return {
    admission: refused(code, detail, { index }),
    draft: {
      entry: { ...entryOf(signed, host, now), kind: 'denied', digest: signed.digest, code, detail },
      writes: [
        { kind: 'update-host', host },
        { kind: 'record-report', report: stored },
      ],
    },
  }
}

function allow(
  signed: SignedReport,
  host: ActiveHost,
  index: number,
  { desired, owners, warning }: Allowance,
  now: Date,
): Judged {
  const { report } = signed
  const keys = desired.map(({ name, type }) => ({ name, type }))
  const stored = { ...storedOf(signed, index), verdict: 'pending', keys } as const
  const claimed = [...new Set(report.records.map(({ name }) => name))]
  const released = [...owners.keys()].filter((name) => !claimed.includes(name))
  const fresh = claimed.filter((name) => !owners.get(name)?.includes(host.name))
  const isExclusive = (name: Fqdn): boolean => !sharesName(host.policy, name)
  const next: HostRecord = {
    ...host,
    claim: report.records.map(({ name, type, values }) => ({ name, type, values })),
    lastReport: {
      index,
      at: now.toISOString(),
      prefix: report.prefix.current,
      ...(report.prefix.validUntil && { validUntil: report.prefix.validUntil }),
      agent: report.agent,
    },
  }
  const writes: StateWrite[] = [
    { kind: 'update-host', host: next },
    { kind: 'own-names', host: host.name, names: fresh.filter(isExclusive) },
    { kind: 'share-names', host: host.name, names: fresh.filter((name) => !isExclusive(name)) },
    { kind: 'release-names', host: host.name, names: released },
    ...desired.map((set) => ({
      kind: 'desire' as const,
      row: { ...set, host: host.name, version: index, isApplied: false },
    })),
    { kind: 'record-report', report: stored },
  ]
  const entry = { ...entryOf(signed, host, now), kind: 'report' as const }
  const admission = { kind: 'admitted' as const, stored, ...(warning && { warning }) }
  return { admission, draft: { entry, writes } }
}

function entryOf({ kid, report, text }: SignedReport, host: HostRecord, now: Date) {
  const at = now.toISOString()
  return { v: 1 as const, at, host: host.name, kid, seq: report.seq, jws: text }
}

function storedOf({ kid, digest, report }: SignedReport, index: number) {
  return { kid, seq: report.seq, digest, index }
}

/** Whether that key speaks for the host. */
export function isActive(host: HostRecord | undefined, kid: string): host is ActiveHost {
  return host?.status === 'active' && host.key?.kid === kid
}
