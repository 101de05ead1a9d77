import { statusOf } from '../../cloud/problem.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { ProblemFacts } from '../../shared/problem.ts'
import { type HeaderName, renderHeaders } from './headers.ts'
import type { Operation } from './operation.ts'
import { reference } from './value-schemas.ts'

/** What any request can meet. */
const UNIVERSAL: readonly ErrorCode[] = ['INTERNAL', 'NOT_READY']
/** What a request for the operator's eyes is refused with. */
const OPERATORS: readonly ErrorCode[] = ['UNAUTHORIZED']
/** What a body is refused with before anybody looks into it. */
const OF_A_BODY: readonly ErrorCode[] = ['REQUEST_INVALID', 'BODY_TOO_LARGE', 'CONTENT_TYPE']
/** What reading the store can come to. */
export const READING: readonly ErrorCode[] = ['STORE_BUSY', 'STORE_FAILED']
/** What writing to the log can come to: nothing was changed. */
export const WRITING: readonly ErrorCode[] = [
  ...READING,
  'STORE_FULL',
  'STORE_LIMIT',
  'LOG_CONTENDED',
  'LOG_ALTERED',
]
/** What the policy of a host denies a report with; it is in the log then. */
export const DENIALS: readonly ErrorCode[] = [
  'POLICY_PREFIX',
  'POLICY_NAME',
  'POLICY_TYPE',
  'POLICY_VALUE',
  'POLICY_DELETIONS',
  'NAME_OUTSIDE_ZONES',
  'NAME_OWNED',
  'SOURCE_MISMATCH',
]

/** The fact that a problem of these codes always has. */
const FACTS: readonly (readonly [keyof ProblemFacts, readonly ErrorCode[]])[] = [
  ['nonce', ['USE_NONCE']],
  ['seq', ['SEQUENCE_STALE', 'SEQUENCE_REUSED', 'SEQUENCE_TOO_FAR']],
  ['index', DENIALS],
  ['retryAfterSeconds', ['RATE_LIMITED']],
]

/** All codes of an operation by their status, rising. */
export function codesByStatus(operation: Operation): ReadonlyMap<number, readonly ErrorCode[]> {
  const codes = new Set([
    ...(operation.codes ?? []),
    ...(operation.isOperators ? OPERATORS : []),
    ...(operation.body ? OF_A_BODY : []),
    ...UNIVERSAL,
  ])
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of [...codes].toSorted()) {
    const status = statusOf(code)
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return new Map([...byStatus].toSorted(([a], [b]) => a - b))
}

/** The Response Objects of an operation's problems, by status. */
export function renderProblems(operation: Operation): Readonly<Record<string, unknown>> {
  const problems = [...codesByStatus(operation)].map(([status, codes]) => [
    status,
    renderProblem(status, codes, operation),
  ])
  return Object.fromEntries(problems)
}

function renderProblem(status: number, codes: readonly ErrorCode[], { isOperators }: Operation) {
  const isLater = status === 429 || status === 503
  const headers: readonly HeaderName[] = [
    'X-Request-Id',
    ...(isLater ? (['Retry-After'] as const) : []),
    ...(status === 401 && isOperators ? (['WWW-Authenticate'] as const) : []),
  ]
  const schema = {
    ...reference('Problem'),
    properties: { status: { const: status }, code: { enum: codes } },
    ...requiredFacts(codes),
  }
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    headers: renderHeaders(headers),
    content: { 'application/problem+json': { schema } },
  }
}

/** Which facts are there: always, where all of the codes have one, or by the code. */
function requiredFacts(codes: readonly ErrorCode[]): object {
  const rules = FACTS.flatMap(([fact, having]) => {
    const concerned = codes.filter((code) => having.includes(code))
    return concerned.length === 0 ? [] : [{ fact, concerned }]
  })
  const [first] = rules
  if (first === undefined) return {}
  if (first.concerned.length === codes.length) return { required: [first.fact] }
  return {
    allOf: rules.map(({ fact, concerned }) => ({
      if: { properties: { code: { enum: concerned } } },
      // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema.
      then: { required: [fact] },
    })),
  }
}
