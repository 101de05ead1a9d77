import type { DnsProvider } from '../domain/dns-provider.ts'
import type { DnsDialer } from './dns-transport.ts'
import type { ProviderSettings } from './provider-settings.ts'
import { createRfc2136Provider } from './rfc2136.ts'
import { createTcpDialer } from './tcp-dialer.ts'

/** What providers need from outside; `dial` replaces TCP of Node on other runtimes. */
export interface ProviderDependencies {
  readonly now: () => Date
  readonly dial?: DnsDialer
}

/** Builds the providers of cloud.yaml, by the name that zones refer to. Opens no connection. */
export function createProviders(
  settings: Readonly<Record<string, ProviderSettings>>,
  { now, dial = createTcpDialer() }: ProviderDependencies,
): ReadonlyMap<string, DnsProvider> {
  return new Map(
    Object.entries(settings).map(([id, entry]) => [
      id,
      createRfc2136Provider(id, entry, { now, dial }),
    ]),
  )
}
