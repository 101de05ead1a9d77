import * as v from 'valibot'
import type { AddressLookup } from '../../../cloud/dns/address-lookup.ts'
import type { ProviderType } from '../../../cloud/dns/provider-type.ts'
import type { Fqdn, RRKey, RRset } from '../../../shared/rrset.ts'
import type { ProviderRig } from '../../contract/dns-provider.ts'
import type { FakeAnswer, FakeApi, Injection } from './fake-api.ts'
import { UNLIMITED } from './unlimited-budget.ts'

/** The fake of one service, with one zone in it. */
export interface HostedFake {
  readonly api: FakeApi
  readonly zone: Fqdn
  /** The credentials that the fake accepts. */
  readonly secrets: readonly string[]
  /** Puts an RRset into the zone, as somebody else would. */
  seed(set: RRset): void
  look(key: RRKey): { readonly ttl: number; readonly values: readonly string[] } | null
  /** What the service answers with a status, in its own form; `text` is in it somewhere. */
  errorAnswer(status: number, text: string): FakeAnswer
  /** An error under status 200, where the service has that. */
  errorInside?(text: string): FakeAnswer
  /** Makes lists come in pages of so many items. */
  pageSize?(size: number): void
  /** What DNS shows, where the service does not tell what it holds. */
  readonly lookup?: AddressLookup
  /** A request with the credentials that the fake accepts, and with no body when it is empty. */
  authorise(request: {
    readonly method: string
    readonly url: string
    readonly body: string
  }): RequestInit
  /** Takes over what a list of the real service holds, ids included; ignores other answers. */
  load(answer: unknown): void
  /** Puts a record there that is not ours and must survive; says whether it did. */
  readonly bystander: () => boolean
}

/** A rig whose service is spoken to over HTTP. */
export interface HttpRig extends ProviderRig {
  readonly fake: HostedFake
  inject(injection: Injection): void
  clearFaults(): void
  /** All requests so far. */
  requests(): number
  /** How long the provider has waited so far, in ms. */
  waited(): number
}

/**
 * A provider in front of a fake. Its clock moves only while it waits, unless the test has one of its
 * own; limits have their own tests.
 */
export function createHttpRig<S extends v.GenericSchema>(
  type: ProviderType<S>,
  settings: v.InferInput<S>,
  fake: HostedFake,
  ownClock?: () => Date,
): HttpRig {
  let clock = Date.parse('2026-01-31T12:00:00Z')
  let waited = 0
  const { api } = fake
  const provider = type.create('hosted', v.parse(type.settings, settings), {
    fetch: api.fetch,
    deadline: api.deadline,
    now: ownClock ?? (() => new Date(clock)),
    sleep: async (ms) => {
      clock += ms
      waited += ms
    },
    random: () => 0.5,
    budgets: () => UNLIMITED,
    dial: () => Promise.reject(new Error('no hosted service is dialled')),
    lookup: async () => fake.lookup ?? (() => Promise.reject(new Error('nothing is looked up'))),
  })
  return {
    provider,
    zone: fake.zone,
    fake,
    writes: api.writes,
    requests: () => api.reads() + api.writes(),
    waited: () => waited,
    seed: async (set) => fake.seed(set),
    look: async (key) => fake.look(key),
    breakWrites: (when, times) => {
      api.clearFaults()
      api.inject({ on: 'write', fault: { kind: 'reset', when }, times })
    },
    beforeNextWrite: api.beforeNextWrite,
    inject: api.inject,
    clearFaults: api.clearFaults,
    close: api.close,
  }
}
