import * as v from 'valibot'
import type { Capabilities, DnsProvider } from '../domain/dns-provider.ts'
import type { OpenLookup } from './address-lookup.ts'
import type { DnsDialer } from './dns-transport.ts'
import type { HostedDependencies } from './hosted-provider.ts'
import { type ApiDependencies, type ApiOptions, createApiClient } from './http/api-client.ts'
import type { BudgetKeeper, RateRule } from './http/request-budget.ts'

/** What providers need from outside. */
export interface ProviderDependencies extends ApiDependencies {
  readonly dial: DnsDialer
  /** For services that do not tell what they hold. */
  readonly lookup: OpenLookup
  readonly budgets: BudgetKeeper
}

/** A kind of DNS service: how it is set up, what it can do, and how a provider is made of it. */
export interface ProviderType<S extends v.GenericSchema> {
  /** One entry of `providers:` in cloud.yaml; its `type` names the kind. */
  readonly settings: S
  readonly title: string
  /** 1: used by many and tested most; 2: like it; 3: works, with the reservation of `warning`. */
  readonly tier: 1 | 2 | 3
  /** Where the service describes its API. */
  readonly docs: string
  /** What an operator must know before relying on it. */
  readonly warning?: string
  readonly caps: Capabilities
  /** What is kept to, per credential; the service's own published limits. */
  readonly limits: readonly RateRule[]
  /** Opens no connection. */
  create(id: string, settings: v.InferOutput<S>, dependencies: ProviderDependencies): DnsProvider
}

/** What hosted services have in common, most of them: a service says what is different with it. */
export const HOSTED = {
  types: ['A', 'AAAA', 'TXT'],
  readable: true,
  maxBatch: 1,
  atomic: false,
  compareAndSet: 'none',
  publish: 'sync',
  prefixUpdate: false,
} as const satisfies Partial<Capabilities>

/** Checks the form of a provider's description. */
export function defineProvider<const S extends v.GenericSchema>(
  type: ProviderType<S>,
): ProviderType<S> {
  return type
}

const MIN_SECRET = 8

/** A key, token or password. Its setting must have a name that `parseSettings` knows as secret. */
export const secretText = v.pipe(
  v.string(),
  v.minLength(MIN_SECRET, `must have at least ${MIN_SECRET} characters`),
  v.regex(/^[!-~]+$/, 'must have no white space and only ASCII characters'),
)

/**
 * The API of a hosted service for one credential. Providers with the same credential share its
 * limits, because the service counts them together.
 */
export function connect(
  options: ApiOptions,
  limits: readonly RateRule[],
  dependencies: ProviderDependencies,
): HostedDependencies {
  const credential = [options.service, ...options.secrets].join('\n')
  const budget = dependencies.budgets(credential, limits)
  return {
    api: createApiClient(options, budget, dependencies),
    sleep: dependencies.sleep,
    random: dependencies.random,
    now: dependencies.now,
  }
}
