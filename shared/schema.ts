import * as v from 'valibot'
import { decodeBase64, decodeBase64url } from './base64.ts'
import { messageOf, quote, ReprefixError } from './errors.ts'
import { parsePrefix } from './ipv6.ts'
import { canonicalValues, parseName } from './rrset.ts'

/** A host's name in the fleet. */
export const HOST_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** RFC 3339 in UTC; which days there are is checked besides. */
export const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/
const HASH_BYTES = 32

/**
 * Reads a host's name in the fleet, one DNS label: 1 to 63 lower-case letters, digits and inner hyphens.
 * @throws ReprefixError HOST_NAME_INVALID
 */
export function parseHostName(text: string): string {
  if (HOST_NAME.test(text)) return text
  throw new ReprefixError(
    'HOST_NAME_INVALID',
    `${quote(text)} is not a host name: use 1 to 63 lower-case letters, digits and inner hyphens`,
  )
}

/** A string that `parse` accepts in any of its forms; the output is the parsed value. */
export function parsedBy<T>(parse: (text: string) => T) {
  return v.pipe(
    v.string(),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value)
      } catch (error) {
        addIssue({ message: messageOf(error) })
        return NEVER
      }
    }),
  )
}

/** A string that is exactly what `parse` gives back: signed bytes have one spelling only. */
export function canonicalBy<T extends string>(parse: (text: string) => T) {
  return parsedBy((text) => {
    const parsed = parse(text)
    if (parsed === text) return parsed
    throw new ReprefixError('VALUE_INVALID', `${quote(text)} must be written ${quote(parsed)}`)
  })
}

/** A whole number from 0 that JavaScript holds exactly. */
export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
/** RFC 3339 in UTC, with `Z`. */
export const timestampSchema = canonicalBy(parseTimestamp)
/** A canonical prefix. */
export const prefixSchema = canonicalBy(parsePrefix)
/** A canonical domain name. */
export const nameSchema = canonicalBy(parseName)
/** The record types that reprefix reads and writes. */
export const rrTypeSchema = v.picklist(['A', 'AAAA', 'TXT'])
/** A host's name. */
export const hostSchema = canonicalBy(parseHostName)
/** A SHA-256 hash in Base 64. */
export const hashSchema = canonicalBy((text) => sized(text, decodeBase64(text)))
/** A SHA-256 hash in base64url: a digest, or a key's thumbprint (RFC 7638). */
export const digestSchema = canonicalBy((text) => sized(text, decodeBase64url(text)))
/** A canonical IPv4 or IPv6 address. */
export const addressValueSchema = canonicalBy((text) => firstOf(text, text.includes(':')))

/** What a schema gives, for those who only read it or write it out. */
export type ReadonlyOutput<S extends v.GenericSchema> = DeepReadonly<v.InferOutput<S>>

type DeepReadonly<T> = T extends string | number | boolean | null | undefined
  ? T
  : { readonly [K in keyof T]: DeepReadonly<T[K]> }

function firstOf(text: string, isIPv6: boolean): string {
  return canonicalValues(isIPv6 ? 'AAAA' : 'A', [text])[0] ?? text
}

function sized(text: string, bytes: Uint8Array): string {
  if (bytes.length === HASH_BYTES) return text
  throw new ReprefixError('BASE64_INVALID', `expected ${HASH_BYTES} bytes, found ${bytes.length}`)
}

function parseTimestamp(text: string): string {
  if (TIMESTAMP.test(text) && isOfCalendar(text)) return text
  throw new ReprefixError(
    'VALUE_INVALID',
    `${quote(text)} is not a time: expected RFC 3339 in UTC like 2026-01-31T12:00:00Z`,
  )
}

/** Date.parse takes 30 February for 2 March and 24:00 for the next day (RFC 3339 §5.7 has neither). */
function isOfCalendar(text: string): boolean {
  const ms = Date.parse(text)
  return !Number.isNaN(ms) && new Date(ms).toISOString().slice(0, 19) === text.slice(0, 19)
}
