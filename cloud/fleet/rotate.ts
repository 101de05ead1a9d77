import { type EntryOf, parseEntry } from '../../shared/entry.ts'
import { ReprefixError } from '../../shared/errors.ts'
import { importVerificationKey, type VerificationKey } from '../../shared/jws.ts'
import type { RotationReceipt } from '../../shared/receipt.ts'
import { parseRotationJws, type RotationJws, verifyRotationJws } from '../../shared/rotation.ts'
import { type HostKey, type HostRecord, heldKey } from '../domain/host-record.ts'
import { decideRate } from '../domain/rate-limit.ts'
import type { AuditLog, DecisionState, Draft, NonceIssuer, Repository } from '../ports.ts'
import { refuseLate } from '../refuse-late.ts'
import { keyRevoked, type Refusal, rateLimited, refused } from '../report-answer.ts'

/** What a rotation is checked by and written to. */
export interface RotateDeps {
  readonly repository: Repository
  readonly log: AuditLog
  readonly rotateUrl: string
  readonly nonces: NonceIssuer
  readonly now: () => Date
}

/** What the host that asked is told. */
export type RotationAnswer =
  | { readonly kind: 'rotated'; readonly receipt: RotationReceipt }
  | Refusal

type ActiveHost = HostRecord & { readonly key: HostKey }
type Judged =
  | { readonly kind: 'rotate'; readonly host: ActiveHost; readonly busyUntilMs: number }
  | { readonly kind: 'at'; readonly index: number }
  | Refusal

/**
 * Replaces a host's key by the successor that an untrusted rotation names. Both keys have signed it, the
 * present one last; from the entry on, only the successor speaks for the host. The same two keys again (the
 * answer was lost) get the same proof; a rotation of a key that was replaced meanwhile is refused, so
 * that an old one never brings an old key back.
 * @throws ReprefixError JWS_MALFORMED, KEY_INVALID or JWS_SIGNATURE: nothing was changed
 */
export async function acceptRotation(text: string, deps: RotateDeps): Promise<RotationAnswer> {
  const jws = parseRotationJws(text)
  const { kid, url } = jws.outer.header
  if (url !== deps.rotateUrl) {
    return refused('URL_MISMATCH', `signed for another cloud; this one is ${deps.rotateUrl}`)
  }
  const found = await deps.repository.hostOfKey(kid)
  if (found === undefined) {
    return refused('KEY_UNKNOWN', `no host is enrolled with the key ${kid}`)
  }
  const signedBy = heldKey(found, kid)
  if (signedBy === undefined) return keyRevoked(kid)
  const successor = await verifyRotationJws(jws, await importVerificationKey(signedBy.jwk))
  if (jws.succession.host !== found.name) {
    return refused('HOST_MISMATCH', `the key ${kid} speaks for ${found.name}, not another host`)
  }
  if (found.status !== 'active') return keyRevoked(kid, found.name)
  const late =
    found.key?.kid === kid
      ? await refuseLate(jws.outer.header, deps.nonces, deps.now().getTime())
      : undefined
  if (late !== undefined) return late
  let answer: Refusal | { readonly kind: 'at'; readonly index: number } | undefined
  await deps.log.append(async (index, state) => {
    const judged = await judge(kid, successor, state, deps)
    answer = judged.kind === 'rotate' ? { kind: 'at', index } : judged
    return judged.kind === 'rotate' ? draftFor(judged, successor, jws, index, deps) : null
  })
  if (answer === undefined) throw new ReprefixError('INTERNAL', 'the log called for no entry')
  return answer.kind === 'refused' ? answer : receiptFor(answer.index, jws, deps)
}

async function judge(
  kid: string,
  successor: VerificationKey,
  state: DecisionState,
  deps: RotateDeps,
): Promise<Judged> {
  const host = await state.hostOfKey(kid)
  if (host === undefined || host.status !== 'active') return keyRevoked(kid, host?.name)
  const { key } = host
  const predecessor = key?.predecessor
  if (key?.kid === successor.kid && predecessor?.kid === kid) {
    return { kind: 'at', index: predecessor.index }
  }
  if (key?.kid !== kid) return keyRevoked(kid, host.name)
  if ((await state.hostOfKey(successor.kid)) !== undefined) {
    return refused('KEY_INVALID', 'the successor has been enrolled before; make a new key')
  }
  const nowMs = deps.now().getTime()
  const rate = decideRate(key.busyUntilMs ?? 0, host.policy.reportsPerHour, nowMs)
  if (rate.kind === 'limited') return rateLimited(host, rate.retryAfterMs)
  return { kind: 'rotate', host: { ...host, key }, busyUntilMs: rate.busyUntilMs }
}

function draftFor(
  { host, busyUntilMs }: Extract<Judged, { kind: 'rotate' }>,
  { kid, jwk }: VerificationKey,
  { text }: RotationJws,
  index: number,
  deps: RotateDeps,
): Draft {
  const at = deps.now().toISOString()
  const { key } = host
  const next: HostKey = {
    kid,
    jwk,
    // What the present key may not send again, its successor may not either.
    lastSeq: key.lastSeq,
    busyUntilMs,
    enrolledAt: at,
    predecessor: { kid: key.kid, jwk: key.jwk, index },
  }
  return {
    entry: { v: 1, kind: 'rotate', at, host: host.name, kid: key.kid, successor: kid, jws: text },
    writes: [
      { kind: 'put-key', kid, host: host.name },
      { kind: 'update-host', host: { ...host, key: next } },
    ],
  }
}

async function receiptFor(
  index: number,
  { succession }: RotationJws,
  deps: RotateDeps,
): Promise<RotationAnswer> {
  const receipt = await deps.log.receipt(index, succession.log.size)
  const entry = parseEntry(receipt.entry)
  const isRotation = (e: typeof entry): e is EntryOf<'rotate'> => e.kind === 'rotate'
  if (!isRotation(entry)) {
    throw new ReprefixError('INTERNAL', `entry ${index} of the log is not a rotation`)
  }
  const { host, successor } = entry
  return { kind: 'rotated', receipt: { ...receipt, result: { host, kid: successor } } }
}
