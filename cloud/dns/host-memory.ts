import type { Fqdn } from '../../shared/rrset.ts'

/** Canonical addresses of a host, sorted. */
export interface HostState {
  readonly A: readonly string[]
  readonly AAAA: readonly string[]
}

/** What a service that cannot be read holds, from what DNS shows and from what was written. */
export interface HostMemory {
  /** What the host has, given what DNS shows of it. */
  believe(host: Fqdn, seen: HostState): HostState
  /** What was believed last. */
  last(host: Fqdn): HostState
  /** The service has confirmed this. */
  wrote(host: Fqdn, state: HostState): void
}

interface Written {
  readonly state: HostState
  /** What DNS may show still. */
  readonly earlier: ReadonlySet<string>
  readonly at: number
}

/** Longer than services take to publish and caches to forget; after it, DNS is right again. */
const SETTLE_MS = 15 * 60_000
const EMPTY: HostState = { A: [], AAAA: [] }

/**
 * Bridges the time until DNS shows a write: what was there before it is not sent again, for services
 * block hosts that send the same twice. Anything else that DNS shows was written by somebody else
 * and is believed at once.
 */
export function createHostMemory(now: () => Date): HostMemory {
  const believed = new Map<Fqdn, HostState>()
  const written = new Map<Fqdn, Written>()
  const keyOf = ({ A, AAAA }: HostState) => `${A.join()} ${AAAA.join()}`

  function recent(host: Fqdn): Written | undefined {
    const entry = written.get(host)
    return entry !== undefined && now().getTime() - entry.at < SETTLE_MS ? entry : undefined
  }

  return {
    believe(host, seen) {
      const entry = recent(host)
      const state = entry?.earlier.has(keyOf(seen)) === true ? entry.state : seen
      believed.set(host, state)
      return state
    },
    last: (host) => believed.get(host) ?? EMPTY,
    wrote(host, state) {
      const before = believed.get(host) ?? EMPTY
      const earlier = new Set([...(recent(host)?.earlier ?? []), keyOf(before)])
      earlier.delete(keyOf(state))
      written.set(host, { state, earlier, at: now().getTime() })
      believed.set(host, state)
    },
  }
}
