import type { JsonSchema } from '@valibot/to-json-schema'
import { COMPACT } from '../../shared/compact.ts'
import { MAX_REPORT_BYTES } from '../../shared/report.ts'
import { HOST_NAME, TIMESTAMP } from '../../shared/schema.ts'

/**
 * Strings that a parser checks, which no JSON Schema can be made from: what a reader has to know of their form.
 * Patterns are looser than the parsers, never stricter.
 */
export const VALUE_FORMS = {
  Address: {
    description: 'IPv6 in RFC 5952 text, or IPv4 in dotted decimal.',
    examples: ['2001:db8:1::1', '192.0.2.7'],
  },
  Digest: {
    description:
      'SHA-256 as base64url without padding: a digest, or the thumbprint of a key (RFC 7638).',
    pattern: '^[A-Za-z0-9_-]{43}$',
  },
  DomainName: {
    description:
      'Lower case, no trailing dot; the first label may be `*`; other letters as `xn--`.',
    maxLength: 253,
    examples: ['www.example.org', '*.home.example.org'],
  },
  Hash: {
    description: 'SHA-256 in Base 64.',
    pattern: '^[A-Za-z0-9+/]{43}=$',
  },
  HostName: {
    description: 'The name of a host in the fleet.',
    pattern: HOST_NAME.source,
    examples: ['home'],
  },
  Prefix: {
    description: 'Address and length, in RFC 5952 text, with no bit set beyond the length.',
    examples: ['2001:db8:1::/64'],
  },
  Timestamp: {
    description: 'RFC 3339 in UTC, with `Z`.',
    format: 'date-time',
    pattern: TIMESTAMP.source,
    examples: ['2026-01-31T12:00:00Z'],
  },
} satisfies Readonly<Record<string, JsonSchema>>

/** The name of one of these strings. */
export type ValueName = keyof typeof VALUE_FORMS

/** A compact JWS. What is inside is signed, so it is described beside the string, not in its place. */
function jws(description: string, header: string, payload: string): JsonSchema {
  const inside = { header: reference(header), payload: reference(payload) }
  return {
    ...{ type: 'string', maxLength: MAX_REPORT_BYTES, pattern: COMPACT.source, description },
    'x-jws': inside,
  } as JsonSchema
}

/** Texts whose inside is JSON of its own, or is specified elsewhere. */
export const TEXT_SCHEMAS = {
  ReportJws: jws('A report, signed by the key of its host.', 'ReportHeader', 'Report'),
  EnrolmentJws: jws(
    'Asks to enrol a key, signed by that key. Its payload is the text of a JWS by the token.',
    'EnrolmentHeader',
    'TokenJws',
  ),
  TokenJws: jws(
    'The HMAC of the token over the key, as RFC 8555 §7.3.4 binds external accounts.',
    'TokenHeader',
    'PublicJwk',
  ),
  RotationJws: jws(
    'Replaces the key of a host, signed by the present key. Its payload is the text of a JWS by the successor.',
    'RotationHeader',
    'SuccessorJws',
  ),
  SuccessorJws: jws('Signed by the successor.', 'SuccessorHeader', 'Succession'),
  Checkpoint: {
    type: 'string',
    description: 'C2SP tlog-checkpoint: a note signed with the key of the log.',
  },
  LogProof: {
    type: 'string',
    description: 'C2SP tlog-proof: the place of an entry, its path, and a checkpoint.',
    pattern: '^c2sp\\.org/tlog-proof@v1\\n',
  },
  ExportLines: {
    type: 'string',
    description: 'An `ExportedEntry` a line.',
    'x-line': reference('ExportedEntry'),
  } as JsonSchema,
} satisfies Readonly<Record<string, JsonSchema>>

/** The name of one of these texts. */
export type TextName = keyof typeof TEXT_SCHEMAS

/** A reference to a component. */
export function reference(name: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${name}` }
}
