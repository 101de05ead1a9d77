import * as v from 'valibot'
import { createProvider } from '../../../cloud/dns/create-provider.ts'
import { cloudflare } from '../../../cloud/dns/hosted/cloudflare.ts'
import { desec } from '../../../cloud/dns/hosted/desec.ts'
import { digitalocean } from '../../../cloud/dns/hosted/digitalocean.ts'
import { hetzner } from '../../../cloud/dns/hosted/hetzner.ts'
import { route53 } from '../../../cloud/dns/hosted/route53.ts'
import type { BudgetKeeper, RateRule } from '../../../cloud/dns/http/request-budget.ts'
import type { ProviderType } from '../../../cloud/dns/provider-type.ts'
import type { DnsProvider } from '../../../cloud/domain/dns-provider.ts'
import { type Fqdn, parseName } from '../../../shared/rrset.ts'
import { cloudflareSettings, createCloudflareFake } from '../../fakes/dns/cloudflare.ts'
import { createDesecFake, desecSettings } from '../../fakes/dns/desec.ts'
import { createDigitalOceanFake, digitaloceanSettings } from '../../fakes/dns/digitalocean.ts'
import { createHetznerFake, hetznerSettings } from '../../fakes/dns/hetzner.ts'
import type { HostedFake } from '../../fakes/dns/hosted-rig.ts'
import { createRoute53Fake, route53Settings } from '../../fakes/dns/route53.ts'
import type { Call } from './limits.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** One account of a service, with some zones. */
export interface Account {
  readonly service: string
  readonly limits: readonly RateRule[]
  readonly zones: readonly SimulatedZone[]
  /** Every request so far, by all zones. */
  readonly calls: Call[]
}

/** One zone at its service. */
export interface SimulatedZone {
  readonly name: Fqdn
  readonly provider: DnsProvider
  /** Puts an AAAA record there, as it was before the burst. */
  seed(name: Fqdn, value: string): void
  /** The values of an AAAA record. */
  look(name: Fqdn): readonly string[]
  close(): Promise<void>
}

/** How long every request of a service takes, in milliseconds. */
export const LATENCY_MS = 100
const TTL = 3600

/** Two that take a batch, one that takes changes of a few zones only, two that take one RRset a request. */
const SERVICES: readonly (readonly [
  string,
  ProviderType<v.GenericSchema>,
  unknown,
  () => Promise<HostedFake>,
])[] = [
  ['cloudflare', anyType(cloudflare), cloudflareSettings, createCloudflareFake],
  ['desec', anyType(desec), desecSettings, createDesecFake],
  ['digitalocean', anyType(digitalocean), digitaloceanSettings, createDigitalOceanFake],
  ['hetzner', anyType(hetzner), hetznerSettings, createHetznerFake],
  ['route53', anyType(route53), route53Settings, createRoute53Fake],
]

/**
 * Accounts with `count` zones in all, at the fakes of their services through the adapters that are
 * used for the real ones. Budgets are kept as always; requests take time and are noted.
 */
export async function openAccounts(
  count: number,
  clock: VirtualClock,
  budgets: BudgetKeeper,
): Promise<readonly Account[]> {
  const accounts: Account[] = []
  const share = Math.floor(count / SERVICES.length)
  for (const [service, type, settings, createFake] of SERVICES) {
    const calls: Call[] = []
    const zones: SimulatedZone[] = []
    for (let i = 0; i < share; i++) {
      const name = parseName(`zone-${i}.${service}.example`)
      const fake = await createFake()
      zones.push(openZone(name, type, settings, fake, { calls, clock, budgets }))
    }
    accounts.push({ service, limits: type.limits, zones, calls })
  }
  return accounts
}

function openZone(
  name: Fqdn,
  type: ProviderType<v.GenericSchema>,
  settings: unknown,
  fake: HostedFake,
  { calls, clock, budgets }: { calls: Call[]; clock: VirtualClock; budgets: BudgetKeeper },
): SimulatedZone {
  const { api } = fake
  const provider = createProvider(type, `${name}`, v.parse(type.settings, settings), {
    async fetch(url, init) {
      const intent = (init?.method ?? 'GET') === 'GET' ? 'read' : 'write'
      calls.push({ atMs: clock.elapsed(), intent, zone: name })
      await clock.sleep(LATENCY_MS)
      return clock.work(fetchWhole(api.fetch, url, init))
    },
    deadline: api.deadline,
    now: clock.now,
    sleep: clock.sleep,
    random: () => 0.5,
    // To the adapters all zones are called alike; limits that count by zone must tell them apart.
    budgets: (credential, rules) => {
      const budget = budgets(credential, rules)
      return {
        take: (intent) => budget.take(intent, name),
        block: (ms, intent) => budget.block(ms, intent, name),
        turnMs: () => budget.turnMs(name),
      }
    },
    dial: () => Promise.reject(new Error('no hosted service is dialled')),
    lookup: async () => () => Promise.reject(new Error('nothing is looked up')),
  })
  const inside = (given: Fqdn): Fqdn =>
    parseName(given.slice(0, given.length - name.length) + fake.zone)
  return {
    name,
    provider: renamed(provider, name, inside),
    seed: (given, value) =>
      fake.seed({ name: inside(given), type: 'AAAA', ttl: TTL, values: [value] }),
    look: (given) => fake.look({ name: inside(given), type: 'AAAA' })?.values ?? [],
    close: api.close,
  }
}

/** Every fake has the same zone: this one has it under a name of its own. */
function renamed(provider: DnsProvider, name: Fqdn, inside: (name: Fqdn) => Fqdn): DnsProvider {
  return {
    id: provider.id,
    caps: provider.caps,
    ...(provider.turnMs && { turnMs: provider.turnMs }),
    normalise: (set) => ({ ...provider.normalise(set), ttl: TTL }),
    findZone: async () => ({ ...(await provider.findZone(inside(name))), name }),
    read: (zone, keys) =>
      provider.read(
        { ...zone, name: inside(name) },
        keys.map((key) => ({ ...key, name: inside(key.name) })),
      ),
    apply: (zone, changes) =>
      provider.apply(
        { ...zone, name: inside(name) },
        changes.map((change) => ({
          ...change,
          name: inside(change.name),
          set: change.set === null ? null : { ...change.set, name: inside(change.set.name) },
        })),
      ),
  }
}

async function fetchWhole(
  fetch: (url: string, init: RequestInit) => Promise<Response>,
  url: string,
  init: RequestInit,
): Promise<Response> {
  const response = await fetch(url, init)
  const { status, headers } = response
  const hasBody = status !== 204 && status !== 304
  return new Response(hasBody ? await response.arrayBuffer() : null, { status, headers })
}

function anyType<S extends v.GenericSchema>(type: ProviderType<S>): ProviderType<v.GenericSchema> {
  return type as unknown as ProviderType<v.GenericSchema>
}
