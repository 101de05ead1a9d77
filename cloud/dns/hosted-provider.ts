import { type Fqdn, keyOf, type RRKey, type RRset } from '../../shared/rrset.ts'
import {
  type Capabilities,
  type Change,
  type DnsProvider,
  ProviderError,
  type WriteReceipt,
  type Zone,
} from '../domain/dns-provider.ts'
import type { ApiClient, ApiRequest } from './http/api-client.ts'
import { createPublisher } from './publish.ts'
import { type ObservedEdit, readDiffWrite } from './read-diff-write.ts'
import { zoneCandidates } from './record-names.ts'

/** An RRset as a hosted service holds it. */
export interface HeldSet<T> {
  readonly key: RRKey
  /** The TTLs of its records, each once; empty where the service decides by itself. */
  readonly ttls: readonly number[]
  /** Canonical; none for a set that only holds what is not served. */
  readonly values: readonly string[]
  /** True when it is served with other addresses. */
  readonly isProxied?: boolean
  readonly detail: T
}

/** An edit of an RRset; nothing is held of one that is created. */
export type HeldEdit<T> = ObservedEdit<T | undefined>

/** Sends one write and gives its answer; counted. */
export type SendWrite<R = ApiRequest> = (request: R) => Promise<unknown>

/** What the adapters for the kinds of API have in common; `R` is how they put a write. */
export interface HostedAccess<T, R = ApiRequest> {
  readonly caps: Capabilities
  /** The zone of exactly this name; undefined when the account has none. */
  zone(name: Fqdn): Promise<Zone | undefined>
  /** Why the service can never hold this. */
  refuse?(change: Change): string | undefined
  /** Whether a group that is refused is refused in parts as well. */
  isIndivisible?(edits: readonly HeldEdit<T>[]): boolean
  /** RRsets of the zone, those of the keys among them. */
  held(zone: Zone, keys: readonly RRKey[]): Promise<readonly HeldSet<T>[]>
  pack(edits: readonly HeldEdit<T>[]): readonly (readonly HeldEdit<T>[])[]
  write(zone: Zone, edits: readonly HeldEdit<T>[], send: SendWrite<R>): Promise<void>
  /** What makes the writes of a zone public, where they are not at once. */
  publish?(zone: Zone): R
  /** What an answer to a write says about its publication. */
  receiptOf?(zone: Zone, answer: unknown): string | undefined
  settled?(receipt: WriteReceipt): Promise<'live' | 'pending' | 'failed'>
}

/** What a provider needs from outside. */
export interface WriteDependencies<R> {
  readonly api: { write(request: R & { readonly zone: string }): Promise<unknown> }
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
  readonly now: () => Date
}

/** What the adapters need from outside. */
export interface HostedDependencies extends WriteDependencies<ApiRequest> {
  readonly api: ApiClient
}

/** What records without a TTL of their own are served with, commonly. */
const AUTOMATIC_TTL = 300
const PAUSE_MS = 500

/**
 * A DNS service behind an HTTP API. Reads, compares, writes what differs; after a lost answer it
 * reads again. Values that the service cannot hold are refused before anything is sent.
 */
export function createHostedProvider<T, R extends object = ApiRequest>(
  id: string,
  access: HostedAccess<T, R>,
  { api, sleep, random, now }: WriteDependencies<R>,
): DnsProvider {
  const { caps, publish } = access
  const publishAfter =
    publish &&
    createPublisher(async (zone) => {
      await api.write({ ...publish(zone), zone: zone.name })
    }, now)

  async function read(zone: Zone, keys: readonly RRKey[]): Promise<Map<string, HeldSet<T>>> {
    if (keys.length === 0) return new Map()
    const held = await access.held(zone, keys)
    return new Map(held.map((set) => [keyOf(set.key), set]))
  }

  return {
    id,
    caps,
    normalise: (set) => clampTtl(set, caps, caps.ttl.min),
    findZone: async (name) => {
      for (const candidate of zoneCandidates(name)) {
        const zone = await access.zone(candidate)
        if (zone !== undefined) return zone
      }
      throw new ProviderError(
        'zone-not-found',
        `${id} holds no zone for ${name}: add the zone there, or use the credential of the account that holds it`,
      )
    },
    async read(zone, keys) {
      const found = await read(zone, keys)
      return keys.map((key) => {
        const held = found.get(keyOf(key))
        const set = setOf(held, undefined)
        return set !== null && held?.isProxied === true ? { ...set, isProxied: true } : set
      })
    },
    async apply(zone, changes) {
      const receipts: string[] = []
      const least = Math.max(zone.minTtl ?? 0, caps.ttl.min)
      const normalise = (set: RRset) => clampTtl(set, caps, least)
      const written = await readDiffWrite<T | undefined>(
        {
          normalise,
          txt: caps.txt,
          retriesReads: true,
          ...(access.isIndivisible === undefined ? {} : { isIndivisible: access.isIndivisible }),
          ...(access.refuse === undefined ? {} : { refuse: access.refuse }),
          pause: (attempt) => sleep(random() * PAUSE_MS * 2 ** attempt),
          async observe(pending) {
            const found = await read(zone, pending)
            return pending.map((change) => {
              const held = found.get(keyOf(change))
              const ttl = change.set === null ? undefined : normalise(change.set).ttl
              return { set: setOf(held, ttl), detail: held?.detail }
            })
          },
          pack: access.pack,
          write: (edits, sending) =>
            access.write(zone, edits, async (request) => {
              sending()
              const answer = await api.write({ ...request, zone: zone.name })
              const receipt = access.receiptOf?.(zone, answer)
              if (receipt !== undefined) receipts.push(receipt)
              return answer
            }),
        },
        changes,
      )
      const result = (await publishAfter?.(zone, changes, written)) ?? written
      return receipts.length === 0 ? result : { ...result, receipt: { id: receipts.join(' ') } }
    },
    ...(access.settled === undefined ? {} : { settled: access.settled }),
  }
}

/** The object of a write in words. */
export function describeEdits(zone: Zone, edits: readonly { readonly change: RRKey }[]): string {
  const [first] = edits
  return edits.length === 1 && first !== undefined
    ? `${first.change.name} ${first.change.type}`
    : `${edits.length} RRsets in ${zone.name}`
}

function clampTtl(set: RRset, { ttl }: Capabilities, least: number): RRset {
  const within = Math.min(Math.max(Math.trunc(set.ttl), least), ttl.max)
  return { ...set, ttl: ttl.only?.find((one) => one >= within) ?? within }
}

/** Where records of one set differ in their TTL, the one that is not wanted shows. */
function setOf<T>(held: HeldSet<T> | undefined, wantedTtl: number | undefined): RRset | null {
  if (held === undefined || held.values.length === 0) return null
  const { key, ttls, values } = held
  const own = ttls.find((ttl) => ttl !== wantedTtl) ?? ttls[0]
  return { ...key, ttl: own ?? wantedTtl ?? AUTOMATIC_TTL, values }
}
