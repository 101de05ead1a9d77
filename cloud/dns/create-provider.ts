import type { DnsProvider } from '../domain/dns-provider.ts'
import type { RequestBudget } from './http/request-budget.ts'
import type { ProviderDependencies } from './provider-type.ts'

/** What makes a provider of its settings. */
export interface ProviderFactory<S> {
  create(id: string, settings: S, dependencies: ProviderDependencies): DnsProvider
}

/**
 * Makes a provider whose zones take turns when the requests of their credential are running low. Where
 * each request carries one change, to gather changes would save none.
 */
export function createProvider<S>(
  factory: ProviderFactory<S>,
  id: string,
  settings: S,
  dependencies: ProviderDependencies,
): DnsProvider {
  const used: RequestBudget[] = []
  const provider = factory.create(id, settings, {
    ...dependencies,
    budgets(credential, rules) {
      const budget = dependencies.budgets(credential, rules)
      used.push(budget)
      return budget
    },
  })
  if (provider.caps.maxBatch === 1) return provider
  return {
    ...provider,
    turnMs: (zone) => Math.max(0, ...used.map((budget) => budget.turnMs(zone))),
  }
}
