import * as v from 'valibot'
import type { RRKey } from '../../shared/rrset.ts'
import { nameSchema } from '../../shared/schema.ts'

const repairSchema = v.object({
  /** Name and type, as `keyOf` gives them. */
  key: v.string(),
  version: v.number(),
  count: v.number(),
  sinceMs: v.number(),
  lastMs: v.number(),
})
const memorySchema = v.object({
  lastMs: v.number(),
  after: v.exactOptional(v.object({ name: nameSchema, type: v.picklist(['A', 'AAAA', 'TXT']) })),
  repairs: v.array(repairSchema),
  waits: v.record(v.string(), v.number()),
})

/** What the pass keeps of one zone from one time to the next. Times are Unix milliseconds. */
export interface PassMemory {
  /** When the zone was looked at last; 0 for never. */
  readonly lastMs: number
  /** The RRset that was looked at last; the next time goes on after it. */
  readonly after?: RRKey
  /** RRsets that were written again lately. */
  readonly repairs: readonly Repair[]
  /** Until when providers want to be left alone, by name. */
  readonly waits: Readonly<Record<string, number>>
}

/** How often one version of an RRset was written again: since when, and when the last time. */
export type Repair = v.InferOutput<typeof repairSchema>

/** Nothing is known of the zone yet. */
export const NO_MEMORY: PassMemory = { lastMs: 0, repairs: [], waits: {} }

const DAY_MS = 86_400_000
/** How often in a day an RRset is written again that somebody else writes too. */
export const MAX_REPAIRS_A_DAY = 3
const MAX_REMEMBERED = 1000

/** What was kept; nothing where it cannot be read, as it only spares work. */
export function parsePassMemory(text: string | undefined): PassMemory {
  if (text === undefined) return NO_MEMORY
  try {
    return v.parse(memorySchema, JSON.parse(text))
  } catch {
    return NO_MEMORY
  }
}

/** Whether an RRset is written again; `contested` the first time that it is not, then `left`. */
export interface RepairDecision {
  readonly kind: 'repair' | 'contested' | 'left'
  readonly repairs: readonly Repair[]
}

/**
 * Writes an RRset again at most three times a day: whoever writes it over and over would only be fought
 * with, and both records of it are in the log. A report that decides the RRset anew begins anew.
 */
export function decideRepair(
  repairs: readonly Repair[],
  about: { readonly key: string; readonly version: number },
  nowMs: number,
): RepairDecision {
  const recent = repairs.filter(({ sinceMs }) => sinceMs > nowMs - DAY_MS && sinceMs <= nowMs)
  const others = recent.filter(({ key }) => key !== about.key)
  const known = recent.find((one) => one.key === about.key && one.version === about.version)
  const count = (known?.count ?? 0) + 1
  const counted = { ...about, count, sinceMs: known?.sinceMs ?? nowMs, lastMs: nowMs }
  const kept = [...others, counted].slice(-MAX_REMEMBERED)
  if (count <= MAX_REPAIRS_A_DAY) return { kind: 'repair', repairs: kept }
  return { kind: count === MAX_REPAIRS_A_DAY + 1 ? 'contested' : 'left', repairs: kept }
}
