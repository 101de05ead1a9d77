import { type Fqdn, keyOf, type RRKey } from '../shared/rrset.ts'
import { backOffs, isResting } from './domain/back-off.ts'
import type {
  AuditLog,
  DesiredRow,
  Flushed,
  FlushNote,
  Repository,
  RowOutcome,
  ZoneFlusher,
} from './ports.ts'
import { createRowWriter, type WriteDeps } from './write-rows.ts'
import type { Lease, ZoneLeases } from './zone-lease.ts'

/** What a flush reads and where it writes. */
export interface FlushDeps extends WriteDeps {
  readonly repository: Pick<Repository, 'pending' | 'desired' | 'noteFlushed'>
  readonly log: Pick<AuditLog, 'quiet'>
  readonly leases: ZoneLeases
  readonly sleep: (ms: number) => Promise<void>
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** Looks for what another process has flushed; some seconds in all. */
const MAX_LOOKS = 40
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 250
/** How long a flush waits for reports that are on their way to the log: it writes them as well then. */
const GATHER_MS = 5000
/** How soon an agent may ask again when another process has not told of its rows yet. */
const BUSY_RETRY_MS = 1000

/** Who waits for the outcome of which rows. */
interface Ask {
  readonly keys: readonly RRKey[]
  readonly isAwaited: () => boolean
}

interface Lane {
  tail: Promise<unknown>
  next: { readonly asks: Ask[]; readonly done: Promise<readonly RowOutcome[]> } | undefined
  /** Of the flush that ended last, where another one follows: its lease, and what became of its rows. */
  last: { readonly lease: Lease; readonly written: readonly RowOutcome[] } | undefined
}

/**
 * Flushes one zone at a time: whoever asks while a flush runs shares the one that follows, so a
 * burst of reports costs a handful of provider calls. Of several processes the one with the zone's
 * lease flushes the rows of all; the others find the outcome in the store, or the lease free.
 *
 * An older value never stays over a newer one: within a process flushes follow each other, and what
 * was flushed while the lease was perhaps another's is compared with the rows afterwards.
 */
export function createZoneFlusher(deps: FlushDeps): ZoneFlusher {
  const { repository, leases } = deps
  const lanes = new Map<Fqdn, Lane>()
  const write = createRowWriter(deps)
  const nowMs = (): number => deps.now().getTime()

  async function run(zone: Fqdn, lane: Lane, asks: readonly Ask[]): Promise<readonly RowOutcome[]> {
    const { last } = lane
    lane.last = undefined
    try {
      const lease = await leases.acquire(zone)
      if (lease === undefined) return await awaitHolder(zone, lane, asks)
      return await flushHeld(zone, lane, asks, lease, last?.lease.isHeld() ? last.written : [])
    } finally {
      await last?.lease.release()
    }
  }

  async function flushHeld(
    zone: Fqdn,
    lane: Lane,
    asks: readonly Ask[],
    lease: Lease,
    before: readonly RowOutcome[] = [],
  ): Promise<readonly RowOutcome[]> {
    let written: readonly RowOutcome[] = []
    try {
      await deps.log.quiet(GATHER_MS)
      const { known, wanted, waits } = await readRows(zone, keysOf(asks), before)
      written = await write(zone, wanted, waits)
      await note(zone, written, asks, lease)
      return [...known, ...written]
    } finally {
      if (lane.next === undefined) await lease.release()
      else lane.last = { lease, written: lease.isHeld() ? written.filter(isDone) : [] }
    }
  }

  /**
   * Read with the lease: whatever is newer comes after it. What the flush just before has written is
   * known, although its `applied` entry may not be in the log yet; so is what rests.
   */
  async function readRows(zone: Fqdn, keys: readonly RRKey[], before: readonly RowOutcome[]) {
    const rows = new Map<string, DesiredRow>()
    const justWritten = new Map(before.map((row) => [keyOf(row.key), row]))
    const known: RowOutcome[] = []
    const pending = await repository.pending(zone)
    const atMs = nowMs()
    for (const row of pending) {
      const written = justWritten.get(keyOf(row))
      const outcome = isResting(row, atMs) ? outcomeOf(row, atMs) : undefined
      if (written?.version === row.version) known.push(written)
      else if (outcome !== undefined) known.push(outcome)
      else rows.set(keyOf(row), row)
    }
    // Those of a report that has just come are among them: the rest was flushed before.
    const isKnown = new Set(known.map(({ key }) => keyOf(key)))
    const others = keys.filter((key) => !rows.has(keyOf(key)) && !isKnown.has(keyOf(key)))
    for (const row of await repository.desired(others)) {
      const outcome = row.isApplied ? outcomeOf(row, atMs) : undefined
      if (outcome === undefined) rows.set(keyOf(row), row)
      else known.push(outcome)
    }
    return { known, wanted: [...rows.values()], waits: backOffs(pending, atMs) }
  }

  /**
   * Notes what others than the present askers need: those will append an `applied` entry with it, and
   * the row is marked with that.
   */
  async function note(
    zone: Fqdn,
    written: readonly RowOutcome[],
    asks: readonly Ask[],
    lease: Lease,
  ): Promise<void> {
    const isSure = lease.isHeld()
    const awaited = new Set(keysOf(asks).map(keyOf))
    const noted = written.filter(
      (row) => !isSure || !awaited.has(keyOf(row.key)) || row.retryAfterMs || row.receipts,
    )
    await repository.noteFlushed(noted.map((row) => noteOf(row, nowMs())))
    // Newer rows that were perhaps overwritten are open again.
    if (!isSure) void flush(zone, []).catch(() => undefined)
  }

  /** Another process has the lease: what becomes of the rows is its doing, unless it gives up. */
  async function awaitHolder(
    zone: Fqdn,
    lane: Lane,
    asks: readonly Ask[],
  ): Promise<readonly RowOutcome[]> {
    for (let look = 0; ; look++) {
      const keys = keysOf(asks)
      const rows = keys.length === 0 ? [] : await repository.desired(keys)
      const outcomes = rows.map((row) => outcomeOf(row, nowMs()))
      if (outcomes.every((outcome) => outcome !== undefined)) return outcomes
      if (look >= MAX_LOOKS) {
        return rows.map((row, position) => outcomes[position] ?? stillBusy(row))
      }
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** look)
      await deps.sleep(longest * (0.5 + deps.random() / 2))
      const lease = await leases.acquire(zone)
      if (lease !== undefined) return flushHeld(zone, lane, asks, lease)
    }
  }

