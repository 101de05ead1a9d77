import type { ProviderErrorKind } from '../../domain/dns-provider.ts'
import type { Complaint } from '../http/api-fault.ts'

/** First words of answers that mean that the addresses are as they were sent. */
const SUCCESS = /^(?:good|nochg|ok|addresses)\b/i

/** https://help.dyn.com/remote-access-api/return-codes/, and what others have added. */
const KINDS = new Map<string, readonly [ProviderErrorKind, string]>(
  Object.entries({
    badauth: ['auth', 'user name and password do not fit'],
    ko: ['auth', 'the token does not fit, or the name is not of this account'],
    '!donator': ['forbidden', 'this account may not do that without paying'],
    '!yours': ['forbidden', 'the host belongs to another account'],
    '!active': ['forbidden', 'the host is not active'],
    abuse: ['forbidden', 'the host is blocked until its owner unblocks it on the web site'],
    nohost: ['invalid', 'add the host on the web site first: it cannot be made from here'],
    notfqdn: ['invalid', 'the host is no full name'],
    numhost: ['invalid', 'too many hosts'],
    badagent: ['protocol', 'the service refuses this program'],
    badsys: ['protocol', 'the service does not know this kind of update'],
    dnserr: ['rate-limited', 'the service has a fault'],
    '911': ['rate-limited', 'the service has a fault'],
    interval: ['rate-limited', 'the last update was too short a time ago'],
  }),
)
/** What the specification asks to wait after 911; whoever asks sooner is blocked. */
const WAIT_MS = 30 * 60_000

/**
 * What an answer complains about. Its status is 200 mostly, whatever happened: the first word of the
 * body tells.
 */
export function complaintOfText(body: unknown): Complaint | undefined {
  const text = typeof body === 'string' ? body.trim() : ''
  // How Dyn says that it ignores a program that does not keep to its rules.
  if (/^good\s+127\.0\.0\.1\b/i.test(text)) return { kind: 'protocol', message: text }
  if (SUCCESS.test(text)) return undefined
  const [, word = ''] = /^\s*(\S*)/.exec(text) ?? []
  const [kind, meaning] = KINDS.get(word.toLowerCase()) ?? []
  if (kind === undefined) return { message: text }
  return {
    code: word,
    kind,
    message: meaning ?? text,
    ...(kind === 'rate-limited' ? { waitMs: WAIT_MS } : {}),
  }
}
