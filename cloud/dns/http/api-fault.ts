import * as v from 'valibot'
import { quote } from '../../../shared/errors.ts'
import { ProviderError, type ProviderErrorKind } from '../../domain/dns-provider.ts'
import type { Redactor } from './redaction.ts'

/** What a service says in the body of an answer that reports an error. */
export interface Complaint {
  /** The service's own code, looked up in `kinds`. */
  readonly code?: string
  /** The service's own words; untrusted, and they may echo a credential. */
  readonly message?: string
  /** The status that says the same, of services that answer 200 whatever happened. */
  readonly status?: number
  /** The kind, where the body tells it in another way than by its code. */
  readonly kind?: ProviderErrorKind
  /** How long it asks to wait, where it does so in the body or in its documentation. */
  readonly waitMs?: number
}

/** How one service reports errors, where it differs from what status codes mean everywhere. */
export interface FaultRules {
  /** How messages name the service. */
  readonly service: string
  /** The complaint in a parsed body, undefined when it holds none. Asked for every status. */
  readonly complaint?: (body: unknown) => Complaint | undefined
  /** What the service's codes mean. */
  readonly kinds?: Readonly<Record<string, ProviderErrorKind>>
  /** What status codes mean here, where that is unusual. */
  readonly statuses?: Readonly<Record<number, ProviderErrorKind>>
  /** What the operator shall do, where there is more to say than usual. */
  readonly remedies?: Readonly<Partial<Record<ProviderErrorKind, string>>>
}

/** Finds the complaint in bodies of one form; all others hold none. */
export function complaintIn<T>(
  form: v.GenericSchema<unknown, T>,
  pick: (said: T) => Complaint | undefined,
): (body: unknown) => Complaint | undefined {
  return (body) => {
    const { success, output } = v.safeParse(form, body)
    return success ? pick(output) : undefined
  }
}

/** What was asked for: a read changes nothing, and a write may have taken effect. */
export interface Purpose {
  readonly intent: 'read' | 'write'
  /** The object in words: `zone example.org`, `www.example.org AAAA`. */
  readonly what: string
}

/** A longer wait than this is a quota that is used up, not a pace that is too fast. */
const QUOTA_WAIT_MS = 3_600_000
/** When a service that wants fewer requests does not say when. */
const DEFAULT_WAIT_MS = 30_000

const REMEDIES: Readonly<Record<ProviderErrorKind, string>> = {
  auth: 'check the credential of this provider in cloud.yaml',
  forbidden: 'give the credential the right to read and edit this zone',
  'zone-not-found': 'add the zone there, or use the credential of the account that holds it',
  invalid: 'the service does not take this record, see what it says',
  conflict: 'the records changed meanwhile and are read again',
  'rate-limited': 'fewer requests are sent for a while',
  quota: 'it takes no more for now; ask it for a higher limit if this comes often',
  transient: 'it is tried again, look at the status page of the service if this lasts',
  partial: 'a part has been written, the rest is tried with the next report',
  protocol: 'the service answers in a form that is not known; look for a newer version of reprefix',
}

const STATUS_KINDS: Readonly<Record<number, ProviderErrorKind>> = {
  400: 'invalid',
  401: 'auth',
  402: 'forbidden',
  403: 'forbidden',
  408: 'transient',
  409: 'conflict',
  412: 'conflict',
  422: 'invalid',
  423: 'conflict',
  425: 'transient',
  429: 'rate-limited',
}

/**
 * What a status means. A record that is missing when it is written was there when it was read, so
 * that is a conflict; whatever else is asked for under a zone is missing together with the zone.
 */
export function kindOfStatus(status: number, intent: Purpose['intent']): ProviderErrorKind {
  if (status === 404 || status === 410) return intent === 'read' ? 'zone-not-found' : 'conflict'
  return STATUS_KINDS[status] ?? (status >= 500 ? 'transient' : 'protocol')
}

/** The fault that an answer reports; undefined when it reports none. */
export function faultOfAnswer(
  rules: FaultRules,
  redactor: Redactor,
  purpose: Purpose,
  answer: { readonly status: number; readonly body: unknown; readonly waitMs: number | undefined },
): ProviderError | undefined {
  const complaint = answer.body === undefined ? undefined : rules.complaint?.(answer.body)
  const isSuccess = answer.status >= 200 && answer.status < 300
  if (isSuccess && complaint === undefined) return undefined
  const status = complaint?.status ?? answer.status
  const kind =
    complaint?.kind ??
    kindOfCode(rules, complaint?.code) ??
    rules.statuses?.[status] ??
    kindOfStatus(status, purpose.intent)
  const says = [
    ...(complaint?.code === undefined ? [] : [`code ${redactor.redact(complaint.code)}`]),
    ...(complaint?.message === undefined ? [] : [quote(redactor.redact(complaint.message))]),
  ]
  const detail = says.length === 0 ? '' : ` (${says.join(': ')})`
  return apiFault(rules, redactor, purpose, kind, `answered ${answer.status}${detail}`, {
    ...(kind === 'rate-limited' || kind === 'quota'
      ? { retryAfterMs: answer.waitMs ?? complaint?.waitMs ?? DEFAULT_WAIT_MS }
      : {}),
  })
}

/** Codes come from outside, so only own keys count: `constructor` is no code. */
function kindOfCode({ kinds = {} }: FaultRules, code = ''): ProviderErrorKind | undefined {
  return Object.hasOwn(kinds, code) ? kinds[code] : undefined
}

/** A fault in words: what failed, what the service did, what to do next. Holds no credential. */
export function apiFault(
  rules: FaultRules,
  redactor: Redactor,
  { intent, what }: Purpose,
  kind: ProviderErrorKind,
  did: string,
  options: { readonly retryAfterMs?: number; readonly cause?: unknown } = {},
): ProviderError {
  const verb = intent === 'read' ? 'failed to read' : 'could not confirm the change of'
  const isLongWait = kind === 'rate-limited' && (options.retryAfterMs ?? 0) > QUOTA_WAIT_MS
  const settled = isLongWait ? 'quota' : kind
  const remedy = rules.remedies?.[settled] ?? REMEDIES[settled]
  const message = redactor.redact(`${verb} ${what}: ${rules.service} ${did}; ${remedy}`)
  return new ProviderError(settled, message, {
    ...(options.retryAfterMs === undefined ? {} : { retryAfterMs: options.retryAfterMs }),
    ...(options.cause === undefined ? {} : { cause: redactedCause(options.cause, redactor) }),
  })
}

/** A copy of what was thrown, as text only: the original may carry the URL and the headers. */
function redactedCause(cause: unknown, redactor: Redactor): Error {
  return new Error(redactor.redact(describeCause(cause)))
}

/** The messages of an error and of its causes, on one line. */
export function describeCause(thrown: unknown, depth = 0): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const code = 'code' in thrown && typeof thrown.code === 'string' ? ` (${thrown.code})` : ''
  const own = `${thrown.message}${code}`
  return thrown.cause === undefined || depth >= 4
    ? own
    : `${own}: ${describeCause(thrown.cause, depth + 1)}`
}