  function flush(
    zone: Fqdn,
    keys: readonly RRKey[],
    isAwaited: () => boolean = () => true,
  ): Promise<readonly RowOutcome[]> {
    const known = lanes.get(zone)
    const lane = known ?? { tail: Promise.resolve(), next: undefined, last: undefined }
    lanes.set(zone, lane)
    if (lane.next !== undefined) {
      lane.next.asks.push({ keys, isAwaited })
      return lane.next.done
    }
    const asks: Ask[] = [{ keys, isAwaited }]
    const done = lane.tail.then(() => {
      lane.next = undefined
      return run(zone, lane, asks)
    })
    lane.next = { asks, done }
    lane.tail = done.catch(() => undefined)
    return done
  }

  return { flush }
}

/** The keys that are still waited for. */
function keysOf(asks: readonly Ask[]): readonly RRKey[] {
  return asks.flatMap(({ keys, isAwaited }) => (isAwaited() ? keys : []))
}

/** Whether every provider has taken it, for good as far as is known. */
function isDone({ outcomes, retryAfterMs, receipts }: RowOutcome): boolean {
  const isTaken = outcomes.every(({ outcome }) => outcome !== 'failed')
  return isTaken && retryAfterMs === undefined && receipts === undefined
}

/** What was noted of a row, unless it is time to try again. */
function outcomeOf(row: DesiredRow, nowMs: number): RowOutcome | undefined {
  const { name, type, version, flushed } = row
  if (flushed === undefined) return undefined
  const { outcomes, retryAtMs, receipts } = flushed
  if (retryAtMs !== undefined && retryAtMs <= nowMs) return undefined
  return {
    ...{ key: { name, type }, version, outcomes },
    ...(retryAtMs !== undefined && { retryAfterMs: retryAtMs - nowMs }),
    ...(receipts && { receipts }),
  }
}

function noteOf(row: RowOutcome, nowMs: number): FlushNote {
  const { key, version, outcomes, retryAfterMs, receipts } = row
  const flushed: Flushed = {
    outcomes,
    ...(retryAfterMs !== undefined && { retryAtMs: nowMs + retryAfterMs }),
    ...(receipts && { receipts }),
  }
  const isApplied = outcomes.every(({ outcome }) => outcome !== 'failed')
  return { key, version, flushed, isApplied }
}

function stillBusy({ name, type, version }: DesiredRow): RowOutcome {
  return { key: { name, type }, version, outcomes: [], retryAfterMs: BUSY_RETRY_MS }
}
