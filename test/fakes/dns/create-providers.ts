import { setTimeout as sleep } from 'node:timers/promises'
import { buildProviders } from '../../../cloud/dns/build-providers.ts'
import { createLazyDependencies } from '../../../cloud/dns/lazy-dependencies.ts'
import type { ProviderSettings } from '../../../cloud/dns/provider-settings.ts'
import type { ProviderDependencies } from '../../../cloud/dns/provider-type.ts'
import { PROVIDER_TYPES } from '../../../cloud/dns/provider-types.ts'
import type { DnsProvider } from '../../../cloud/domain/dns-provider.ts'

/** Builds providers of any kind as the cloud does, but for the dependencies that are given. */
export function createProviders(
  settings: Readonly<Record<string, ProviderSettings>>,
  given: Pick<ProviderDependencies, 'now'> & Partial<ProviderDependencies>,
): ReadonlyMap<string, DnsProvider> {
  const pause = given.sleep ?? ((ms: number) => sleep(ms))
  const dependencies = createLazyDependencies(given.now, pause)
  return buildProviders(settings, PROVIDER_TYPES, { ...dependencies, ...given })
}
