import { digestOf, parseReportJws, type ReportJws, verifyReportJws } from '../shared/jws.ts'
import type { Sha256 } from '../shared/merkle.ts'
import type { Report } from '../shared/report.ts'
import { type AdmitDeps, admitReport, isActive, type SignedReport } from './admit-report.ts'
import type { ClientAddress } from './domain/client-address.ts'
import { heldKey } from './domain/host-record.ts'
import type { EnrolledKey, KeyRing, NonceIssuer } from './ports.ts'
import { refuseLate } from './refuse-late.ts'
import { keyRevoked, type Refusal, type ReportAnswer, refused } from './report-answer.ts'
import { type SettleDeps, settleReport } from './settle-report.ts'

/** Everything a report meets on its way. */
export interface AcceptDeps extends AdmitDeps, SettleDeps {
  /** What a report's signed `url` must be: the configured one, whatever the request's Host says. */
  readonly reportsUrl: string
  readonly nonces: NonceIssuer
  readonly keys: KeyRing
  /** The runtime's fastest; Web Crypto unless given. */
  readonly sha256?: Sha256 | undefined
}

/**
 * Takes one report from its untrusted bytes to the answer for the agent: signature, replay, policy,
 * write-ahead entry, DNS, `applied` entry, receipt. Every step may be cut off; the same bytes again
 * go on from there and get the same answer.
 * @throws ReprefixError JWS_MALFORMED, JWS_SIGNATURE, REPORT_INVALID: nothing was changed
 * @throws ReprefixError STORE_*, LOG_CONTENDED: DNS was not touched for a report that is not logged
 */
export async function acceptReport(
  text: string,
  source: ClientAddress | undefined,
  deps: AcceptDeps,
): Promise<ReportAnswer> {
  const jws = parseReportJws(text)
  const hasCome = deps.log.anticipate()
  try {
    return await accept(jws, source, hasCome, deps)
  } finally {
    hasCome()
  }
}

async function accept(
  jws: ReportJws,
  source: ClientAddress | undefined,
  hasCome: () => void,
  deps: AcceptDeps,
): Promise<ReportAnswer> {
  const late = await refuseLate(jws.header, deps.nonces, deps.now().getTime())
  const verified = await verify(jws, late === undefined, deps)
  if (verified.kind === 'refused') return verified
  const { report, lastSeq } = verified
  const { text } = jws
  const digest = await digestOf(text, deps.sha256)
  const signed: SignedReport = { text, kid: jws.header.kid, digest, source, report }
  // Known bytes first: an answer that was lost must not depend on how late the agent asks again.
  if (lastSeq !== undefined && report.seq <= lastSeq) {
    hasCome()
    const known = await findKnown(signed, deps)
    if (known !== undefined) return known
  }
  if (late !== undefined) return late
  const admitted = await admitReport(signed, deps, hasCome)
  const { host, seq } = signed.report
  if (admitted.kind === 'refused') {
    const { code, facts } = admitted
    if (facts?.index !== undefined) {
      deps.logger.warn({ event: 'denied', host, seq, code, ...facts }, admitted.detail)
    }
    return admitted
  }
  if (admitted.kind === 'admitted') {
    const { index } = admitted.stored
    deps.logger.info({ event: 'report', host, seq, index }, `report ${seq} of ${host} is logged`)
    warnOfRollback(signed.report, index, deps)
    const { warning } = admitted
    if (warning) deps.logger.warn({ event: 'source', host, seq, index }, warning)
    return settleReport(admitted.stored, signed, deps)
  }
  // Overtaken between the look and the append: by the same bytes, or by a later report.
  return (await findKnown(signed, deps)) ?? sequenceStale(admitted.current)
}

interface Verified {
  readonly kind: 'verified'
  readonly report: Report
  /** The last sequence that was used with the key, where the store was asked. */
  readonly lastSeq?: number
}

/**
 * With `isTimely`, the store is not asked for a key that is at hand: whether it still speaks for its
 * host, and of which sequence, is decided with the append in any case.
 */
async function verify(
  jws: ReportJws,
  isTimely: boolean,
  deps: AcceptDeps,
): Promise<Verified | Refusal> {
  const { kid, url } = jws.header
  if (url !== deps.reportsUrl) {
    return refused('URL_MISMATCH', `signed for another cloud; this one is ${deps.reportsUrl}`)
  }
  const known = isTimely ? deps.keys.known(kid) : undefined
  if (known !== undefined) return verifyWith(known, jws)
  const host = await deps.repository.hostOfKey(kid)
  if (host === undefined) {
    return refused('KEY_UNKNOWN', `no host is enrolled with the key ${kid}`)
  }
  const held = heldKey(host, kid)
  if (held === undefined) return keyRevoked(kid)
  // The signature comes first: whoever only knows the thumbprint learns nothing of the host.
  const verified = await verifyWith(await deps.keys.learn(host.name, held.jwk), jws)
  if (verified.kind === 'refused') return verified
  return isActive(host, kid)
    ? { ...verified, lastSeq: host.key.lastSeq }
    : keyRevoked(kid, host.name)
}

async function verifyWith(key: EnrolledKey, jws: ReportJws): Promise<Verified | Refusal> {
  const report = await verifyReportJws(jws, key)
  if (report.host === key.host) return { kind: 'verified', report }
  return refused('HOST_MISMATCH', `the key ${key.kid} speaks for ${key.host}, not ${report.host}`)
}

/** The answer to a report whose sequence has been used, or undefined when that sequence is unknown. */
async function findKnown(
  signed: SignedReport,
  deps: AcceptDeps,
): Promise<ReportAnswer | undefined> {
  const { kid, digest, report } = signed
  const stored = await deps.repository.report(kid, report.seq)
  const current = (await deps.repository.hostOfKey(kid))?.key?.lastSeq ?? report.seq
  if (stored === undefined) return report.seq <= current ? sequenceStale(current) : undefined
  if (stored.digest === digest) return settleReport(stored, signed, deps)
  return refused(
    'SEQUENCE_REUSED',
    `another report with sequence ${report.seq} was signed with this key: is it in use twice?`,
    { seq: current },
  )
}

/** The host's records are still put right; its agent refuses the receipt, and the entry is proof. */
function warnOfRollback({ host, log }: Report, index: number, { logger }: AcceptDeps): void {
  if (log.size <= index) return
  logger.error(
    { event: 'rollback', host, seen: log.size, entries: index },
    `${host} has seen ${log.size} entries of this log, it had ${index}: was an old backup restored?`,
  )
}

function sequenceStale(current: number): Refusal {
  return refused('SEQUENCE_STALE', `the sequence must be above ${current}`, { seq: current })
}
