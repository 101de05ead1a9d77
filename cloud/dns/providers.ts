import { setTimeout as sleep } from 'node:timers/promises'
import type * as v from 'valibot'
import type { DnsProvider } from '../domain/dns-provider.ts'
import { createAuthoritativeLookup } from './address-lookup.ts'
import { createBudgetKeeper } from './http/request-budget.ts'
import type { ProviderSettings } from './provider-settings.ts'
import type { ProviderDependencies } from './provider-type.ts'
import { PROVIDER_TYPES } from './provider-types.ts'
import { createTcpDialer } from './tcp-dialer.ts'

type Types = typeof PROVIDER_TYPES
type SettingsOf = { readonly [T in keyof Types]: v.InferOutput<Types[T]['settings']> }
type Factories = {
  readonly [T in keyof SettingsOf]: {
    create(id: string, settings: SettingsOf[T], dependencies: ProviderDependencies): DnsProvider
  }
}

const FACTORIES: Factories = PROVIDER_TYPES

/**
 * Builds the providers of cloud.yaml, by the name that zones refer to. Opens no connection.
 * Dependencies that are left out are those of Node; other runtimes bring their own.
 */
export function createProviders(
  settings: Readonly<Record<string, ProviderSettings>>,
  given: Pick<ProviderDependencies, 'now'> & Partial<ProviderDependencies>,
): ReadonlyMap<string, DnsProvider> {
  const pause = given.sleep ?? ((ms: number) => sleep(ms))
  const dependencies: ProviderDependencies = {
    dial: createTcpDialer(),
    lookup: createAuthoritativeLookup(),
    fetch: (url, init) => fetch(url, init),
    sleep: pause,
    random: Math.random,
    deadline: (ms) => AbortSignal.timeout(ms),
    budgets: createBudgetKeeper({ now: given.now, sleep: pause }),
    ...given,
  }
  return new Map(
    Object.entries(settings).map(([id, entry]) => [id, build(entry.type, id, entry, dependencies)]),
  )
}

function build<T extends keyof Factories>(
  type: T,
  id: string,
  settings: SettingsOf[T],
  dependencies: ProviderDependencies,
): DnsProvider {
  return FACTORIES[type].create(id, settings, dependencies)
}
