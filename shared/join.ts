import * as v from 'valibot'
import { decodeBase64url, encodeBase64url } from './base64.ts'
import { messageOf, quote, ReprefixError } from './errors.ts'
import { describeIssues } from './issue.ts'
import { parsedBy } from './schema.ts'

/** What an operator hands to a new host: where the cloud is, the key of its log, and a one-time token. */
export interface JoinString {
  /** Public URL of the cloud, without a trailing slash. */
  readonly url: string
  /** Verifier key of the audit log (C2SP signed-note). */
  readonly vkey: string
  /** Identifier of the token; not secret. */
  readonly token: string
  /** 128 bits or more, known to the operator and the host only. */
  readonly secret: Uint8Array
}

const MARK = 'rpj1-'
const MIN_SECRET_BYTES = 16
const VKEY = /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/
/** What the signed header of a report may hold, the path of the endpoint included. */
const MAX_URL_LENGTH = 2000
const TOKEN = /^[\w-]{1,64}$/

const joinSchema = v.strictTuple([
  parsedBy(parseCloudUrl),
  v.pipe(v.string(), v.regex(VKEY, 'is not the key of a log')),
  v.pipe(v.string(), v.regex(TOKEN, 'is not the identifier of a token')),
  parsedBy(decodeBase64url),
])

/**
 * Reads the public URL of a cloud and removes a trailing slash.
 * Refuses credentials, queries and fragments: the text is compared verbatim with signed headers.
 * @throws ReprefixError URL_INVALID
 */
export function parseCloudUrl(text: string): string {
  // Headers hold no longer one, and what takes away the slashes takes time for many.
  const url = text.length <= MAX_URL_LENGTH && URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (url === undefined || !isWeb || url.username || url.password || url.search || url.hash) {
    throw new ReprefixError(
      'URL_INVALID',
      `${quote(text)} is not the URL of a cloud: expected a form like https://reprefix.example.org`,
    )
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

/** The join string as one word that a shell takes unquoted. It holds the secret: show it once. */
export function renderJoin(join: JoinString): string {
  const members = [join.url, join.vkey, join.token, encodeBase64url(join.secret)]
  return MARK + encodeBase64url(new TextEncoder().encode(JSON.stringify(members)))
}

/**
 * Reads a join string. No part of the text appears in the error, as it holds a secret.
 * @throws ReprefixError JOIN_INVALID
 */
export function parseJoin(text: string): JoinString {
  const word = text.trim()
  if (!word.startsWith(MARK)) throw invalid(`it does not begin with ${MARK}`)
  const result = v.safeParse(joinSchema, decode(word.slice(MARK.length)))
  if (!result.success) throw invalid(describeIssues(result.issues))
  const [url, vkey, token, secret] = result.output
  if (secret.length < MIN_SECRET_BYTES) throw invalid('its secret is too short')
  return { url, vkey, token, secret }
}

function decode(text: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(decodeBase64url(text)))
  } catch (error) {
    // The parser's message could quote the secret, so only the kind of fault is told.
    throw invalid(error instanceof ReprefixError ? messageOf(error) : 'it is cut off or altered')
  }
}

function invalid(reason: string): ReprefixError {
  return new ReprefixError(
    'JOIN_INVALID',
    `this is not a join string: ${reason}. Copy the whole word that "reprefix host add" printed`,
  )
}
