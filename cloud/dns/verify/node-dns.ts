import { Resolver, resolve4, resolve6, resolveNs } from 'node:dns/promises'
import { isIP } from 'node:net'
import { messageOf, ReprefixError } from '../../../shared/errors.ts'
import { canonicalValues, type Fqdn, type RRKey } from '../../../shared/rrset.ts'
import type { Served } from '../../domain/served-state.ts'
import type { ServerAddress } from '../rfc2136-settings.ts'
import type { AuthoritativeDns, NameServer } from './authoritative-dns.ts'

/** One try; the resolver makes two at each address, the second one longer. */
const TIMEOUT_MS = 1500
const TRIES = 2
const ABSENT_CODES = ['ENODATA', 'ENOTFOUND']
const REASONS: Readonly<Record<string, string>> = {
  ETIMEOUT: 'no answer',
  ECONNREFUSED: 'nothing listens there',
  EREFUSED: 'refuses to answer',
  ESERVFAIL: 'failed to answer',
  ENOTIMP: 'does not answer this kind of question',
  EBADRESP: 'sent an answer that cannot be read',
}

/**
 * Node's own resolver (c-ares): UDP, and TCP for long answers. `known` are the name servers of zones where
 * the settings name them.
 */
export function createNodeDns(
  known: ReadonlyMap<Fqdn, readonly NameServer[]> = new Map(),
): AuthoritativeDns {
  return {
    async nameServers(zone) {
      const given = known.get(zone)
      if (given !== undefined) return given
      const names = await resolveNs(zone).catch((cause: unknown) => {
        const remedy = 'give them as "nameServers" of this zone in cloud.yaml'
        throw new ReprefixError(
          'DNS_LOOKUP',
          `failed to find the name servers of ${zone}: ${codeOf(cause)}; ${remedy}`,
          { cause },
        )
      })
      return Promise.all(names.sort().map(async (name) => ({ name, addresses: await find(name) })))
    },
    ask,
  }
}

async function ask({ addresses }: NameServer, key: RRKey): Promise<Served> {
  // A new one each time: what it has learnt about slow servers must not colour the next look.
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  try {
    const literal = await Promise.all(addresses.map(literals))
    if (literal.flat().length === 0) return { kind: 'unknown', reason: 'its name has no address' }
    resolver.setServers(literal.flat())
    return readValues(key, await lookUp(resolver, key))
  } catch (error) {
    const code = codeOf(error)
    if (ABSENT_CODES.includes(code)) return { kind: 'absent' }
    return { kind: 'unknown', reason: REASONS[code] ?? code }
  }
}

/** An answer may hold what no provider of ours would take, and is then only other than wanted. */
function readValues({ type }: RRKey, values: readonly string[]): Served {
  return { kind: 'rrset', values: canonicalValues(type, values) }
}

async function lookUp(resolver: Resolver, { name, type }: RRKey): Promise<readonly string[]> {
  switch (type) {
    case 'A':
      return resolver.resolve4(name)
    case 'AAAA':
      return resolver.resolve6(name)
    case 'TXT':
      // The resolver gives each byte as one character.
      return (await resolver.resolveTxt(name)).map((parts) =>
        Buffer.from(parts.join(''), 'latin1').toString('utf8'),
      )
  }
}

/** The addresses of a server's name; none when it has none. */
async function find(name: string): Promise<readonly ServerAddress[]> {
  const found = await Promise.allSettled([resolve6(name), resolve4(name)])
  const hosts = found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  return hosts.map((host) => ({ host, port: 53 }))
}

/** As `setServers` takes them. */
async function literals({ host, port }: ServerAddress): Promise<readonly string[]> {
  if (isIP(host) === 6) return [`[${host}]:${port}`]
  if (isIP(host) === 4) return [`${host}:${port}`]
  const found = await find(host)
  return (await Promise.all(found.map((one) => literals({ ...one, port })))).flat()
}

function codeOf(error: unknown): string {
  const hasCode = error instanceof Error && 'code' in error && typeof error.code === 'string'
  return hasCode ? String(error.code) : messageOf(error)
}
