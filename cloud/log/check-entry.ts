import * as v from 'valibot'
import { decodeBase64 } from '../../shared/base64.ts'
import type { EntryOf, LogEntry } from '../../shared/entry.ts'
import { messageOf } from '../../shared/errors.ts'
import {
  digestOf,
  importVerificationKey,
  parseEnrolmentJws,
  parseReportJws,
  type VerificationKey,
  verifyEnrolmentSignature,
  verifyReportJws,
} from '../../shared/jws.ts'
import type { Sha256 } from '../../shared/merkle.ts'
import type { Claim, Report } from '../../shared/report.ts'
import { parseRotationJws, verifyRotationJws } from '../../shared/rotation.ts'
import { isAtOrBelow, keyOf, sameValues } from '../../shared/rrset.ts'
import { prefixesOf, valueFault } from '../domain/authorise-report.ts'
import {
  allowsName,
  allowsPrefix,
  type HostPolicy,
  hostPolicySchema,
  sharesName,
} from '../domain/host-policy.ts'

import type { BegunCheck } from './read-ahead.ts'

/** Whether the log of `size` entries had this root; undefined when it is not that large. */
export type RootCheck = (size: number, root: Uint8Array) => boolean | undefined

/** Checks entries in the order of the log; each answer is a list of what is wrong, empty if nothing. */
export interface EntryChecker {
  check(index: number, entry: LogEntry, begun?: BegunCheck): Promise<readonly string[]>
  /** Begins to verify an entry's signature, where its key is known by now, for a `check` that follows. */
  begin(entry: LogEntry): BegunCheck | undefined
  /** Number of witness claims that were compared with the tree. */
  witnessed(): number
  /** How many entries from the first on a witness has seen as they are. */
  vouched(): number
}

interface EnrolledKey {
  readonly host: string
  readonly key: VerificationKey
  lastSeq: number
  isRevoked: boolean
}

interface OpenReport {
  readonly kid: string
  readonly digest: string
  readonly report: Report
  /** The values that each RRset is to have, by key; none where it is withdrawn. */
  readonly expected: ReadonlyMap<string, readonly string[]>
}

type Signed = EntryOf<'report'> | EntryOf<'denied'>

/**
 * The log's own rules, from its entries alone: who may sign is what the enrolments before say,
 * sequences rise, DNS outcomes belong to a logged report, and no witness saw another log.
 */
