import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import type { Fqdn } from '../shared/rrset.ts'
import type { Repository } from './ports.ts'

/** What leases are kept with. */
export interface LeaseDeps {
  readonly repository: Pick<Repository, 'takeLease' | 'dropLease'>
  /**
   * Names this process among those of the store. One that is started again in the same place may use
   * the same name: what it held when it was killed is then its own at once.
   */
  readonly holder: string
  readonly now: () => Date
  /** Runs `act` after so many milliseconds, unless the answer is called before. */
  readonly schedule: (ms: number, act: () => void) => () => void
  /**
   * How long a lease is kept that nobody uses, in milliseconds: without others on the same store the
   * next flush finds it there. 0 where others wait, or where no timer runs between two requests.
   */
  readonly keepMs: number
  readonly logger: Logger
}

/** The right to flush one zone, as this process sees it. */
export interface Lease {
  /** Whether it was without a break this process's since it was acquired. */
  isHeld(): boolean
  /** To be called once when its user is done. Never throws. */
  release(): Promise<void>
}

/** The leases of one process. */
export interface ZoneLeases {
  /** Undefined when another process has the zone's lease. Several users of one process share it. */
  acquire(zone: Fqdn): Promise<Lease | undefined>
  /** Gives every lease back that is only kept. Never throws. */
  stop(): Promise<void>
}

/** How long the flushes of a zone wait when the process that had the lease has died. */
const LEASE_MS = 10_000
/** What must be left of a lease for a flush to begin. */
const LEAST_LEFT_MS = 5000
/** How often a lease is extended while it is used: two failures in a row do not lose it. */
const EXTEND_MS = 3000

interface Held {
  untilMs: number
  users: number
  /** Changes whenever others may have had the lease in between. */
  term: number
  cancel: () => void
}

/**
 * Takes, extends and gives back the leases of zones. A lease keeps two processes from asking the same
 * provider for the same twice; that no older value stays is not left to it (see `noteFlushed`), as no
 * clock tells a process that was paused in the middle of a request.
 */
export function createZoneLeases(deps: LeaseDeps): ZoneLeases {
  const { repository, holder } = deps
  const leases = new Map<Fqdn, Held>()
  const nowMs = (): number => deps.now().getTime()

  /** Takes or extends; the end counts from before the store was asked. */
  async function take(zone: Fqdn): Promise<Held | undefined> {
    const startMs = nowMs()
    const untilMs = startMs + LEASE_MS
    const isTaken = await repository.takeLease(zone, holder, startMs, untilMs)
    const held = leases.get(zone) ?? { untilMs, users: 0, term: 0, cancel: () => undefined }
    if (!isTaken) {
      held.untilMs = 0
      return undefined
    }
    if (held.untilMs <= startMs) held.term++
    held.untilMs = untilMs
    leases.set(zone, held)
    return held
  }

  function extendWhileUsed(zone: Fqdn, held: Held): void {
    held.cancel = deps.schedule(EXTEND_MS, () => {
      take(zone)
        .catch((error) => tell(zone, 'could not be extended', error))
        .finally(() => {
          if (held.users > 0) extendWhileUsed(zone, held)
          else if (deps.keepMs === 0) void drop(zone, held)
        })
    })
  }

  function use(zone: Fqdn, held: Held): Lease {
    const { term } = held
    held.users++
    if (held.users === 1) {
      held.cancel()
      extendWhileUsed(zone, held)
    }
    return {
      isHeld: () => held.term === term && nowMs() < held.untilMs,
      async release() {
        held.users--
        if (held.users > 0) return
        held.cancel()
        if (deps.keepMs === 0) await drop(zone, held)
        else held.cancel = deps.schedule(deps.keepMs, () => void drop(zone, held))
      },
    }
  }

  async function drop(zone: Fqdn, held: Held): Promise<void> {
    if (held.users > 0) return
    held.cancel()
    held.untilMs = 0
    await repository
      .dropLease(zone, holder)
      .catch((error) => tell(zone, 'could not be given back', error))
  }

  function tell(zone: Fqdn, what: string, error: unknown): void {
    const text = `the lease of ${zone} ${what}, it ends by itself: ${messageOf(error)}`
    deps.logger.warn({ event: 'lease', zone, error }, text)
  }

  return {
    async acquire(zone) {
      const known = leases.get(zone)
      const isFresh = known !== undefined && known.untilMs - nowMs() >= LEAST_LEFT_MS
      const held = isFresh ? known : await take(zone)
      return held === undefined ? undefined : use(zone, held)
    },
    async stop() {
      await Promise.all([...leases].map(([zone, held]) => drop(zone, held)))
    },
  }
}
