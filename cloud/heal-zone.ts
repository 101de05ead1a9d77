import { parseEntry } from '../shared/entry.ts'
import { type Fqdn, keyOf } from '../shared/rrset.ts'
import { askReceipts } from './ask-receipts.ts'
import type { CallBudget } from './call-budget.ts'
import type { AuthoritativeDns } from './dns/verify/authoritative-dns.ts'
import { createProxyFinder } from './dns/verify/find-proxied.ts'
import { backOffs } from './domain/back-off.ts'
import type { DnsProvider } from './domain/dns-provider.ts'
import { decideRepair, type PassMemory, parsePassMemory } from './domain/pass-memory.ts'
import type { DesiredRow } from './ports.ts'
import type { SettleDeps } from './settle-report.ts'
import { type Drift, findDrift } from './verify-zone.ts'
import type { ZoneLeases } from './zone-lease.ts'

/** What one zone is put right with. */
export interface HealDeps extends SettleDeps {
  readonly leases: ZoneLeases
  readonly providers: ReadonlyMap<Fqdn, readonly DnsProvider[]>
  /** Asked for what is served where a provider cannot be read; without it that is not looked at. */
  readonly dns?: AuthoritativeDns
}

/** What the pass has found in one zone and done there. */
export interface ZoneHealth {
  readonly zone: Fqdn
  /** `busy`: another process has its lease; `partly`: more is left for the next pass. */
  readonly kind: 'whole' | 'partly' | 'busy' | 'failed'
  /** RRsets that were compared. */
  readonly looked: number
  /** RRsets that were found otherwise, logged, and written again. */
  readonly repaired: number
  /** RRsets that are still not at all providers. */
  readonly pending: number
}

/** Rows that are compared at once. */
const PAGE = 100
/** Longer than all but the slowest services take to publish what they have accepted. */
const PUBLISH_MS = 900_000

interface Found {
  looked: number
  drifts: readonly Drift[]
  memory: PassMemory
  isWhole: boolean
}

/** Flushes what is pending in a zone, compares it with its providers, and writes again what differs. */
export async function healZone(
  zone: Fqdn,
  isFlushed: boolean,
  budget: CallBudget,
  deps: HealDeps,
): Promise<ZoneHealth> {
  const { repository, flusher } = deps
  const lease = await deps.leases.acquire(zone)
  if (lease === undefined) return { zone, kind: 'busy', looked: 0, repaired: 0, pending: 0 }
  try {
    const providers = deps.providers.get(zone) ?? []
    const before = await repository.pending(zone)
    const isAsked = !isFlushed && before.length > 0 && budget.take(providers.length)
    if (isAsked) await flusher.flush(zone, [])
    const found = await look(zone, providers, before, budget, deps)
    const { drifts, memory } = decide(found, deps)
    const repaired = await appendDrift(zone, drifts, deps)
    // Kept before the flush: whoever is killed between the two must count the repair.
    await repository.keepPassMemory(zone, JSON.stringify(memory))
    // What is logged is written, whatever is left of the budget.
    if (repaired > 0) await flusher.flush(zone, [])
    const pending = await repository.pending(zone)
    const kind = found.isWhole ? 'whole' : 'partly'
    return { zone, kind, looked: found.looked, repaired, pending: pending.length }
  } finally {
    await lease.release()
  }
}

/** Goes on where the last pass has stopped, to the end of the zone or of the budget. */
async function look(
  zone: Fqdn,
  providers: readonly DnsProvider[],
  pending: readonly DesiredRow[],
  budget: CallBudget,
  deps: HealDeps,
): Promise<Found> {
  const nowMs = deps.now().getTime()
  const memory = parsePassMemory(await deps.repository.passMemory(zone))
  const asked = backOffs(pending, nowMs)
  const waits = Object.entries(memory.waits).filter(([, untilMs]) => untilMs > nowMs)
  const waiting = new Map<string, number>([
    ...waits,
    ...[...asked].map(([id, waitMs]) => [id, nowMs + waitMs] as const),
  ])
  const findProxied = createProxyFinder(deps.providers, deps.logger)
  const drifts: Drift[] = []
  let [looked, after, isWhole, hasLooked] = [0, memory.after, false, false]
  for (;;) {
    const due = providers.filter(({ id }) => !waiting.has(id))
    if (due.length === 0 || !budget.take(due.length)) break
    if (hasLooked) await flushFresh(zone, deps)
    hasLooked = true
    const page = await deps.repository.desiredIn(zone, { after, limit: PAGE })
    const lost = await askReceipts(page, due, budget, deps)
    drifts.push(...lost)
    const isLost = new Set(lost.map(({ row }) => keyOf(row)))
    // A withdrawn RRset that is gone may be somebody else's from now on.
    const settled = page.filter(
      (row) => row.isApplied && row.set !== null && !isLost.has(keyOf(row)),
    )
    const found = await findDrift(zone, settled, due, deps.dns, findProxied)
    const owned = await leaveUnowned(found.drifts, deps)
    drifts.push(...(await leaveFresh(owned, due, memory, deps)))
    for (const { provider, message, retryAfterMs = 0 } of found.faults) {
      waiting.set(provider, nowMs + retryAfterMs)
      const fields = { event: 'pass', zone, provider, retryAfterMs }
      deps.logger.warn(
        fields,
        `${provider} could not be compared with what was reported: ${message}`,
      )
    }
    looked += settled.length
    const last = page.at(-1)
    isWhole = page.length < PAGE
    after = isWhole || last === undefined ? undefined : { name: last.name, type: last.type }
    if (isWhole) break
  }
  const next: PassMemory = {
    ...{
      lastMs: hasLooked ? nowMs : memory.lastMs,
      repairs: memory.repairs,
      waits: Object.fromEntries(waiting),
    },
    ...(after && { after }),
  }
  return { looked, drifts, memory: next, isWhole }
}

