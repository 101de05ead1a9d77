import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { readJsonFile, writeJsonFile } from './json-file.ts'

const ReceiptFileSchema = v.strictObject({
  seq: v.number(),
  verifiedAt: v.string(),
  /** Index of the log entry that it proves; `null` where an older version has not kept it. */
  entry: v.exactOptional(v.nullable(v.number()), null),
  /** The report that it answers, as it was sent; `null` where an older version has not kept it. */
  jws: v.exactOptional(v.nullable(v.string()), null),
  receipt: v.unknown(),
})

/** A receipt as the cloud gave it, kept after it was verified. */
export type StoredReceipt = v.InferOutput<typeof ReceiptFileSchema>

/** The last verified receipts. */
export interface Receipts {
  save(receipt: StoredReceipt): Promise<void>
  latest(): Promise<StoredReceipt | null>
  /** The files of all that are kept, oldest first. */
  files(): Promise<readonly string[]>
}

const KEPT = 20
const FILE_NAME = /^\d{16}\.json$/

/** Reads one receipt; `null` when there is no such file. */
export function readReceiptFile(path: string): Promise<StoredReceipt | null> {
  return readJsonFile(path, ReceiptFileSchema, `remove it (rm ${path})`)
}

/** The name of the file of a report's receipt. */
export function receiptFileName(seq: number): string {
  return `${String(seq).padStart(16, '0')}.json`
}

/** Keeps the newest receipts in a directory, one file each, named by sequence number. */
export function createReceipts(directory: string): Receipts {
  async function names(): Promise<readonly string[]> {
    const all = await readdir(directory).catch(() => [])
    return all.filter((name) => FILE_NAME.test(name)).sort()
  }

  return {
    save: async (receipt) => {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await writeJsonFile(join(directory, receiptFileName(receipt.seq)), receipt)
      for (const old of (await names()).slice(0, -KEPT)) {
        await rm(join(directory, old), { force: true })
      }
    },
    latest: async () => {
      const newest = (await names()).at(-1)
      return newest === undefined ? null : readReceiptFile(join(directory, newest))
    },
    files: async () => (await names()).map((name) => join(directory, name)),
  }
}

/** Receipts of a former key stay as proofs, beside the directory: they are none of the present key's. */
export async function setReceiptsAside(directory: string, now: Date): Promise<void> {
  const until = now.toISOString().replaceAll(':', '-')
  await rename(directory, `${directory}-until-${until}`).catch((cause: unknown) => {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause
  })
}
