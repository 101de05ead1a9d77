import { messageOf } from '../shared/errors.ts'
import type { Fqdn } from '../shared/rrset.ts'
import { type CallBudget, createCallBudget } from './call-budget.ts'
import { parsePassMemory } from './domain/pass-memory.ts'
import { type Staleness, stalenessOf } from './domain/staleness.ts'
import { type HealDeps, healZone, type ZoneHealth } from './heal-zone.ts'
import { settleLeft } from './settle-left.ts'

/** What the pass works with. */
export interface PassDeps extends HealDeps {
  /** After how long a host that says nothing is stale, in milliseconds. */
  readonly silentAfterMs: number
  /** Calls of providers that one pass may make; see `DEFAULT_MAX_CALLS`. */
  readonly maxCalls?: number
}

/** What a pass has done. */
export interface PassResult {
  /** Reports that came to their end, and those that did not. */
  readonly settled: number
  readonly open: number
  readonly zones: readonly ZoneHealth[]
  readonly stale: readonly { readonly host: string; readonly staleness: Staleness }[]
  readonly calls: number
}

/**
 * Calls of providers in one pass: reads of up to a hundred RRsets, questions for receipts, flushes. A
 * call may be several HTTP requests; the budgets of `request-budget.ts` bound those.
 */
export const DEFAULT_MAX_CALLS = 100

/**
 * Puts right what reports alone do not: ends reports that were left, flushes what is pending, and
 * writes again what somebody else has changed. Safe at any time, killed at any point, and beside other
 * processes that do the same: each zone is looked at by the holder of its lease. The zone that was
 * looked at longest ago comes first, so that a pass that ends early is fair to all.
 */
export async function runPass(deps: PassDeps): Promise<PassResult> {
  const startedAt = performance.now()
  const budget = createCallBudget(deps.maxCalls ?? DEFAULT_MAX_CALLS)
  const { settled, open, zones: flushed } = await settleLeft(deps)
  for (const zone of flushed) budget.take(deps.providers.get(zone)?.length ?? 0)
  const zones: ZoneHealth[] = []
  for (const zone of await byLastLook(deps)) {
    zones.push(await healOrTell(zone, flushed.has(zone), budget, deps))
  }
  const stale = await findStale(deps)
  const ms = Math.round(performance.now() - startedAt)
  const calls = budget.taken()
  const left = zones.filter(({ kind, pending }) => kind !== 'whole' || pending > 0)
  const repaired = zones.reduce((sum, one) => sum + one.repaired, 0)
  deps.logger.info(
    { event: 'pass', settled, open, repaired, stale: stale.length, calls, left, ms },
    `pass over ${zones.length} zones: ${settled} reports ended, ${repaired} RRsets written again`,
  )
  return { settled, open, zones, stale, calls }
}

async function byLastLook({ zones, repository }: PassDeps): Promise<readonly Fqdn[]> {
  const looks = await Promise.all(
    zones.map(async ({ name }) => {
      const { lastMs } = parsePassMemory(await repository.passMemory(name))
      return { name, lastMs }
    }),
  )
  return looks.sort((a, b) => a.lastMs - b.lastMs).map(({ name }) => name)
}

/** One zone that fails does not keep the others from being looked at. */
async function healOrTell(
  zone: Fqdn,
  isFlushed: boolean,
  budget: CallBudget,
  deps: PassDeps,
): Promise<ZoneHealth> {
  try {
    return await healZone(zone, isFlushed, budget, deps)
  } catch (error) {
    const text = `the pass could not finish ${zone}: ${messageOf(error)}`
    deps.logger.error({ event: 'pass', zone, error }, text)
    return { zone, kind: 'failed', looked: 0, repaired: 0, pending: 0 }
  }
}

async function findStale({
  repository,
  now,
  silentAfterMs,
}: PassDeps): Promise<PassResult['stale']> {
  const nowMs = now().getTime()
  return (await repository.hosts()).flatMap((host) => {
    const staleness = stalenessOf(host, nowMs, silentAfterMs)
    return staleness === undefined ? [] : [{ host: host.name, staleness }]
  })
}
