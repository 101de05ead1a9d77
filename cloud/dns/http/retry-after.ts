/** The longest wait that is believed: services name dates years ahead by mistake. */
const MAX_WAIT_MS = 7 * 86_400_000
/** Above this, a number in a reset header is a time since 1970 and not a wait. */
const FIRST_EPOCH_SECONDS = 1e9

/** How services call the headers that count what is left. */
const SPELLINGS = ['ratelimit', 'x-ratelimit', 'x-rate-limit']

/** How long an answer asks to wait, in ms; undefined when it does not say (RFC 9110 §10.2.3). */
export function readRetryAfter(headers: Headers, now: Date): number | undefined {
  return parseRetryAfter(headers.get('retry-after'), now)
}

/**
 * How long to wait before the next request because an answer says that none is left: the
 * `ratelimit-remaining` family of headers, or `Ratelimit: "name";r=0;t=30`. For services whose
 * reset time is when requests are taken again.
 */
export function readExhaustion(headers: Headers, now: Date): number | undefined {
  const structured = headers.get('ratelimit')
  if (structured !== null) {
    const empty = /(?:^|;)\s*r=0\s*(?:;|,|$)/.test(structured)
    const seconds = /;\s*t=(\d{1,9})/.exec(structured)?.[1]
    return empty && seconds !== undefined ? bounded(Number(seconds) * 1000) : undefined
  }
  const spelling = SPELLINGS.find((prefix) => headers.has(`${prefix}-remaining`))
  if (spelling === undefined || headers.get(`${spelling}-remaining`)?.trim() !== '0') {
    return undefined
  }
  return parseReset(headers.get(`${spelling}-reset`), now)
}

function parseRetryAfter(text: string | null, now: Date): number | undefined {
  if (text === null) return undefined
  if (/^\s*\d{1,12}(?:\.\d+)?\s*$/.test(text)) return bounded(Number(text) * 1000)
  const at = Date.parse(text)
  // Date.parse takes nearly anything with a number in it; a date has the name of a month.
  return Number.isNaN(at) || !/[a-z]{3}/i.test(text) ? undefined : bounded(at - now.getTime())
}

function parseReset(text: string | null, now: Date): number | undefined {
  if (text === null || !/^\s*\d{1,12}\s*$/.test(text)) return undefined
  const seconds = Number(text)
  return bounded(seconds < FIRST_EPOCH_SECONDS ? seconds * 1000 : seconds * 1000 - now.getTime())
}

function bounded(ms: number): number {
  return Math.min(Math.max(Math.ceil(ms), 0), MAX_WAIT_MS)
}