/** Reports of other processes wait for who has the lease, and a look may take long. */
async function flushFresh(zone: Fqdn, { repository, flusher }: HealDeps): Promise<void> {
  const pending = await repository.pending(zone)
  if (pending.some(({ flushed }) => flushed === undefined)) await flusher.flush(zone, [])
}

/**
 * Leaves out names that belong to no host any more. The records of one that was revoked stay as they
 * are, and whoever takes them away, or points them elsewhere, is right.
 */
async function leaveUnowned(
  drifts: readonly Drift[],
  { repository }: HealDeps,
): Promise<readonly Drift[]> {
  const owners = await repository.owners([...new Set(drifts.map(({ row }) => row.name))])
  return drifts.filter(({ row }) => owners.has(row.name))
}

/**
 * Leaves out what a provider has perhaps not published yet, so that what it shows is what was there before:
 * where it says so by a receipt, and for a quarter of an hour where nothing tells.
 */
async function leaveFresh(
  drifts: readonly Drift[],
  providers: readonly DnsProvider[],
  { repairs }: PassMemory,
  { repository, now }: HealDeps,
): Promise<readonly Drift[]> {
  const slow = new Set(
    providers.flatMap(({ id, caps }) => (caps.publish === 'sync' && caps.readable ? [] : [id])),
  )
  const doubtful = drifts.filter(({ record }) => slow.has(record.provider))
  const entries = await repository.rows([...new Set(doubtful.map(({ row }) => row.version))])
  const reportedAt = new Map(entries.map(({ index, entry }) => [index, parseEntry(entry).at]))
  const latest = now().getTime() - PUBLISH_MS
  const isFresh = ({ row, record }: Drift): boolean =>
    row.flushed?.receipts?.some(({ provider }) => provider === record.provider) ||
    Date.parse(reportedAt.get(row.version) ?? '') > latest ||
    repairs.some(({ key, lastMs }) => key === keyOf(row) && lastMs > latest)
  return drifts.filter((drift) => !slow.has(drift.record.provider) || !isFresh(drift))
}

/** Leaves those alone that somebody else writes over and over. */
function decide({ drifts, memory }: Found, { now, logger }: HealDeps) {
  let { repairs } = memory
  const decided = new Map<string, boolean>()
  for (const { row, record } of drifts) {
    const key = keyOf(row)
    if (decided.has(key)) continue
    const decision = decideRepair(repairs, { key, version: row.version }, now().getTime())
    repairs = decision.repairs
    decided.set(key, decision.kind === 'repair')
    if (decision.kind !== 'contested') continue
    const { name, type, provider, found } = record
    const text =
      `${name} ${type} at ${provider} is written by somebody else over and over, with ` +
      `${found.join(' ') || 'nothing'}; it is left so for a day, or until its host reports it anew`
    logger.error({ event: 'contested', provider, name, type, found }, text)
  }
  const wanted = drifts.filter(({ row }) => decided.get(keyOf(row)))
  return { drifts: wanted, memory: { ...memory, repairs } }
}

/** Write-ahead: the entry, and the rows that are not applied any more, in one commit; gives how many. */
async function appendDrift(
  zone: Fqdn,
  drifts: readonly Drift[],
  { log, repository, now, logger }: HealDeps,
): Promise<number> {
  let reopened = 0
  for (let start = 0; start < drifts.length; start += PAGE / 2) {
    const some = drifts.slice(start, start + PAGE / 2)
    const keys = some.map(({ row: { name, type } }) => ({ name, type }))
    let kept: readonly Drift[] = []
    const appended = await log.append(async () => {
      const rows = new Map((await repository.desired(keys)).map((row) => [keyOf(row), row]))
      // A report that has come since decides the RRset, and writes it.
      kept = some.filter(({ row }) => rows.get(keyOf(row))?.version === row.version)
      if (kept.length === 0) return null
      const records = kept.map(({ record }) => record)
      const unique = new Map(kept.map(({ row }) => [keyOf(row), row]))
      return {
        entry: { v: 1, kind: 'drift', at: now().toISOString(), zone, records },
        writes: [...unique.values()].map(({ name, type, version }) => {
          return { kind: 'reopen', key: { name, type }, version } as const
        }),
      }
    })
    if (appended === null) continue
    reopened += new Set(kept.map(({ row }) => keyOf(row))).size
    for (const { record } of kept) {
      const { name, type, provider, cause, found } = record
      const fields = { event: 'drift', provider, name, type, cause, found, index: appended.index }
      logger.warn(fields, `${name} ${type} at ${provider} is not as reported: it is written again`)
    }
  }
  return reopened
}
