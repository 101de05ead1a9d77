import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { isReprefixError } from '../../shared/errors.ts'
import { reportSchema } from '../../shared/report.ts'
import { foldReports, type WaitingReport } from '../domain/report-folding.ts'
import { readJsonFile, writeJsonFile } from './json-file.ts'
import { readSegment, writeSegment } from './outbox-segment.ts'

export type { ReportBody } from '../domain/report-folding.ts'

/** A signed report exactly as it is sent, and sent again. */
export interface SignedReport {
  readonly seq: number
  readonly jws: string
  /** Size of the log that the report names as its witness. */
  readonly witnessSize: number
}

/** One waiting report; `signed` is `null` until it was about to be sent for the first time. */
export interface OutboxEntry extends WaitingReport {
  readonly signed: SignedReport | null
  /** Kept together with others and without its steps, see `Outbox.fold`. */
  readonly isFolded: boolean
}

/** What is in an outbox. */
export interface OutboxContent {
  /** Every waiting report, oldest first. */
  readonly entries: readonly OutboxEntry[]
  /** Files that are not readable as reports. */
  readonly damaged: readonly string[]
}

/** Reports that have no verified receipt yet, oldest first. */
export interface Outbox {
  /** Reads everything that waits and changes nothing; a damaged file is named, never a fault. */
  read(): Promise<OutboxContent>
  /**
   * Puts the directory in order for the one agent that works with it, then reads it: removes what a
   * killed agent left half written, what was folded already and what is settled (`settled` and below),
   * and sets damaged files aside under a name of their own.
   */
  open(settled: number): Promise<OutboxContent>
  /** Puts an entry on disk, new or changed; durable when it returns. */
  save(entry: OutboxEntry): Promise<void>
  /**
   * Folds entries that were never sent into one file, see `foldReports`. What was folded is durable
   * before the files it replaces are removed. Gives what remains of them.
   */
  fold(entries: readonly OutboxEntry[]): Promise<readonly OutboxEntry[]>
  /** Removes what has its receipt: everything with this id or a lower one. */
  settle(id: number): Promise<void>
}

const EntrySchema = v.strictObject({
  at: v.exactOptional(v.nullable(v.string()), null),
  body: v.pick(reportSchema, ['prefix', 'records', 'steps']),
  signed: v.nullable(v.strictObject({ seq: v.number(), jws: v.string(), witnessSize: v.number() })),
})

const ID_DIGITS = 15
const FILE_NAME = /^(\d{15})\.json$/
const SEGMENT_NAME = /^(\d{15})-(\d{15})\.ndjson$/
const HALF_WRITTEN = /^\..*\.new$/
const DAMAGED = '.damaged'

interface Segment {
  readonly path: string
  readonly first: number
  readonly last: number
}

function nameOf(id: number): string {
  return String(id).padStart(ID_DIGITS, '0')
}

function asFolded(waiting: WaitingReport): OutboxEntry {
  return { ...waiting, signed: null, isFolded: true }
}

/**
 * Keeps the outbox in a directory: `ID.json` for a report kept whole, `FIRST-LAST.ndjson` for many that
 * were folded. A report that is about to be sent is kept whole again, and counts before its fold.
 */
export function createOutbox(directory: string): Outbox {
  const pathOf = (id: number): string => join(directory, `${nameOf(id)}.json`)
  let segments: readonly Segment[] = []

  async function names(): Promise<readonly string[]> {
    return readdir(directory).catch(() => [])
  }

  function segmentsIn(all: readonly string[]): readonly Segment[] {
    return all.flatMap((name) => {
      const [, first, last] = SEGMENT_NAME.exec(name) ?? []
      if (first === undefined || last === undefined) return []
      return [{ path: join(directory, name), first: Number(first), last: Number(last) }]
    })
  }

  async function readWhole(path: string, id: number): Promise<OutboxEntry | null> {
    const stored = await readJsonFile(path, EntrySchema, 'set it aside')
    return stored && { id, ...stored, isFolded: false }
  }

  async function read(): Promise<OutboxContent> {
    const all = await names()
    const found = new Map<number, OutboxEntry>()
    const damaged: string[] = []
    const keep = async (path: string, load: () => Promise<readonly (OutboxEntry | null)[]>) => {
      try {
        for (const entry of await load()) if (entry) found.set(entry.id, entry)
      } catch (cause) {
        if (!isReprefixError(cause, 'STATE_CORRUPT')) throw cause
        damaged.push(path)
      }
    }
    const folds = segmentsIn(all)
    for (const { path } of folds) {
      await keep(path, async () => (await readSegment(path)).map(asFolded))
    }
    for (const name of all) {
      const id = Number(FILE_NAME.exec(name)?.[1] ?? Number.NaN)
      if (Number.isNaN(id)) continue
      const isFolded = folds.some(({ first, last }) => first <= id && id <= last)
      await keep(join(directory, name), async () => {
        const entry = await readWhole(join(directory, name), id)
        // Only what was sent is kept whole beside its fold; anything else was being folded.
        return isFolded && entry?.signed === null ? [] : [entry]
      })
    }
    const entries = [...found.values()].toSorted((a, b) => a.id - b.id)
    return { entries, damaged }
  }

  async function open(settled: number): Promise<OutboxContent> {
    for (const name of await names()) {
      if (HALF_WRITTEN.test(name)) await rm(join(directory, name), { force: true })
    }
    const { entries, damaged } = await read()
    for (const path of damaged) await rename(path, `${path}${DAMAGED}`)
    const waiting = entries.filter(({ id }) => id > settled)
    segments = segmentsIn(await names())
    await removeSegments(settled)
    const kept = new Set(waiting.map(({ id }) => id))
    for (const name of await names()) {
      const id = Number(FILE_NAME.exec(name)?.[1] ?? Number.NaN)
      if (Number.isNaN(id)) continue
      const isFolded = segments.some(({ first, last }) => first <= id && id <= last)
      const isSigned = entries.some((entry) => entry.id === id && entry.signed !== null)
      if (!kept.has(id) || (isFolded && !isSigned)) await rm(pathOf(id), { force: true })
    }
    return { entries: waiting, damaged: damaged.map((path) => `${path}${DAMAGED}`) }
  }

  async function removeSegments(settled: number): Promise<void> {
    const done = segments.filter(({ last }) => last <= settled)
    segments = segments.filter((segment) => !done.includes(segment))
    for (const { path } of done) await rm(path, { force: true })
  }

  return {
    read,
    open,
    save: async ({ id, at, body, signed }) => {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await writeJsonFile(pathOf(id), { at, body, signed })
    },
    fold: async (entries) => {
      const [first, last] = [entries[0]?.id, entries.at(-1)?.id]
      if (first === undefined || last === undefined) return []
      const path = join(directory, `${nameOf(first)}-${nameOf(last)}.ndjson`)
      await writeSegment(path, foldReports(entries))
      segments = [...segments, { path, first, last }]
      for (const { id } of entries) await rm(pathOf(id), { force: true })
      return (await readSegment(path)).map(asFolded)
    },
    settle: async (id) => {
      await rm(pathOf(id), { force: true })
      await removeSegments(id)
    },
  }
}
