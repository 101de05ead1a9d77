import { messageOf } from '../../../shared/errors.ts'
import type { Logger } from '../../../shared/logger.ts'
import { type Fqdn, keyOf } from '../../../shared/rrset.ts'
import type { AuthoritativeDns } from './authoritative-dns.ts'
import type { FindProxied } from './find-proxied.ts'
import { type Verification, verifyRRsets, type Wanted } from './verify-rrsets.ts'

/** An RRset that was just written; `ttl` in seconds. */
export interface Written extends Wanted {
  readonly ttl: number
}

/** What watching needs. */
export interface WatchDeps {
  readonly dns: AuthoritativeDns
  readonly findProxied: FindProxied
  /** Runs `act` after so many milliseconds, unless the answer is called before. */
  readonly schedule: (ms: number, act: () => void) => () => void
  readonly now: () => number
  readonly logger: Logger
}

/** Follows writes until every authoritative server serves them. */
export interface WriteWatcher {
  /** Begins to watch; what was watched of the same RRsets ends. */
  watch(zone: Fqdn, written: readonly Written[]): void
  stop(): void
}

/** When to ask, in milliseconds after the write; the last pause is repeated. */
const LOOKS_MS = [2000, 5000, 15_000, 60_000, 300_000]
/** Longer than the publishing delay of all but the slowest providers. */
const LEAST_WATCH_MS = 300_000

interface Watched {
  readonly written: Written
  readonly since: number
}

/**
 * Asks after each write on a rising schedule, up to the TTL of the RRset and five minutes at least, and
 * says in the log how it ended: live, lagging, or overwritten by somebody else. One look covers all that
 * is due in a zone; nothing waits for it.
 */
export function createWriteWatcher(deps: WatchDeps): WriteWatcher {
  const watched = new Map<string, Watched>()
  const timers = new Set<() => void>()

  function later(ms: number, act: () => void): void {
    const cancel = deps.schedule(ms, () => {
      timers.delete(cancel)
      act()
    })
    timers.add(cancel)
  }

  function isCurrent(one: Watched): boolean {
    return watched.get(keyOf(one.written)) === one
  }

  async function look(zone: Fqdn, batch: readonly Watched[], turn: number): Promise<void> {
    const due = batch.filter(isCurrent)
    const [first] = due
    if (first === undefined) return
    const verifications = await verify(zone, due)
    const elapsed = deps.now() - first.since
    const pause = (LOOKS_MS[turn + 1] ?? 0) - (LOOKS_MS[turn] ?? 0)
    const next = pause > 0 ? pause : (LOOKS_MS.at(-1) ?? 0)
    const waiting = due.filter((one, position) => {
      if (!isCurrent(one)) return false
      const verification = verifications?.[position]
      const isLast = elapsed + next > Math.max(one.written.ttl * 1000, LEAST_WATCH_MS)
      const isOver = isLast || isWell(verification)
      if (isOver) watched.delete(keyOf(one.written))
      if (isOver && verification !== undefined) tell(one.written, verification, elapsed)
      return !isOver
    })
    if (waiting.length > 0) later(next, () => void look(zone, waiting, turn + 1))
  }

  async function verify(
    zone: Fqdn,
    due: readonly Watched[],
  ): Promise<readonly Verification[] | undefined> {
    try {
      const servers = await deps.dns.nameServers(zone)
      return await verifyRRsets(
        due.map(({ written }) => written),
        servers,
        deps.dns,
        (doubtful) => deps.findProxied(zone, doubtful),
      )
    } catch (error) {
      deps.logger.warn({ event: 'dns-check', zone }, messageOf(error))
      return undefined
    }
  }

  function tell(
    { name, type }: Written,
    { state, answers }: Verification,
    elapsedMs: number,
  ): void {
    const seconds = Math.round(elapsedMs / 100) / 10
    const fields = { event: 'dns-check', name, type, state: state.kind, servers: answers.length }
    if (isWell({ state })) {
      const how = state.kind === 'proxied' ? ', with addresses of the provider' : ''
      const text = `${name} ${type} is served by ${answers.length} name servers${how}`
      deps.logger.info({ ...fields, seconds }, text)
    } else {
      deps.logger.warn({ ...fields, seconds, answers }, `${name} ${type} is ${describe(state)}`)
    }
  }

  return {
    watch(zone, written) {
      if (written.length === 0) return
      const since = deps.now()
      const batch = written.map((one) => ({ written: one, since }))
      for (const one of batch) watched.set(keyOf(one.written), one)
      later(LOOKS_MS[0] ?? 0, () => void look(zone, batch, 0))
    },
    stop() {
      watched.clear()
      for (const cancel of timers) cancel()
      timers.clear()
    },
  }
}

function isWell(verification: Pick<Verification, 'state'> | undefined): boolean {
  const kind = verification?.state.kind
  return kind === 'live' || kind === 'proxied'
}

function describe(state: Verification['state']): string {
  switch (state.kind) {
    case 'overwritten':
      return `served with ${state.values.join(', ') || 'no values'}, by all: somebody else writes it`
    case 'lagging':
      return `not served as written by ${state.servers.join(', ')}`
    case 'written':
      return 'written, but no name server is known to ask'
    case 'live':
    case 'proxied':
      return 'served as written'
  }
}
