import * as v from 'valibot'
import { encodeBase64 } from '../../shared/base64.ts'
import { parseVkey } from '../../shared/checkpoint.ts'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import type { JoinString } from '../../shared/join.ts'
import { generateSigningKey, importSigningKey, signEnrolment } from '../../shared/jws.ts'
import { type Enrolment as Granted, verifyEnrolmentReceipt } from '../../shared/receipt.ts'
import type { Enrolment } from './enrolment-file.ts'
import type { HttpAnswer, HttpPost } from './http-client.ts'
import type { ReportingState } from './reporting-state.ts'

/** What enrolling needs of the world. */
export interface EnrolParts {
  /** A key from an attempt whose answer was lost; the same key may ask again. */
  readonly pendingKey: unknown
  /** Stores the private key before the token is spent on it. */
  readonly keepKey: (jwk: unknown) => Promise<void>
  readonly now: () => number
  readonly timeoutMs?: number
  readonly post: HttpPost
}

/** A completed enrolment. */
export interface Enrolled {
  readonly enrolment: Enrolment
  readonly reporting: ReportingState
  /** What the cloud lets this host claim. */
  readonly granted: Granted
  /** Index of the log entry that proves it. */
  readonly entry: number
}

const TIMEOUT_MS = 15_000
const problemSchema = v.object({
  code: v.optional(v.string(), 'unknown'),
  detail: v.optional(v.string(), 'no reason given'),
})

/**
 * Enrols this host: makes its key, posts it under the join string's token, and verifies against the
 * log's public key that the enrolment is in the log before anything is believed.
 * @throws ReprefixError CLOUD_UNREACHABLE, ENROLMENT_REFUSED or RECEIPT_INVALID
 */
export async function enrol(join: JoinString, parts: EnrolParts): Promise<Enrolled> {
  const verifier = await parseVkey(join.vkey)
  const jwk = parts.pendingKey ?? (await generateSigningKey()).jwk
  const key = await importSigningKey(jwk)
  await parts.keepKey(jwk)
  const jws = await signEnrolment(join, key, Math.floor(parts.now() / 1000))
  const receipt = await post(join, jws, parts)
  const verified = await verifyEnrolmentReceipt(receipt, { verifiers: [verifier], kid: key.kid })
  const { size, root } = verified.checkpoint
  return {
    enrolment: { url: join.url, vkey: join.vkey, host: verified.result.host, key: jwk },
    reporting: {
      sequence: 0,
      settled: 0,
      witness: { size, root: encodeBase64(root) },
      claim: null,
      refused: null,
    },
    granted: verified.result,
    entry: verified.index,
  }
}

async function post(join: JoinString, jws: string, parts: EnrolParts): Promise<unknown> {
  const url = `${join.url}/v1/enroll`
  let answer: HttpAnswer
  try {
    answer = await parts.post(url, jws, AbortSignal.timeout(parts.timeoutMs ?? TIMEOUT_MS))
  } catch (cause) {
    throw new ReprefixError(
      'CLOUD_UNREACHABLE',
      `could not confirm the enrolment at ${url}: ${messageOf(cause)}; run the same command again`,
      { cause },
    )
  }
  const body = parseJson(answer.text)
  const isGranted = answer.status >= 200 && answer.status < 300
  if (isGranted && body !== undefined) return body
  if (isGranted) {
    throw new ReprefixError(
      'CLOUD_UNREACHABLE',
      `${url} answered, but not as a reprefix cloud does: check the URL and the proxy in front of it`,
    )
  }
  const problem = v.safeParse(problemSchema, body)
  const { code, detail } = problem.success
    ? problem.output
    : { code: 'unknown', detail: `HTTP ${answer.status}` }
  throw new ReprefixError('ENROLMENT_REFUSED', `${url} refused to enrol (${code}): ${detail}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
