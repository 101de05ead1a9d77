import { encodeBase64 } from '../../../shared/base64.ts'

/** Keeps secrets out of text that people or logs will see. */
export interface Redactor {
  /** Hides one more secret from now on, such as an access token that was just fetched. */
  add(secret: string): void
  /** The text without any known secret, in whichever spelling a URL, JSON or a header gives it. */
  redact(text: string): string
}

const MASK = '[redacted]'

/**
 * Hides secrets whatever their case. Services echo what they refuse, so this runs over the text of
 * others before it becomes part of a message; shorter secrets than the settings permit would blank
 * out ordinary words.
 */
export function createRedactor(secrets: readonly string[]): Redactor {
  const known = new Set<string>()
  let pattern: RegExp | undefined

  function add(secret: string): void {
    if (secret === '') return
    for (const spelling of spellingsOf(secret)) known.add(spelling)
    // The longest first: one secret may be the beginning of another.
    const longestFirst = [...known].sort((a, b) => b.length - a.length)
    pattern = new RegExp(longestFirst.map(escapePattern).join('|'), 'gi')
  }

  for (const secret of secrets) add(secret)
  return {
    add,
    redact: (text) => (pattern === undefined ? text : text.replace(pattern, MASK)),
  }
}

function spellingsOf(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams([['', secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
    encodeBase64(new TextEncoder().encode(secret)),
  ]
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
