import {
  type Change,
  type ChangeOutcome,
  type DnsProvider,
  ProviderError,
  type ProviderErrorKind,
} from '../../cloud/domain/dns-provider.ts'
import { type Fqdn, keyOf, type RRKey, type RRset, sameValues } from '../../shared/rrset.ts'

/** The next `apply` fails with this kind, after it has written everything or before. */
export interface ScriptedFault {
  readonly kind: ProviderErrorKind
  readonly hasWritten: boolean
  readonly retryAfterMs?: number
}

/** A DNS service in memory that fails when told to. */
export function createFaultyDnsProvider(id: string, zone: Fqdn) {
  const sets = new Map<string, RRset>()
  const faults: ScriptedFault[] = []
  const proxied = new Set<string>()
  let applied = 0
  let written = 0
  let readFault: string | undefined
  let gate: Promise<void> = Promise.resolve()

  function write({ name, type, set }: Change): ChangeOutcome {
    const key = keyOf({ name, type })
    const before = sets.get(key)
    if (set === null) {
      if (!sets.delete(key)) return { kind: 'unchanged' }
      written++
      return { kind: 'deleted' }
    }
    if (before?.ttl === set.ttl && sameValues(before.values, set.values))
      return { kind: 'unchanged' }
    sets.set(key, set)
    written++
    return { kind: before === undefined ? 'created' : 'updated' }
  }

  const provider: DnsProvider = {
    id,
    caps: {
      types: ['A', 'AAAA', 'TXT'],
      granularity: 'rrset',
      readable: true,
      maxBatch: 100,
      atomic: true,
      compareAndSet: 'none',
      ttl: { min: 1, max: 86_400 },
      txt: { maxBytes: 65_000, quotes: true },
      publish: 'sync',
      proxies: true,
      prefixUpdate: false,
    },
    normalise: (set) => set,
    findZone: async () => ({ name: zone, id: zone }),
    async read(_zone, keys) {
      if (readFault !== undefined) throw new ProviderError('transient', readFault)
      return keys.map((key) => {
        const set = sets.get(keyOf(key)) ?? null
        return set !== null && proxied.has(keyOf(key)) ? { ...set, isProxied: true } : set
      })
    },
    async apply(_zone, changes) {
      applied++
      await gate
      const fault = faults.shift()
      const outcomes = fault === undefined || fault.hasWritten ? changes.map(write) : []
      if (fault === undefined) return { outcomes, writes: 1 }
      const { kind, retryAfterMs } = fault
      const error = new ProviderError(kind, `scripted ${kind}`, {
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      })
      return { outcomes: changes.map(() => ({ kind: 'failed', error })), writes: 1 }
    },
  }
  return {
    provider,
    faults,
    /** Values of an RRset, undefined when it is absent. */
    values: (name: string, type = 'AAAA') => sets.get(`${name}/${type}`)?.values,
    /** Every RRset that it holds. */
    sets: () => [...sets.values()],
    applied: () => applied,
    written: () => written,
    /** Puts an RRset there, as somebody else would. */
    seed: (set: RRset) => void sets.set(keyOf(set), set),
    /** From now on it serves addresses of its own for this RRset. */
    proxy: (key: RRKey) => void proxied.add(keyOf(key)),
    /** From now on nothing can be read, for this reason. */
    failReads: (reason: string) => {
      readFault = reason
    },
    /** Makes every `apply` wait until the returned function is called. */
    block(): () => void {
      let open = (): void => undefined
      gate = new Promise((resolve) => {
        open = resolve
      })
      return open
    },
  }
}
