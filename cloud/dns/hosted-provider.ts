import { type Fqdn, keyOf, type RRKey, type RRset } from '../../shared/rrset.ts'
import {
  type Capabilities,
  type DnsProvider,
  ProviderError,
  type WriteReceipt,
  type Zone,
} from '../domain/dns-provider.ts'
import type { ApiClient, ApiRequest } from './http/api-client.ts'
import { type ObservedEdit, readDiffWrite } from './read-diff-write.ts'
import { zoneCandidates } from './record-names.ts'

/** An RRset as a hosted service holds it. */
export interface HeldSet<T> {
  readonly key: RRKey
  /** The TTLs of its records, each once; empty where the service decides by itself. */
  readonly ttls: readonly number[]
  /** Canonical. */
  readonly values: readonly string[]
  readonly detail: T
}

/** An edit of an RRset; nothing is held of one that is created. */
export type HeldEdit<T> = ObservedEdit<T | undefined>

/** Sends one write and gives its answer; counted. */
export type SendWrite = (request: ApiRequest) => Promise<unknown>

/** What the adapters for the two kinds of API have in common. */
export interface HostedAccess<T> {
  readonly caps: Capabilities
  /** The zone of exactly this name; undefined when the account has none. */
  zone(name: Fqdn): Promise<Zone | undefined>
  /** RRsets of the zone, those of the keys among them. */
  held(zone: Zone, keys: readonly RRKey[]): Promise<readonly HeldSet<T>[]>
  pack(edits: readonly HeldEdit<T>[]): readonly (readonly HeldEdit<T>[])[]
  write(zone: Zone, edits: readonly HeldEdit<T>[], send: SendWrite): Promise<void>
  /** What an answer to a write says about its publication. */
  receiptOf?(answer: unknown): string | undefined
  settled?(receipt: WriteReceipt): Promise<'live' | 'pending' | 'failed'>
}

/** What the adapters need from outside. */
export interface HostedDependencies {
  readonly api: ApiClient
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
}

/** What records without a TTL of their own are served with, commonly. */
const AUTOMATIC_TTL = 300
const PAUSE_MS = 500

/**
 * A DNS service behind an HTTP API. Reads, compares, writes what differs; after a lost answer it
 * reads again. Values that the service cannot hold are refused before anything is sent.
 */
export function createHostedProvider<T>(
  id: string,
  access: HostedAccess<T>,
  { api, sleep, random }: HostedDependencies,
): DnsProvider {
  const { caps } = access

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
      return keys.map((key) => setOf(found.get(keyOf(key)), undefined))
    },
    async apply(zone, changes) {
      const receipts: string[] = []
      const least = Math.max(zone.minTtl ?? 0, caps.ttl.min)
      const normalise = (set: RRset) => clampTtl(set, caps, least)
      const result = await readDiffWrite<T | undefined>(
        {
          normalise,
          txt: caps.txt,
          retriesReads: true,
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
              const receipt = access.receiptOf?.(answer)
              if (receipt !== undefined) receipts.push(receipt)
              return answer
            }),
        },
        changes,
      )
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
  return { ...set, ttl: Math.min(Math.max(Math.trunc(set.ttl), least), ttl.max) }
}

/** Where records of one set differ in their TTL, the one that is not wanted shows. */
function setOf<T>(held: HeldSet<T> | undefined, wantedTtl: number | undefined): RRset | null {
  if (held === undefined) return null
  const { key, ttls, values } = held
  const own = ttls.find((ttl) => ttl !== wantedTtl) ?? ttls[0]
  return { ...key, ttl: own ?? wantedTtl ?? AUTOMATIC_TTL, values }
}
