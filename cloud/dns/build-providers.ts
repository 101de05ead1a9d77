import type * as v from 'valibot'
import { ReprefixError } from '../../shared/errors.ts'
import type { DnsProvider } from '../domain/dns-provider.ts'
import { createProvider, type ProviderFactory } from './create-provider.ts'
import type { ProviderSettings } from './provider-settings.ts'
import type { ProviderDependencies } from './provider-type.ts'
import type { ProviderTypes } from './provider-types.ts'

type SettingsOf = {
  readonly [T in keyof ProviderTypes]: v.InferOutput<ProviderTypes[T]['settings']>
}

/** What makes a provider of each kind. */
export type ProviderFactories = {
  readonly [T in keyof SettingsOf]: ProviderFactory<SettingsOf[T]>
}

/**
 * Builds the providers of cloud.yaml, by the name that zones refer to. Opens no connection.
 * @throws ReprefixError INTERNAL for a kind that is not among `types`
 */
export function buildProviders(
  settings: Readonly<Record<string, ProviderSettings>>,
  types: Partial<ProviderFactories>,
  dependencies: ProviderDependencies,
): ReadonlyMap<string, DnsProvider> {
  return new Map(
    Object.entries(settings).map(([id, entry]) => [
      id,
      build(entry.type, id, entry, types, dependencies),
    ]),
  )
}

function build<T extends keyof ProviderFactories>(
  type: T,
  id: string,
  settings: SettingsOf[T],
  types: Partial<ProviderFactories>,
  dependencies: ProviderDependencies,
): DnsProvider {
  const factory: ProviderFactories[T] | undefined = types[type]
  if (factory !== undefined) return createProvider(factory, id, settings, dependencies)
  throw new ReprefixError('INTERNAL', `the kind ${type} of the provider ${id} is not loaded`)
}
