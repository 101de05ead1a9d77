import { type EntryOf, parseEntry } from '../../shared/entry.ts'
import { ReprefixError } from '../../shared/errors.ts'
import { parseEnrolmentJws, type VerificationKey, verifyEnrolmentJws } from '../../shared/jws.ts'
import type { EnrolmentReceipt } from '../../shared/receipt.ts'
import type { HostRecord } from '../domain/host-record.ts'
import type { AuditLog, DecisionState, Draft, JoinToken, Repository } from '../ports.ts'
import { type Refusal, refused } from '../report-answer.ts'

/** What an enrolment is checked by and written to. */
export interface EnrolDeps {
  readonly repository: Repository
  readonly log: AuditLog
  readonly enrolUrl: string
  readonly now: () => Date
}

/** What the host that asked is told. */
export type EnrolmentAnswer =
  | { readonly kind: 'enrolled'; readonly receipt: EnrolmentReceipt }
  | Refusal

/**
 * Enrols the key of an untrusted enrolment JWS for the host that its token was made for. A token
 * enrols one key, once; the same key asking again (its answer was lost) gets the same proof.
 * @throws ReprefixError JWS_MALFORMED, KEY_INVALID or JWS_SIGNATURE: nothing was changed
 */
export async function acceptEnrolment(text: string, deps: EnrolDeps): Promise<EnrolmentAnswer> {
  const jws = parseEnrolmentJws(text)
  if (jws.url !== deps.enrolUrl) {
    return refused('URL_MISMATCH', `signed for another cloud; this one is ${deps.enrolUrl}`)
  }
  const token = await deps.repository.token(jws.tokenId)
  if (token === undefined) return refused('TOKEN_INVALID', 'this cloud gave out no such token')
  const key = await verifyEnrolmentJws(jws, token.macKey)
  let answer: Refusal | { readonly kind: 'at'; readonly index: number } | undefined
  await deps.log.append(async (index, state) => {
    const judged = await judge(token.id, key, state, deps)
    answer = judged.kind === 'enrol' ? { kind: 'at', index } : judged
    return judged.kind === 'enrol'
      ? draftFor(judged.host, judged.token, key, text, index, deps)
      : null
  })
  if (answer === undefined) throw new ReprefixError('INTERNAL', 'the log called for no entry')
  return answer.kind === 'refused' ? answer : receiptFor(answer.index, deps)
}

type Judged =
  | { readonly kind: 'enrol'; readonly host: HostRecord; readonly token: JoinToken }
  | { readonly kind: 'at'; readonly index: number }
  | Refusal

async function judge(
  id: string,
  key: VerificationKey,
  state: DecisionState,
  deps: EnrolDeps,
): Promise<Judged> {
  const token = await state.token(id)
  if (token === undefined) return refused('TOKEN_INVALID', 'this cloud gave out no such token')
  if (token.used?.kid === key.kid) return { kind: 'at', index: token.used.index }
  if (token.used !== undefined) {
    return refused('TOKEN_USED', 'this join string was used by another key; make a new one')
  }
  if (Date.parse(token.expiresAt) <= deps.now().getTime()) {
    return refused(
      'TOKEN_EXPIRED',
      `this join string expired at ${token.expiresAt}; make a new one`,
    )
  }
  const host = await state.host(token.host)
  if (host?.status !== 'invited' || host.invitation !== id) {
    return refused('TOKEN_INVALID', `this join string for ${token.host} is void; make a new one`)
  }
  if ((await state.hostOfKey(key.kid)) !== undefined) {
    return refused('KEY_INVALID', 'this key has been enrolled before; make a new key')
  }
  return { kind: 'enrol', host, token }
}

function draftFor(
  { invitation: _, ...host }: HostRecord,
  token: JoinToken,
  { kid, jwk }: VerificationKey,
  text: string,
  index: number,
  deps: EnrolDeps,
): Draft {
  const at = deps.now().toISOString()
  const enrolled: HostRecord = {
    ...host,
    status: 'active',
    key: { kid, jwk, lastSeq: 0, enrolledAt: at },
  }
  return {
    entry: { v: 1, kind: 'enroll', at, host: host.name, kid, jws: text, token: token.id },
    writes: [
      { kind: 'use-token', id: token.id, used: { kid, index } },
      { kind: 'put-key', kid, host: host.name },
      { kind: 'update-host', host: enrolled },
    ],
  }
}

async function receiptFor(index: number, deps: EnrolDeps): Promise<EnrolmentAnswer> {
  const receipt = await deps.log.receipt(index, 0)
  const entry = parseEntry(receipt.entry)
  const isEnrolment = (e: typeof entry): e is EntryOf<'enroll'> => e.kind === 'enroll'
  const host = isEnrolment(entry) ? await deps.repository.host(entry.host) : undefined
  if (host === undefined) {
    throw new ReprefixError('INTERNAL', `entry ${index} of the log is not of a known enrolment`)
  }
  const { names, types, prefixes } = host.policy
  return {
    kind: 'enrolled',
    receipt: { ...receipt, result: { host: host.name, names, types, prefixes } },
  }
}
