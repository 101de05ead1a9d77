import {
  type ObservedEdit,
  type RecordAccess,
  readDiffWrite,
} from '../../cloud/dns/read-diff-write.ts'
import { type DnsProvider, ProviderError } from '../../cloud/domain/dns-provider.ts'
import {
  type Fqdn,
  isAtOrBelow,
  keyOf,
  type RRKey,
  type RRset,
  sameValues,
} from '../../shared/rrset.ts'

const MAX_BATCH = 100
const TXT = { maxBytes: 65_000, quotes: true }

/** A DNS service in memory with compare-and-set, which fails when told to. */
export function createMemoryDnsProvider(id: string, zone: Fqdn) {
  const sets = new Map<string, RRset>()
  const refused = new Set<Fqdn>()
  let writes = 0
  let broken: { when: 'before' | 'after'; times: number } = { when: 'before', times: 0 }
  let interloper: (() => Promise<void>) | undefined

  const access: RecordAccess<null> = {
    normalise,
    txt: TXT,
    observe: async (changes) =>
      changes.map((change) => ({ set: sets.get(keyOf(change)) ?? null, detail: null })),
    pack: (edits) => {
      const groups: ObservedEdit<null>[][] = []
      for (let start = 0; start < edits.length; start += MAX_BATCH) {
        groups.push(edits.slice(start, start + MAX_BATCH))
      }
      return groups
    },
    write: async (edits, sending) => {
      sending()
      writes += 1
      const act = interloper
      interloper = undefined
      await act?.()
      const isBroken = broken.times > 0
      broken = { ...broken, times: broken.times - 1 }
      if (isBroken && broken.when === 'before') throw new ProviderError('transient', 'no answer')
      if (edits.some(({ change }) => refused.has(change.name))) {
        throw new ProviderError('forbidden', 'this key may not change this name')
      }
      if (!edits.every(isStillAsRead)) throw new ProviderError('conflict', 'changed in between')
      for (const { change, after } of edits) {
        if (after === null) sets.delete(keyOf(change))
        else sets.set(keyOf(change), after)
      }
      if (isBroken) throw new ProviderError('transient', 'the answer was lost')
    },
  }

  function isStillAsRead({ change, before }: ObservedEdit<null>): boolean {
    return sameValues(sets.get(keyOf(change))?.values ?? [], before?.values ?? [])
  }

  const provider: DnsProvider = {
    id,
    caps: {
      types: ['A', 'AAAA', 'TXT'],
      granularity: 'rrset',
      readable: true,
      maxBatch: MAX_BATCH,
      atomic: true,
      compareAndSet: 'prerequisite',
      ttl: { min: 30, max: 86_400 },
      txt: TXT,
      publish: 'sync',
      prefixUpdate: false,
    },
    normalise,
    findZone: async (name) => {
      if (isAtOrBelow(name, zone)) return { name: zone, id: zone }
      throw new ProviderError('zone-not-found', `there is no zone for ${name}`)
    },
    read: async (_, keys) => keys.map((key) => sets.get(keyOf(key)) ?? null),
    apply: (_, changes) => readDiffWrite(access, changes),
  }
  return {
    provider,
    writes: () => writes,
    seed: (set: RRset) => void sets.set(keyOf(set), set),
    look: (key: RRKey) => sets.get(keyOf(key)) ?? null,
    /** Names whose writes are refused from now on. */
    refused,
    breakWrites: (when: 'before' | 'after', times: number) => {
      broken = { when, times }
    },
    beforeNextWrite: (act: () => Promise<void>) => {
      interloper = act
    },
  }
}

function normalise(set: RRset): RRset {
  return { ...set, ttl: Math.min(Math.max(set.ttl, 30), 86_400) }
}
