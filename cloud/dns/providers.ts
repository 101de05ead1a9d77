import { setTimeout as sleep } from 'node:timers/promises'
import type { DnsProvider } from '../domain/dns-provider.ts'
import { createAuthoritativeLookup } from './address-lookup.ts'
import { buildProviders } from './build-providers.ts'
import { createBudgetKeeper } from './http/request-budget.ts'
import type { ProviderSettings } from './provider-settings.ts'
import type { ProviderDependencies } from './provider-type.ts'
import { PROVIDER_TYPES } from './provider-types.ts'
import { createTcpDialer } from './tcp-dialer.ts'

/**
 * Builds the providers of cloud.yaml on Node, of any kind, by the name that zones refer to. Opens no
 * connection. Dependencies that are left out are those of Node.
 */
export function createProviders(
  settings: Readonly<Record<string, ProviderSettings>>,
  given: Pick<ProviderDependencies, 'now'> & Partial<ProviderDependencies>,
): ReadonlyMap<string, DnsProvider> {
  const pause = given.sleep ?? ((ms: number) => sleep(ms))
  return buildProviders(settings, PROVIDER_TYPES, {
    dial: createTcpDialer(),
    lookup: createAuthoritativeLookup(),
    fetch: (url, init) => fetch(url, init),
    sleep: pause,
    random: Math.random,
    deadline: (ms) => AbortSignal.timeout(ms),
    budgets: createBudgetKeeper({ now: given.now, sleep: pause }),
    ...given,
  })
}