export function createEntryChecker(rootWas: RootCheck, sha256?: Sha256): EntryChecker {
  const keys = new Map<string, EnrolledKey>()
  const keyOfHost = new Map<string, string>()
  const policies = new Map<string, HostPolicy | undefined>()
  const open = new Map<number, OpenReport>()
  const claims = new Map<string, readonly Claim[]>()
  /** The values that the newest report about each RRset was to bring about. */
  const due = new Map<string, readonly string[]>()
  let witnessed = 0
  let vouched = 0

  async function checkEnrolment(entry: EntryOf<'enroll'>): Promise<string[]> {
    const faults: string[] = []
    if (!policies.has(entry.host)) faults.push(`the host ${entry.host} was never added`)
    if (keys.has(entry.kid)) return [...faults, `the key ${entry.kid} was enrolled before`]
    const jws = parseEnrolmentJws(entry.jws)
    const key = await importVerificationKey(jws.jwk)
    if (key.kid !== entry.kid)
      faults.push(`the enrolment is of the key ${key.kid}, not ${entry.kid}`)
    if (jws.tokenId !== entry.token) faults.push('the enrolment used another token')
    await verifyEnrolmentSignature(jws, key).catch((error) => faults.push(messageOf(error)))
    const former = keys.get(keyOfHost.get(entry.host) ?? '')
    if (former !== undefined && !former.isRevoked) {
      faults.push(`the host ${entry.host} has a key already that was not revoked`)
    }
    keys.set(entry.kid, { host: entry.host, key, lastSeq: 0, isRevoked: false })
    keyOfHost.set(entry.host, entry.kid)
    return faults
  }

  async function checkRotation(index: number, entry: EntryOf<'rotate'>): Promise<string[]> {
    const enrolled = keys.get(entry.kid)
    if (enrolled?.host !== entry.host) return [`the host ${entry.host} has no key ${entry.kid}`]
    const faults: string[] = []
    if (enrolled.isRevoked) faults.push(`the key ${entry.kid} was revoked`)
    const jws = parseRotationJws(entry.jws)
    const successor = await verifyRotationJws(jws, enrolled.key)
    if (successor.kid !== entry.successor) {
      faults.push(`the rotation is to the key ${successor.kid}, not ${entry.successor}`)
    }
    if (keys.has(successor.kid)) return [...faults, `the key ${successor.kid} was enrolled before`]
    const { host, log } = jws.succession
    if (host !== entry.host) faults.push(`the rotation is of the host ${host}`)
    enrolled.isRevoked = true
    const { lastSeq } = enrolled
    keys.set(successor.kid, { host: entry.host, key: successor, lastSeq, isRevoked: false })
    keyOfHost.set(entry.host, successor.kid)
    return [...faults, ...checkWitness(index, { host, log })]
  }

  function checkRevocation(entry: EntryOf<'revoke'>): string[] {
    const enrolled = keys.get(entry.kid)
    if (enrolled?.host !== entry.host) return [`the host ${entry.host} has no key ${entry.kid}`]
    if (enrolled.isRevoked) return [`the key ${entry.kid} was revoked before`]
    enrolled.isRevoked = true
    claims.delete(entry.host)
    return []
  }

  function begin(entry: LogEntry): BegunCheck | undefined {
    if (entry.kind !== 'report' && entry.kind !== 'denied') return undefined
    // The key of a thumbprint never changes, so it does not matter how early it is looked up.
    const key = keys.get(entry.kid)?.key
    return key && verifySigned(entry, key)
  }

  async function checkSigned(index: number, entry: Signed, begun?: BegunCheck): Promise<string[]> {
    const enrolled = keys.get(entry.kid)
    if (enrolled === undefined) return [`the key ${entry.kid} was not enrolled`]
    const faults: string[] = []
    if (enrolled.isRevoked) faults.push(`the key ${entry.kid} was revoked`)
    if (enrolled.host !== entry.host) faults.push(`the key ${entry.kid} is of ${enrolled.host}`)
    const report = await (begun ?? verifySigned(entry, enrolled.key))
    if (report.host !== entry.host) faults.push(`the report is of the host ${report.host}`)
    if (report.seq !== entry.seq) faults.push(`the report has the sequence ${report.seq}`)
    if (entry.seq <= enrolled.lastSeq) {
      faults.push(`the sequence ${entry.seq} does not rise above ${enrolled.lastSeq}`)
    }
    enrolled.lastSeq = Math.max(enrolled.lastSeq, entry.seq)
    const digest = await digestOf(entry.jws, sha256)
    if (entry.kind === 'report') {
      const expected = expectedValues(report)
      open.set(index, { kid: entry.kid, digest, report, expected })
      claims.set(entry.host, report.records)
      for (const [key, values] of expected) due.set(key, values)
      faults.push(...outsidePolicy(report, policies.get(entry.host)))
    } else if (entry.digest !== digest) faults.push('the digest is of another report')
    return [...faults, ...checkWitness(index, report)]
  }

  /** The union with what other hosts claim of a name that all of them share. */
  function expectedValues({ host, records }: Report): ReadonlyMap<string, readonly string[]> {
    const shares = (one: string, { name }: Claim): boolean => {
      const policy = policies.get(one)
      return policy !== undefined && sharesName(policy, name)
    }
    const heldByOthers = (record: Claim): readonly string[] => {
      if (!shares(host, record)) return []
      return [...claims].flatMap(([other, claim]) =>
        other !== host && shares(other, record)
          ? claim.flatMap((held) => (keyOf(held) === keyOf(record) ? held.values : []))
          : [],
      )
    }
    const withdrawn = (claims.get(host) ?? []).map((record) => ({ ...record, values: [] }))
    return new Map(
      [...withdrawn, ...records].map((record) => [
        keyOf(record),
        [...new Set([...record.values, ...heldByOthers(record)])],
      ]),
    )
  }

  function checkWitness(index: number, { host, log }: Pick<Report, 'host' | 'log'>): string[] {
    if (log.size === 0) return []
    witnessed++
    const matches = log.size > index ? undefined : rootWas(log.size, decodeBase64(log.root))
    if (matches === undefined) {
      return [`${host} has seen ${log.size} entries, more than the log had: it was cut off`]
    }
    if (matches) {
      vouched = Math.max(vouched, log.size)
      return []
    }
    return [`${host} has seen another log of ${log.size} entries: it was rewritten or split`]
  }

  function checkApplied(entry: EntryOf<'applied'>): string[] {
    const reported = open.get(entry.report)
    if (reported === undefined) return [`there is no unapplied report at ${entry.report}`]
    open.delete(entry.report)
    const { kid, digest, report, expected } = reported
    const faults: string[] = []
    if (kid !== entry.kid || report.host !== entry.host || report.seq !== entry.seq) {
      faults.push(`the report at ${entry.report} is another host's or has another sequence`)
    }
    if (digest !== entry.digest) faults.push(`the report at ${entry.report} has another digest`)
    for (const { outcome, name, type, values } of entry.outcomes) {
      if (outcome === 'failed') continue
      const due = expected.get(keyOf({ name, type })) ?? []
      if (!sameValues([...values].sort(), [...due].sort())) {
        faults.push(`${name} ${type} was set to ${values.join(' ') || 'nothing'}, not as reported`)
      }
    }
    return faults
  }

  /** What a provider had is its word against nobody's; what it was to have again is in the log. */
  function checkDrift({ zone, records }: EntryOf<'drift'>): string[] {
    return records.flatMap(({ name, type, values }) => {
      if (!isAtOrBelow(name, zone)) return [`${name} is not in the zone ${zone}`]
      const wanted = due.get(keyOf({ name, type }))
      if (wanted === undefined) return [`no report was about ${name} ${type}`]
      return sameValues([...values].sort(), [...wanted].sort())
        ? []
        : [`${name} ${type} was restored to ${values.join(' ') || 'nothing'}, not as last reported`]
    })
  }

  async function check(
    index: number,
    entry: LogEntry,
    begun?: BegunCheck,
  ): Promise<readonly string[]> {
    if ((index === 0) !== (entry.kind === 'genesis')) {
      return [index === 0 ? 'the log does not begin with genesis' : 'genesis comes twice']
    }
    switch (entry.kind) {
      case 'genesis':
        // Whose key it names is judged with the signatures under the whole log.
        return []
      case 'policy':
        policies.set(entry.host, readPolicy(entry.policy))
        return []
      case 'enroll':
        return checkEnrolment(entry)
      case 'rotate':
        return checkRotation(index, entry)
      case 'revoke':
        return checkRevocation(entry)
      case 'report':
      case 'denied':
        return checkSigned(index, entry, begun)
      case 'applied':
        return checkApplied(entry)
      case 'drift':
        return checkDrift(entry)
    }
  }
  return { check, begin, witnessed: () => witnessed, vouched: () => vouched }
}

async function verifySigned({ jws }: Signed, key: VerificationKey): Promise<Report> {
  return verifyReportJws(parseReportJws(jws), key)
}

function readPolicy(value: unknown): HostPolicy | undefined {
  const result = v.safeParse(hostPolicySchema, value)
  return result.success ? result.output : undefined
}

/** What the cloud should have denied. Zones and owners are not in the log, so not judged here. */
function outsidePolicy(
  { host, prefix, records }: Report,
  policy: HostPolicy | undefined,
): string[] {
  if (policy === undefined) return [`no policy of ${host} permits any report`]
  const names = records.filter(({ name }) => !allowsName(policy, name)).map(({ name }) => name)
  const faults = [...new Set(names)].map((name) => `the policy did not permit ${name}`)
  const prefixes = prefixesOf({ prefix })
  const refused = prefixes.filter((one) => !allowsPrefix(policy, one))
  const values = records.flatMap((record) => valueFault(record, prefixes, policy) ?? [])
  return [...faults, ...refused.map((one) => `the policy did not permit ${one}`), ...values]
}
