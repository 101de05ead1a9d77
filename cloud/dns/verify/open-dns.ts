import type { Fqdn } from '../../../shared/rrset.ts'
import type { AuthoritativeDns, NameServer } from './authoritative-dns.ts'

/** What the settings say about whom to ask. */
export interface DnsSettings {
  readonly dnsOverHttps: readonly string[]
  readonly zones: readonly {
    readonly name: Fqdn
    readonly nameServers?: readonly NameServer[]
  }[]
}

/** Opens what asks the zones' own servers; `known` are those that the settings name, by zone. */
export type OpenAuthoritative = (
  known: ReadonlyMap<Fqdn, readonly NameServer[]>,
) => Promise<AuthoritativeDns>

/**
 * Asks the zones' own servers, or the resolvers that the settings name instead. What asks is loaded when
 * it is needed for the first time: reports are answered without it.
 */
export function openDns(
  { dnsOverHttps, zones }: DnsSettings,
  openAuthoritative: OpenAuthoritative,
): AuthoritativeDns {
  let opened: AuthoritativeDns | undefined
  async function open(): Promise<AuthoritativeDns> {
    if (dnsOverHttps.length > 0) {
      const { createDohDns } = await import('./doh-dns.ts')
      return createDohDns(dnsOverHttps, {
        fetch: (url, init) => fetch(url, init),
        deadline: (ms) => AbortSignal.timeout(ms),
      })
    }
    return openAuthoritative(
      new Map(
        zones.flatMap(({ name, nameServers }) =>
          nameServers ? [[name, nameServers] as const] : [],
        ),
      ),
    )
  }
  async function dns(): Promise<AuthoritativeDns> {
    opened ??= await open()
    return opened
  }
  return {
    nameServers: async (zone) => (await dns()).nameServers(zone),
    ask: async (server, key) => (await dns()).ask(server, key),
  }
}
