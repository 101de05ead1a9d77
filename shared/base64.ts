import { ReprefixError } from './errors.ts'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const BASE64URL = /^[A-Za-z0-9_-]*$/
/** Keeps the argument list of String.fromCharCode below every engine's limit. */
const CHUNK = 8192

/** Standard Base 64 with padding (RFC 4648 §4). */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let start = 0; start < bytes.length; start += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(start, start + CHUNK))
  }
  return btoa(binary)
}

/**
 * Reads standard Base 64; accepts only what `encodeBase64` writes, so that one byte string has one
 * text (RFC 4648 §3.5: padding present, its unused bits zero, no white space).
 * @throws ReprefixError BASE64_INVALID
 */
export function decodeBase64(text: string): Uint8Array {
  if (BASE64.test(text)) {
    const bytes = toBytes(atob(text))
    if (encodeBase64(lastGroup(bytes)) === text.slice(-4)) return bytes
  }
  throw new ReprefixError(
    'BASE64_INVALID',
    'the text is not canonical Base 64: expected A-Z a-z 0-9 + / with "=" padding and nothing else',
  )
}

/** Base 64 with the URL-safe alphabet and no padding (RFC 4648 §5). */
export function encodeBase64url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/**
 * Reads base64url; accepts only what `encodeBase64url` writes.
 * @throws ReprefixError BASE64_INVALID
 */
export function decodeBase64url(text: string): Uint8Array {
  if (BASE64URL.test(text) && text.length % 4 !== 1) {
    const padding = '='.repeat((4 - (text.length % 4)) % 4)
    const standard = text.replaceAll('-', '+').replaceAll('_', '/')
    const bytes = toBytes(atob(standard + padding))
    const last = encodeBase64(lastGroup(bytes))
    if (last === (standard + padding).slice(-4)) return bytes
  }
  throw new ReprefixError(
    'BASE64_INVALID',
    'the text is not canonical base64url: expected A-Z a-z 0-9 - _ without padding and nothing else',
  )
}

function toBytes(binary: string): Uint8Array {
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

/** The bytes of the last four characters: the only ones that can be spelled in more than one way. */
function lastGroup(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(Math.floor(Math.max(0, bytes.length - 1) / 3) * 3)
}
