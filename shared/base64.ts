import { ReprefixError } from './errors.ts'

/** Standard Base 64 with padding (RFC 4648 §4). */
export function encodeBase64(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('base64')
}

/**
 * Reads standard Base 64; accepts only what `encodeBase64` writes, so that one byte string has one
 * text (RFC 4648 §3.5: padding present, its unused bits zero, no white space).
 * @throws ReprefixError BASE64_INVALID
 */
export function decodeBase64(text: string): Uint8Array {
  const buffer = Buffer.from(text, 'base64')
  // It leaves out what is not of the alphabet, and takes that of base64url too.
  if (buffer.toString('base64') === text) return new Uint8Array(buffer)
  throw new ReprefixError(
    'BASE64_INVALID',
    'the text is not canonical Base 64: expected A-Z a-z 0-9 + / with "=" padding and nothing else',
  )
}

/** Base 64 with the URL-safe alphabet and no padding (RFC 4648 §5). */
export function encodeBase64url(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('base64url')
}

/**
 * Reads base64url; accepts only what `encodeBase64url` writes.
 * @throws ReprefixError BASE64_INVALID
 */
export function decodeBase64url(text: string): Uint8Array {
  const buffer = Buffer.from(text, 'base64url')
  if (buffer.toString('base64url') === text) return new Uint8Array(buffer)
  throw new ReprefixError(
    'BASE64_INVALID',
    'the text is not canonical base64url: expected A-Z a-z 0-9 - _ without padding and nothing else',
  )
}

/** The same bytes. Every runtime of the cloud has `Buffer`, Workers by `nodejs_compat`. */
function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}
