import { Resolver } from 'node:dns/promises'
import { canonicalValues, type Fqdn } from '../../shared/rrset.ts'
import { ProviderError } from '../domain/dns-provider.ts'
import { describeCause } from './http/api-fault.ts'
import { zoneCandidates } from './record-names.ts'

/** The canonical addresses of one family that DNS has for a name; none when there is no such name. */
export type AddressLookup = (name: Fqdn, type: 'A' | 'AAAA') => Promise<readonly string[]>

/** Finds out whom to ask about names in a zone. @throws ProviderError transient */
export type OpenLookup = (zone: Fqdn) => Promise<AddressLookup>

/** The part of Node's resolver that is used. */
export interface AddressResolver {
  resolve4(name: string): Promise<string[]>
  resolve6(name: string): Promise<string[]>
  resolveNs(name: string): Promise<string[]>
}

/** Asks these servers, or those of the system when none are named. */
export type ResolverFor = (servers?: readonly string[]) => AddressResolver

/** A report waits for its answer, and a server that is there answers in a tenth of this. */
const TIMEOUT_MS = 2000
/** What DNS says when it knows that there is nothing. */
const ABSENT = new Set(['ENODATA', 'ENOTFOUND'])

/**
 * Asks the name servers of the zone themselves, because caches show what was there before for as
 * long as its TTL, and that nothing was there for longer. Where those servers cannot be reached, a
 * network without a way out for DNS say, the system's resolver has to do.
 */
export function createAuthoritativeLookup(resolverFor: ResolverFor = nodeResolver): OpenLookup {
  return async (zone) => {
    const system = resolverFor()
    const servers = await serversOf(system, zone).catch((error: unknown) => {
      throw unanswered(`the name servers of ${zone}`, error)
    })
    const resolvers = servers.length === 0 ? [system] : [resolverFor(servers), system]
    return async (name, type) => {
      let last: unknown
      for (const resolver of resolvers) {
        const answer = type === 'A' ? resolver.resolve4(name) : resolver.resolve6(name)
        try {
          return canonicalValues(type, await noneIfAbsent(answer))
        } catch (error) {
          last = error
        }
      }
      throw unanswered(`${name} ${type}`, last)
    }
  }
}

/**
 * Addresses of the name servers of the zone or, where it is only a name in one, of that one. Never
 * those of a top-level domain: they know none of its names, which would look like nothing is there.
 */
async function serversOf(system: AddressResolver, zone: Fqdn): Promise<readonly string[]> {
  for (const candidate of zoneCandidates(zone)) {
    const names = await noneIfAbsent(system.resolveNs(candidate))
    if (names.length === 0) continue
    const addresses = await Promise.all(
      names.flatMap((name) => [system.resolve4(name), system.resolve6(name)].map(noneIfFailed)),
    )
    return addresses.flat()
  }
  return []
}

async function noneIfAbsent(answer: Promise<string[]>): Promise<readonly string[]> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Error && 'code' in error && ABSENT.has(String(error.code))) return []
    throw error
  }
}

/** A server that is not found is one server less to ask. */
async function noneIfFailed(answer: Promise<string[]>): Promise<readonly string[]> {
  return await answer.catch(() => [])
}

function unanswered(what: string, cause: unknown): ProviderError {
  const why = describeCause(cause)
  return new ProviderError('transient', `failed to read ${what}: DNS does not answer (${why})`, {
    cause,
  })
}

/** Node's resolver, asking these servers or those of the system. */
export function nodeResolver(servers?: readonly string[]): AddressResolver {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  return resolver
}
