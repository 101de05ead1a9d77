import * as v from 'valibot'
import { decodeBase64, encodeBase64 } from '../../shared/base64.ts'
import type { NoteVerifier } from '../../shared/checkpoint.ts'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import type { SigningKey } from '../../shared/jws.ts'
import { problemFacts } from '../../shared/problem.ts'
import { verifyRotationReceipt } from '../../shared/receipt.ts'
import { signRotation } from '../../shared/rotation.ts'
import type { HttpPost } from './http-client.ts'
import type { ReportingState } from './reporting-state.ts'

type Witness = ReportingState['witness']

/** What a rotation needs of the world. */
export interface RotationParts {
  /** Base URL of the cloud. */
  readonly url: string
  readonly host: string
  readonly verifiers: readonly NoteVerifier[]
  readonly post: HttpPost
  readonly now: () => number
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 15_000
const problemSchema = v.object({
  code: v.optional(v.string(), 'unknown'),
  detail: v.optional(v.string(), 'no reason given'),
  nonce: problemFacts.nonce,
})

/**
 * Has the cloud replace `key` by `successor`, and verifies that this is in its log. Asking again after a lost
 * answer is safe: the same two keys get the same proof.
 * @throws ReprefixError CLOUD_UNREACHABLE when it is not known what became of it, ROTATION_REFUSED when the
 * present key stays, RECEIPT_INVALID
 */
export async function rotateKey(
  key: SigningKey,
  successor: SigningKey,
  witness: Witness,
  parts: RotationParts,
): Promise<{ readonly witness: Witness; readonly entry: number }> {
  const { host, verifiers } = parts
  const url = `${parts.url}/v1/rotate`
  const sign = (nonce?: string): Promise<string> => {
    const header = { url, iat: Math.floor(parts.now() / 1000) }
    const keys = { key, successor }
    return signRotation({ host, log: witness }, keys, nonce ? { ...header, nonce } : header)
  }
  let answer = await post(url, await sign(), parts)
  // A clock that is off needs a nonce, once.
  if (answer.nonce !== undefined) answer = await post(url, await sign(answer.nonce), parts)
  if (answer.receipt === undefined) {
    throw new ReprefixError(
      'ROTATION_REFUSED',
      `${url} refused to replace the key (${answer.code}): ${answer.detail}; the present key stays`,
    )
  }
  const proven = await verifyRotationReceipt(answer.receipt, {
    verifiers,
    witness: { size: witness.size, root: decodeBase64(witness.root) },
    host,
    kid: key.kid,
    successor: successor.kid,
  })
  const { size, root } = proven.checkpoint
  return { witness: { size, root: encodeBase64(root) }, entry: proven.index }
}

interface Answer {
  readonly receipt?: unknown
  readonly code: string
  readonly detail: string
  readonly nonce?: string | undefined
}

async function post(url: string, jws: string, parts: RotationParts): Promise<Answer> {
  const unconfirmed = (reason: string, cause?: unknown): ReprefixError =>
    new ReprefixError(
      'CLOUD_UNREACHABLE',
      `could not confirm the new key at ${url}: ${reason}; it is asked again with the same key`,
      { cause },
    )
  let status: number
  let body: unknown
  try {
    const answer = await parts.post(url, jws, AbortSignal.timeout(parts.timeoutMs ?? TIMEOUT_MS))
    status = answer.status
    body = JSON.parse(answer.text)
  } catch (cause) {
    throw unconfirmed(messageOf(cause), cause)
  }
  if (status === 200) return { receipt: body, code: 'none', detail: 'none' }
  const problem = v.safeParse(problemSchema, body)
  if (!problem.success || status >= 500 || status === 429) throw unconfirmed(`HTTP ${status}`)
  return problem.output
}
