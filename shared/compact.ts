import * as v from 'valibot'
import { decodeBase64url } from './base64.ts'
import { ReprefixError } from './errors.ts'
import { describeIssues } from './issue.ts'
import { MAX_REPORT_BYTES } from './report.ts'

/** A compact JWS whose form was checked; its signature was not. */
export interface CompactJws<Header> {
  readonly text: string
  readonly header: Header
  readonly payload: Uint8Array
}

/** Three parts of base64url (RFC 7515 §3.1). */
export const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * The check that runs before a JWS library sees untrusted text, because the library is permissive:
 * three parts of canonical base64url, a signature of the expected length, and a header that is
 * exactly what the schema lists (so no `crit`, `b64`, `jku`, `x5*`), spelled in the one way that
 * JSON.stringify writes it, which refuses duplicate members and white space.
 * @throws ReprefixError JWS_MALFORMED
 */
export function parseCompact<S extends v.GenericSchema>(
  text: string,
  schema: S,
  signatureBytes: number,
): CompactJws<v.InferOutput<S>> {
  if (text.length > MAX_REPORT_BYTES) throw malformed(`it is longer than ${MAX_REPORT_BYTES} bytes`)
  if (!COMPACT.test(text)) throw malformed('it is not three parts of base64url joined by dots')
  const [head = '', body = '', tail = ''] = text.split('.')
  const signature = decode(tail, 'signature')
  if (signature.length !== signatureBytes) {
    throw malformed(`its signature has ${signature.length} bytes instead of ${signatureBytes}`)
  }
  const result = v.safeParse(schema, parseStrictJson(decode(head, 'header')))
  if (!result.success) throw malformed(`its header: ${describeIssues(result.issues)}`)
  return { text, header: result.output, payload: decode(body, 'payload') }
}

/**
 * Decodes JSON that has one reading only: valid UTF-8, no duplicate member, no white space.
 * @throws ReprefixError JWS_MALFORMED
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    if (JSON.stringify(value) === text) return value
  } catch (cause) {
    throw malformed('it holds text that is not JSON in UTF-8', cause)
  }
  throw malformed('it holds JSON with a duplicate member, white space or an unusual spelling')
}

function decode(part: string, name: string): Uint8Array {
  try {
    return decodeBase64url(part)
  } catch (cause) {
    throw malformed(`its ${name} is not canonical base64url`, cause)
  }
}

function malformed(reason: string, cause?: unknown): ReprefixError {
  return new ReprefixError('JWS_MALFORMED', `malformed JWS: ${reason}`, { cause })
}
