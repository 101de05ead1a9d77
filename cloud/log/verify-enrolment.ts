import { decodeBase64url } from '../../shared/base64.ts'
import type { EnrolmentJws, VerificationKey } from '../../shared/jws.ts'

/**
 * Verifies that the key itself signed the enrolment (RFC 7515 §5.2). The token's MAC cannot be
 * checked from the log: its key is the one thing that an auditor must not need.
 */
export async function verifyEnrolmentSignature(
  { text }: EnrolmentJws,
  { key }: VerificationKey,
): Promise<boolean> {
  const dot = text.lastIndexOf('.')
  const signature = decodeBase64url(text.slice(dot + 1))
  return crypto.subtle.verify(
    'Ed25519',
    key,
    signature,
    new TextEncoder().encode(text.slice(0, dot)),
  )
}
