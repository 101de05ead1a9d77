import { createBudgetKeeper } from '../../../cloud/dns/http/request-budget.ts'
import { ReprefixError } from '../../../shared/errors.ts'
import type { Fqdn } from '../../../shared/rrset.ts'
import { UNLIMITED } from '../../fakes/dns/unlimited-budget.ts'
import { type BurstHost, startFleet } from './fleet.ts'
import { type Call, countExcess, leastTime } from './limits.ts'
import { trackCrypto } from './tracked-crypto.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'
import { type Account, LATENCY_MS, openAccounts } from './zones.ts'

/** How many hosts renumber, and how far apart. */
export interface BurstPlan {
  readonly hosts: number
  readonly zones: number
  /** All reports are sent within so many milliseconds, evenly. */
  readonly withinMs: number
}

/** What one account saw of a burst, beside the least that its zones need. */
export interface AccountResult {
  readonly service: string
  readonly calls: number
  readonly leastCalls: number
  /** When its last RRset was written, in milliseconds since the first report. */
  readonly writtenMs: number
  readonly leastMs: number
  /** Requests beyond what the service permits. */
  readonly excess: number
}

/** What became of a burst. */
export interface BurstResult extends BurstPlan {
  readonly accounts: readonly AccountResult[]
  /** When the last host had its receipt, in milliseconds since the first report. */
  readonly receiptsMs: number
  /** Reports that were sent, those that had to ask again included. */
  readonly requests: number
  /** What the cloud itself computed, in milliseconds. */
  readonly computedMs: number
}

/**
 * Has every host of a fleet report another prefix at about the same time, to one cloud that keeps to the
 * limits of every service. Services answer after a while; nobody really waits for that.
 */
export async function measureBurst(plan: BurstPlan): Promise<BurstResult> {
  const least = await measureLeast(plan)
  const clock = createVirtualClock()
  const stopTracking = trackCrypto(clock)
  const accounts = await openAccounts(plan.zones, clock, budgetsOf(clock))
  try {
    const zones = accounts.flatMap((account) => account.zones)
    const fleet = await clock.runUntil(startFleet(plan.hosts, zones, clock))
    for (const { calls } of accounts) calls.length = 0
    const startMs = clock.elapsed()
    const startedAt = performance.now()
    const reports = fleet.hosts.map((host, i) =>
      reportAt(host, (plan.withinMs * i) / plan.hosts, clock),
    )
    const requests = await clock.runUntil(Promise.all(reports))
    const receiptsMs = clock.elapsed() - startMs
    for (const { zone, name, value } of fleet.hosts) {
      if (zone.look(name).join() === value) continue
      throw new ReprefixError('LAB_FAILED', `${name} was not moved: ${zone.look(name).join()}`)
    }
    return {
      ...plan,
      receiptsMs,
      requests: requests.reduce((sum, each) => sum + each, 0),
      computedMs: performance.now() - startedAt,
      accounts: accounts.map((account) => resultOf(account, least, startMs, plan)),
    }
  } finally {
    stopTracking()
    for (const { zones } of accounts) for (const zone of zones) await zone.close()
  }
}

/** Sends one report, asks again as told, and gives how often it was sent. */
async function reportAt(host: BurstHost, ms: number, clock: VirtualClock): Promise<number> {
  await clock.sleep(ms)
  const jws = await host.sign()
  for (let sent = 1; ; sent++) {
    const { status, retryAfterSeconds } = await host.post(jws)
    if (status === 200) return sent
    if (status !== 202 && status !== 429 && status !== 503) {
      throw new ReprefixError('LAB_FAILED', `${host.name} was answered ${status}`)
    }
    // As an agent does: when it is told to.
    await clock.sleep(1000 * retryAfterSeconds)
  }
}

/**
 * What it takes when every RRset of a zone is known before the first request, and nobody limits requests;
 * limits are reckoned afterwards. That the adapters need few requests is what `bench -- dns` measures.
 */
async function measureLeast({
  hosts,
  zones,
}: BurstPlan): Promise<ReadonlyMap<string, readonly Call[]>> {
  const clock = createVirtualClock()
  const stopTracking = trackCrypto(clock)
  const accounts = await openAccounts(zones, clock, () => UNLIMITED)
  try {
    const all = accounts.flatMap((account) => account.zones)
    const moves = all.map(async (zone, index) => {
      const count = Math.ceil((hosts - index) / all.length)
      const names = Array.from({ length: count }, (_, i) => `h${i}.${zone.name}` as Fqdn)
      for (const name of names) zone.seed(name, '2001:db8:1::1')
      const { provider } = zone
      const { outcomes } = await provider.apply(
        await provider.findZone(zone.name),
        names.map((name) => {
          const key = { name, type: 'AAAA' as const }
          return { ...key, set: provider.normalise({ ...key, ttl: 60, values: ['2001:db8:2::1'] }) }
        }),
      )
      if (outcomes.every(({ kind }) => kind === 'updated')) return
      throw new ReprefixError('LAB_FAILED', `${zone.name} could not be moved`)
    })
    await clock.runUntil(Promise.all(moves))
    return new Map(accounts.map(({ service, calls }) => [service, calls]))
  } finally {
    stopTracking()
    for (const { zones: open } of accounts) for (const zone of open) await zone.close()
  }
}

function budgetsOf(clock: VirtualClock) {
  return createBudgetKeeper({ now: clock.now, sleep: clock.sleep })
}

function resultOf(
  { service, limits, calls }: Account,
  least: ReadonlyMap<string, readonly Call[]>,
  startMs: number,
  { withinMs }: BurstPlan,
): AccountResult {
  const leastCalls = least.get(service) ?? []
  return {
    service,
    calls: calls.length,
    leastCalls: leastCalls.length,
    writtenMs: endOf(calls.filter(({ intent }) => intent === 'write')) - startMs,
    // Until the last report comes, all others may be written, and all limits be fresh again.
    leastMs: Math.max(
      withinMs + LATENCY_MS,
      endOf(leastCalls),
      leastTime(limits, leastCalls) + LATENCY_MS,
    ),
    excess: countExcess(limits, calls),
  }
}

/** When the last request was answered, in milliseconds of the clock. */
function endOf(calls: readonly Call[]): number {
  return Math.max(...calls.map(({ atMs }) => atMs)) + LATENCY_MS
}
