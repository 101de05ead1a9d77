import { type BudgetKeeper, createBudgetKeeper } from './http/request-budget.ts'
import type { ProviderDependencies } from './provider-type.ts'

/**
 * What providers need, for runtimes that load a program anew again and again: what only one kind of
 * provider uses is loaded when it is used.
 */
export function createLazyDependencies(
  now: () => Date,
  sleep: (ms: number) => Promise<void>,
  budgets: BudgetKeeper = createBudgetKeeper({ now, sleep }),
): ProviderDependencies {
  return {
    now,
    sleep,
    dial: async (server) => (await import('./tcp-dialer.ts')).createTcpDialer()(server),
    lookup: async (zone) => (await import('./address-lookup.ts')).createAuthoritativeLookup()(zone),
    fetch: (url, init) => fetch(url, init),
    random: Math.random,
    deadline: (ms) => AbortSignal.timeout(ms),
    budgets,
  }
}
