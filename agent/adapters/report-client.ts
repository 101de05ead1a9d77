import * as v from 'valibot'
import { messageOf } from '../../shared/errors.ts'
import { problemFacts } from '../../shared/problem.ts'
import { pendingSchema } from '../../shared/receipt.ts'
import type { HttpAnswer, HttpPost } from './http-client.ts'

/** What the cloud made of a posted report. Only `receipt` ends the matter well. */
export type Verdict =
  | { readonly kind: 'receipt'; readonly receipt: unknown }
  /** Logged, DNS still in work: the same bytes again after this long. */
  | { readonly kind: 'pending'; readonly retryMs: number }
  /** This host's clock is off: sign again with the nonce. */
  | { readonly kind: 'use-nonce'; readonly nonce: string }
  /** The cloud has seen a higher sequence number from this key. */
  | { readonly kind: 'sequence'; readonly current: number | null; readonly detail: string }
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly code: string
      readonly detail: string
    }
  /** Nothing is known of the report's fate: the same bytes again, later. */
  | { readonly kind: 'unavailable'; readonly reason: string; readonly retryMs: number | null }

/** How long to wait for an answer, and on whose behalf. */
export interface PostOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  readonly post: HttpPost
}

const DEFAULT_PENDING_MS = 1000

/** Proxies answer too, and with less. */
const ProblemSchema = v.object({
  ...problemFacts,
  code: v.optional(v.string(), 'unknown'),
  detail: v.optional(v.string()),
  title: v.optional(v.string()),
})

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Milliseconds a Retry-After header asks for (RFC 9110 §10.2.3, seconds form), `null` without one. */
function retryAfterMs({ retryAfter }: HttpAnswer): number | null {
  return retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : null
}

/** Judges an answer of `POST /v1/reports`. Untrusted: a receipt still has to be verified. */
export function parseVerdict(response: HttpAnswer): Verdict {
  const body = parseJson(response.text)
  if (response.status === 200) {
    return body === undefined
      ? { kind: 'unavailable', reason: 'an answer that is not JSON', retryMs: null }
      : { kind: 'receipt', receipt: body }
  }
  if (response.status === 202) {
    const pending = v.safeParse(pendingSchema, body)
    const seconds = pending.success ? pending.output.retryAfterSeconds : undefined
    return {
      kind: 'pending',
      retryMs:
        retryAfterMs(response) ?? (seconds === undefined ? DEFAULT_PENDING_MS : seconds * 1000),
    }
  }
  const parsed = v.safeParse(ProblemSchema, body)
  const problem = parsed.success ? parsed.output : { code: 'unknown' }
  const reason = problem.detail ?? problem.title
  const status = `HTTP ${response.status}`
  const detail = reason ?? status
  if (response.status === 401 && problem.nonce !== undefined) {
    return { kind: 'use-nonce', nonce: problem.nonce }
  }
  if (response.status === 409) return { kind: 'sequence', current: problem.seq ?? null, detail }
  const isFinal = response.status >= 400 && response.status < 500 && response.status !== 429
  // A 404 or 405 comes from a proxy or a wrong URL, not from the cloud's judgement of the report.
  if (isFinal && ![404, 405, 408].includes(response.status)) {
    return { kind: 'refused', status: response.status, code: problem.code, detail }
  }
  return {
    kind: 'unavailable',
    reason: reason === undefined ? status : `${status}, ${reason}`,
    retryMs: retryAfterMs(response),
  }
}

/**
 * Posts one signed report and judges the answer. Never throws: a lost answer or an unreachable cloud
 * is `unavailable`, after which posting the same bytes again is safe.
 */
export async function postReport(
  cloudUrl: string,
  jws: string,
  options: PostOptions,
): Promise<Verdict> {
  const timeout = AbortSignal.timeout(options.timeoutMs)
  try {
    const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout
    return parseVerdict(await options.post(reportsUrl(cloudUrl), jws, signal))
  } catch (cause) {
    return { kind: 'unavailable', reason: messageOf(cause), retryMs: null }
  }
}

/** Where reports are posted; also the `url` that their signatures cover. */
export function reportsUrl(cloudUrl: string): string {
  return `${cloudUrl.replace(/\/+$/, '')}/v1/reports`
}

/** What an operator does about a refusal; the agent by itself tries again every quarter of an hour. */
export function remedyFor(code: string): string {
  return /^KEY_|^HOST_/.test(code)
    ? 'enrol again with a new join string: reprefix-agent enroll --force JOIN'
    : 'correct what this host claims, or its policy (reprefix host policy), then: systemctl reload reprefix-agent'
}
