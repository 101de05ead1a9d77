import { parseEntry } from '../shared/entry.ts'
import { messageOf } from '../shared/errors.ts'
import type { Fqdn } from '../shared/rrset.ts'
import { zoneOf } from './domain/authorise-report.ts'
import type { StoredReport } from './ports.ts'
import { applyReport, type SettleDeps } from './settle-report.ts'

/** What became of the reports that were left without an end. */
export interface SettledLeft {
  readonly settled: number
  /** Those for which a provider wants to be asked later, or the store has failed. */
  readonly open: number
  /** Zones that were flushed for them. */
  readonly zones: ReadonlySet<Fqdn>
}

/** Younger ones are probably just being answered, or asked for again. */
const LEAST_AGE_MS = 30_000
/** How many are brought to an end at once: they share flushes and commits. */
const AT_ONCE = 50
/** How many one pass takes up. */
const MAX_REPORTS = 500

/**
 * Brings reports to their end whose agent did not come back for it, and those of a process that was
 * killed between log and DNS: what they ask for is written, and the `applied` entry is appended.
 */
export async function settleLeft(deps: SettleDeps): Promise<SettledLeft> {
  const zones = new Set<Fqdn>()
  const latest = deps.now().getTime() - LEAST_AGE_MS
  let [settled, open, start] = [0, 0, 0]
  for (let taken = 0; taken < MAX_REPORTS; taken += AT_ONCE) {
    const left = await deps.repository.unfinished(start, AT_ONCE)
    const last = left.at(-1)
    if (last === undefined) break
    start = last.index + 1
    const due = await hostsOf(left, latest, deps)
    for (const { stored } of due) {
      for (const { name } of stored.keys) {
        const zone = zoneOf(name, deps.zones)?.name
        if (zone !== undefined) zones.add(zone)
      }
    }
    const done = await Promise.all(due.map(({ stored, host }) => settle(stored, host, deps)))
    settled += done.filter((isDone) => isDone).length
    open += done.filter((isDone) => !isDone).length
  }
  return { settled, open, zones }
}

/** Those that are old enough, with the host that their entries name. */
async function hostsOf(left: readonly StoredReport[], latest: number, deps: SettleDeps) {
  const rows = await deps.repository.rows(left.map(({ index }) => index))
  return left.flatMap((stored, position) => {
    const entry = readEntry(rows[position]?.entry ?? '', stored, deps)
    const isDue = entry?.kind === 'report' && Date.parse(entry.at) <= latest
    return isDue ? [{ stored, host: entry.host }] : []
  })
}

/** One damaged entry, of which `audit verify` tells, does not hold up the reports beside it. */
function readEntry(text: string, { index }: StoredReport, { logger }: SettleDeps) {
  try {
    return parseEntry(text)
  } catch (error) {
    const told = `entry ${index} of the log cannot be read: its report is left without an end`
    logger.error({ event: 'pass', index, error }, told)
    return undefined
  }
}

async function settle(stored: StoredReport, host: string, deps: SettleDeps): Promise<boolean> {
  try {
    return (await applyReport(stored, host, deps)).kind === 'applied'
  } catch (error) {
    const text = `report ${stored.seq} of ${host} could not be brought to its end: ${messageOf(error)}`
    deps.logger.error({ event: 'pass', host, seq: stored.seq, error }, text)
    return false
  }
}
