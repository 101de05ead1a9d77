import type { ProblemFacts } from '../shared/problem.ts'
import type { Receipt } from '../shared/receipt.ts'
import type { HostRecord } from './domain/host-record.ts'

/** What the agent is told. */
export type ReportAnswer =
  | { readonly kind: 'receipt'; readonly receipt: Receipt }
  /** Logged; DNS is not finished. The same bytes again get the outcome. */
  | { readonly kind: 'pending'; readonly retryAfterSeconds: number }
  | Refusal

/** Nothing was changed by the report, except that a denial is in the log. */
export interface Refusal {
  readonly kind: 'refused'
  /** Stable; see shared/errors.ts. */
  readonly code: string
  readonly detail: string
  /** Members of the problem document that a program acts on. */
  readonly facts?: ProblemFacts
}

/** The refusal with this stable code. */
export function refused(code: string, detail: string, facts?: ProblemFacts): Refusal {
  return { kind: 'refused', code, detail, ...(facts === undefined ? {} : { facts }) }
}

/** The refusal of a key that was a host's; which host is told only to who has signed with that key. */
export function keyRevoked(kid: string, host = 'any host'): Refusal {
  return refused('KEY_REVOKED', `the key ${kid} no longer speaks for ${host}`)
}

/** The refusal of one more report than the host's policy permits. */
export function rateLimited({ name, policy }: HostRecord, retryAfterMs: number): Refusal {
  const retryAfterSeconds = Math.ceil(retryAfterMs / 1000)
  const detail =
    `${name} has sent its ${policy.reportsPerHour} reports an hour; ` +
    `the next one is accepted in ${retryAfterSeconds} s`
  return refused('RATE_LIMITED', detail, { retryAfterSeconds })
}
