import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ProblemFacts } from '../shared/problem.ts'

/** HTTP status of each code the cloud answers with; anything else is a fault of its own, 500. */
const STATUS: Readonly<Record<string, ContentfulStatusCode>> = {
  JWS_MALFORMED: 400,
  REPORT_INVALID: 400,
  REQUEST_INVALID: 400,
  KEY_INVALID: 400,
  NAME_INVALID: 400,
  JWS_SIGNATURE: 401,
  KEY_UNKNOWN: 401,
  KEY_REVOKED: 401,
  USE_NONCE: 401,
  UNAUTHORIZED: 401,
  TOKEN_INVALID: 401,
  HOST_MISMATCH: 403,
  URL_MISMATCH: 403,
  POLICY_PREFIX: 403,
  POLICY_NAME: 403,
  POLICY_TYPE: 403,
  POLICY_VALUE: 403,
  POLICY_DELETIONS: 403,
  NAME_OUTSIDE_ZONES: 403,
  NAME_OWNED: 403,
  SOURCE_MISMATCH: 403,
  TOKEN_EXPIRED: 403,
  TOKEN_USED: 403,
  NOT_FOUND: 404,
  HOST_UNKNOWN: 404,
  SEQUENCE_STALE: 409,
  SEQUENCE_REUSED: 409,
  SEQUENCE_TOO_FAR: 409,
  HOST_EXISTS: 409,
  BODY_TOO_LARGE: 413,
  STORE_LIMIT: 413,
  CONTENT_TYPE: 415,
  RATE_LIMITED: 429,
  DNS_LOOKUP: 502,
  STORE_BUSY: 503,
  STORE_FULL: 503,
  STORE_FAILED: 503,
  LOG_CONTENDED: 503,
  LOG_ALTERED: 503,
  NOT_READY: 503,
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  401: 'Not authenticated',
  403: 'Not permitted',
  404: 'Not found',
  409: 'Conflict with an earlier request',
  413: 'The request is too large',
  415: 'Wrong content type',
  429: 'Too many requests',
  500: 'A fault of the cloud',
  502: 'Another server did not answer',
  503: 'Could not log the request',
}

/** A problem document; see `problemSchema`. */
export interface Problem extends ProblemFacts {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: ContentfulStatusCode
  readonly code: string
  readonly detail: string
}

/** The problem document of a code. */
export function problemOf(code: string, detail: string, facts: ProblemFacts = {}): Problem {
  const status = statusOf(code)
  const title = code === 'NOT_READY' ? 'Not ready' : (TITLES[status] ?? 'A fault of the cloud')
  return { ...facts, type: 'about:blank', title, status, code, detail }
}

/** The HTTP status that a code is answered with. */
export function statusOf(code: string): ContentfulStatusCode {
  return STATUS[code] ?? 500
}

/** Every code that the cloud answers with on purpose. */
export const ANSWERED_CODES: readonly string[] = Object.keys(STATUS)

/** Whether a code is an answer to the client, as opposed to a fault that only the log should tell. */
export function isAnswer(code: string): boolean {
  return code in STATUS
}
