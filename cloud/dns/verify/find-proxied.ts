import { messageOf } from '../../../shared/errors.ts'
import type { Logger } from '../../../shared/logger.ts'
import { type Fqdn, sameValues } from '../../../shared/rrset.ts'
import type { DnsProvider } from '../../domain/dns-provider.ts'
import type { Wanted } from './verify-rrsets.ts'

/** Which of these RRsets of a zone are served with addresses of a provider in place of their own. */
export type FindProxied = (zone: Fqdn, wanted: readonly Wanted[]) => Promise<ReadonlySet<Wanted>>

/**
 * Asks the providers of the zone that can do so, and those alone. An RRset counts only while the
 * provider holds the very values that are wanted behind its own: otherwise somebody else has written
 * it. Where a provider cannot be read, nothing is known to be proxied, and the log says why.
 */
export function createProxyFinder(
  providers: ReadonlyMap<Fqdn, readonly DnsProvider[]>,
  logger: Logger,
): FindProxied {
  return async (zone, wanted) => {
    const found = new Set<Wanted>()
    if (wanted.length === 0) return found
    for (const provider of providers.get(zone) ?? []) {
      if (provider.caps.proxies !== true) continue
      try {
        const sets = await provider.read(await provider.findZone(zone), wanted)
        for (const [position, one] of wanted.entries()) {
          const set = sets[position]
          if (set?.isProxied === true && sameValues(set.values, one.values ?? [])) found.add(one)
        }
      } catch (error) {
        logger.warn({ event: 'dns-check', zone, provider: provider.id }, messageOf(error))
      }
    }
    return found
  }
}
