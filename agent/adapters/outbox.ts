import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { type Report, reportSchema } from '../../shared/report.ts'
import { readJsonFile, writeJsonFile } from './json-file.ts'

/** What a report says of the host; sequence, witness and signature are added when it is sent. */
export type ReportBody = Pick<Report, 'prefix' | 'records' | 'steps'>

/** A signed report exactly as it is sent, and sent again. */
export interface SignedReport {
  readonly seq: number
  readonly jws: string
  /** Size of the log that the report names as its witness. */
  readonly witnessSize: number
}

/** One waiting report; `signed` is `null` until it was about to be sent for the first time. */
export interface OutboxEntry {
  /** Orders the entries; rises with time and survives restarts. */
  readonly id: number
  readonly body: ReportBody
  readonly signed: SignedReport | null
}

/** Reports that have no verified receipt yet, oldest first, each in a file of its own. */
export interface Outbox {
  /** Every waiting report, oldest first. */
  list(): Promise<readonly OutboxEntry[]>
  /** Puts an entry on disk, new or changed; durable when it returns. */
  save(entry: OutboxEntry): Promise<void>
  remove(id: number): Promise<void>
}

const EntrySchema = v.strictObject({
  body: v.pick(reportSchema, ['prefix', 'records', 'steps']),
  signed: v.nullable(v.strictObject({ seq: v.number(), jws: v.string(), witnessSize: v.number() })),
})

const ID_DIGITS = 15
const FILE_NAME = /^(\d{15})\.json$/

/** Keeps the outbox in a directory. A damaged entry is STATE_CORRUPT: it is never dropped silently. */
export function createOutbox(directory: string): Outbox {
  const pathOf = (id: number): string =>
    join(directory, `${String(id).padStart(ID_DIGITS, '0')}.json`)

  async function ids(): Promise<readonly number[]> {
    const names = await readdir(directory).catch(() => [])
    return names
      .flatMap((name) => FILE_NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b)
  }

  return {
    list: async () => {
      const entries: OutboxEntry[] = []
      for (const id of await ids()) {
        const path = pathOf(id)
        const stored = await readJsonFile(
          path,
          EntrySchema,
          `remove it: the agent reports its present state again (rm ${path})`,
        )
        if (stored) entries.push({ id, ...stored })
      }
      return entries
    },
    save: async ({ id, body, signed }) => {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await writeJsonFile(pathOf(id), { body, signed })
    },
    remove: (id) => rm(pathOf(id), { force: true }),
  }
}
