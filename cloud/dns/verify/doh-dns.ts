import { encodeBase64url } from '../../../shared/base64.ts'
import { messageOf } from '../../../shared/errors.ts'
import type { Served } from '../../domain/served-state.ts'
import { decodeMessage, encodeQuery, rcodeOf, TYPE } from '../dns-message.ts'
import { readAnswer } from '../rfc2136-records.ts'
import { RCODE } from '../rfc2136-session.ts'
import type { AuthoritativeDns } from './authoritative-dns.ts'

/** What asking over HTTPS needs from outside. */
export interface DohDependencies {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** A signal that fires after so many milliseconds. */
  readonly deadline: (ms: number) => AbortSignal
}

const TIMEOUT_MS = 5000
/** The largest DNS message. */
const MAX_BYTES = 65_535
const RECURSION_DESIRED = 1

/**
 * Asks resolvers over HTTPS (RFC 8484) in place of the zone's own servers, for where port 53 cannot be
 * reached. They answer from caches, so a change shows up to the old TTL late: their names say `eventual`.
 */
export function createDohDns(
  resolvers: readonly string[],
  { fetch, deadline }: DohDependencies,
): AuthoritativeDns {
  const servers = resolvers.map((url) => ({ url, name: `${new URL(url).host} (eventual)` }))
  return {
    nameServers: async () => servers.map(({ name }) => ({ name, addresses: [] })),
    async ask({ name }, key): Promise<Served> {
      const server = servers.find((one) => one.name === name)
      if (server === undefined) return { kind: 'unknown', reason: 'is no resolver of the settings' }
      // The same question has the same bytes, so that HTTP caches can serve it (RFC 8484 §4.1).
      const query = encodeQuery(0, key.name, TYPE[key.type])
      query[2] = RECURSION_DESIRED
      const url = new URL(server.url)
      url.searchParams.set('dns', encodeBase64url(query))
      try {
        const response = await fetch(url.href, {
          headers: { accept: 'application/dns-message' },
          redirect: 'manual',
          signal: deadline(TIMEOUT_MS),
        })
        if (response.status !== 200) {
          return { kind: 'unknown', reason: `answered with HTTP status ${response.status}` }
        }
        const bytes = new Uint8Array(await response.arrayBuffer())
        if (bytes.length > MAX_BYTES) return { kind: 'unknown', reason: 'sent more than a message' }
        const rcode = rcodeOf(bytes)
        if (rcode === RCODE.NXDOMAIN) return { kind: 'absent' }
        if (rcode !== RCODE.NOERROR) return { kind: 'unknown', reason: `response code ${rcode}` }
        const { set } = readAnswer(decodeMessage(bytes), key)
        return set === null ? { kind: 'absent' } : { kind: 'rrset', values: set.values }
      } catch (error) {
        return { kind: 'unknown', reason: messageOf(error) }
      }
    },
  }
}
