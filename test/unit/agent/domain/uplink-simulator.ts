import { desire } from '../../../../agent/domain/desired.ts'
import type {
  AddressState,
  Instant,
  Intent,
  Observed,
  PrefixDecision,
  UplinkSnapshot,
} from '../../../../agent/domain/model.ts'
import { type Numbering, UNNUMBERED } from '../../../../agent/domain/numbering.ts'
import { passUplinks } from '../../../../agent/domain/uplink-pass.ts'
import { type Address, parseAddress, parsePrefix, splice } from '../../../../shared/ipv6.ts'

export const START: Instant = Date.UTC(2026, 0, 1)
export const DAY = 86_400
const TWO_HOURS = 7200
const IID = parseAddress('::5eff:fe00:5301')
const TEMPORARY_IID = parseAddress('::1598:b7da:f2f4:c5fa')

/** One prefix information option (RFC 4861 §4.6.2); lifetimes in seconds. */
export interface Announced {
  readonly prefix: string
  readonly valid?: number | null
  readonly preferred?: number | null
}

interface KernelAddress {
  readonly address: Address
  readonly isTemporary: boolean
  readonly isDynamic: boolean
  readonly isTentative: boolean
  readonly isDadFailed: boolean
  readonly stampedAt: Instant
  readonly valid: number | null
  readonly preferred: number | null
}

/** What a Linux uplink does with announcements (RFC 4862 §5.5.3), on a clock that tests turn. */
export function createUplink(options: { readonly temporary?: boolean } = {}) {
  let addresses: KernelAddress[] = []
  let routers = 1

  function elapsed(since: Instant, at: Instant): number {
    return Math.floor((at - since) / 1000)
  }

  function remaining(lifetime: number | null, since: Instant, at: Instant): number | null {
    return lifetime === null ? null : Math.max(0, lifetime - elapsed(since, at))
  }

  function put(entry: KernelAddress): void {
    addresses = [...addresses.filter(({ address }) => address !== entry.address), entry]
  }

  return {
    /** A router advertisement arrives. */
    advertise(at: Instant, announced: readonly Announced[], flags: Partial<KernelAddress> = {}) {
      for (const { prefix, valid = DAY, preferred = 14_400 } of announced) {
        const address = splice(parsePrefix(prefix), IID)
        const known = addresses.find((entry) => entry.address === address)
        const left = known ? remaining(known.valid, known.stampedAt, at) : 0
        if (!known && valid === 0) continue
        // The two-hour rule: an unauthenticated announcement cannot make an address expire at once.
        const isHonoured = valid === null || valid > TWO_HOURS || (left !== null && valid > left)
        const kept = left !== null && left <= TWO_HOURS ? left : TWO_HOURS
        put({
          address,
          isTemporary: false,
          isDynamic: true,
          isTentative: false,
          isDadFailed: false,
          stampedAt: at,
          valid: isHonoured ? valid : kept,
          preferred,
          ...flags,
        })
        if (options.temporary) {
          put({
            address: splice(parsePrefix(prefix), TEMPORARY_IID),
            isTemporary: true,
            isDynamic: true,
            isTentative: false,
            isDadFailed: false,
            stampedAt: at,
            valid: 40,
            preferred: 16,
          })
        }
      }
    },
    addStatic(prefix: string) {
      put({
        address: splice(parsePrefix(prefix), parseAddress('::5')),
        isTemporary: false,
        isDynamic: false,
        isTentative: false,
        isDadFailed: false,
        stampedAt: START,
        valid: null,
        preferred: null,
      })
    },
    linkDown() {
      addresses = addresses.filter(({ isDynamic }) => !isDynamic)
    },
    setRouters(count: number) {
      routers = count
    },
    deprecate(address: Address) {
      addresses = addresses.map((entry) =>
        entry.address === address ? { ...entry, preferred: 0 } : entry,
      )
    },
    /** The kernel's monotonic time is `at`; the snapshot does not depend on the wall clock. */
    snapshot(at: Instant): UplinkSnapshot {
      addresses = addresses.filter(
        ({ valid, stampedAt }) => valid === null || remaining(valid, stampedAt, at) !== 0,
      )
      return {
        interface: 'eth0',
        isPresent: true,
        routers,
        addresses: addresses.map((entry): AddressState => {
          const preferredSeconds = remaining(entry.preferred, entry.stampedAt, at)
          return {
            address: entry.address,
            length: 64,
            preferredSeconds,
            validSeconds: remaining(entry.valid, entry.stampedAt, at),
            isTemporary: entry.isTemporary,
            isDeprecated: preferredSeconds === 0,
            isTentative: entry.isTentative,
            isDadFailed: entry.isDadFailed,
            isDynamic: entry.isDynamic,
          }
        }),
      }
    },
  }
}

export type Uplink = ReturnType<typeof createUplink>

export const INTENT: Intent = {
  uplink: 'eth0',
  prefixLength: 64,
  within: [parsePrefix('2000::/3')],
  settleMs: 1000,
  source: 'slaac',
  others: [],
  networks: {},
  networkUplinks: {},
  endpoints: [],
  proxy: 'none',
  firewall: { backend: 'none', default: 'drop' },
}

/** The part of the agent that chooses the prefix, run over a simulated uplink. */
export function createChooser(uplink: Uplink, settleMs = 1000) {
  let numbering: Numbering = UNNUMBERED
  let skewMs = 0
  const renumberings: string[] = []
  let last: PrefixDecision = { kind: 'hold', reason: 'not yet' }

  return {
    get numbering() {
      return numbering
    },
    get last() {
      return last
    },
    /** Every change so far, as `cause prefix`. */
    renumberings,
    /** From now on the wall clock shows this much more than the kernel's. */
    skewClock(ms: number) {
      skewMs = ms
    },
    /** One pass: what the reconciler does, the uplink's own addresses included. */
    pass(at: Instant): PrefixDecision {
      const now = at + skewMs
      const snapshot = uplink.snapshot(at)
      const observed: Observed = {
        uplinks: [snapshot],
        networks: [],
        containers: [],
        routes: [],
        proxy: null,
        firewall: null,
      }
      const intent = { ...INTENT, settleMs }
      const before = { uplinks: { eth0: numbering } }
      const { main } = passUplinks(before, observed, intent, now)
      numbering = main.numbering
      last = main.decision
      if (last.kind === 'renumber') renumberings.push(`${last.cause} ${last.to}`)
      const after = { uplinks: { eth0: numbering } }
      for (const { address } of desire(observed, after, INTENT, now).desired.uplink) {
        uplink.deprecate(address)
      }
      return last
    },
  }
}

export type Chooser = ReturnType<typeof createChooser>
