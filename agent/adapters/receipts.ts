import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { readJsonFile, writeJsonFile } from './json-file.ts'

const ReceiptFileSchema = v.strictObject({
  seq: v.number(),
  verifiedAt: v.string(),
  /** Index of the log entry that it proves; `null` where an older version has not kept it. */
  entry: v.exactOptional(v.nullable(v.number()), null),
  receipt: v.unknown(),
})

/** A receipt as the cloud gave it, kept after it was verified. */
export type StoredReceipt = v.InferOutput<typeof ReceiptFileSchema>

/** The last verified receipts. */
export interface Receipts {
  save(receipt: StoredReceipt): Promise<void>
  latest(): Promise<StoredReceipt | null>
}

const KEPT = 20
const FILE_NAME = /^\d{16}\.json$/

/** Keeps the newest receipts in a directory, one file each, named by sequence number. */
export function createReceipts(directory: string): Receipts {
  async function names(): Promise<readonly string[]> {
    const all = await readdir(directory).catch(() => [])
    return all.filter((name) => FILE_NAME.test(name)).sort()
  }

  return {
    save: async (receipt) => {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await writeJsonFile(join(directory, `${String(receipt.seq).padStart(16, '0')}.json`), receipt)
      for (const old of (await names()).slice(0, -KEPT)) {
        await rm(join(directory, old), { force: true })
      }
    },
    latest: async () => {
      const newest = (await names()).at(-1)
      if (newest === undefined) return null
      const path = join(directory, newest)
      return readJsonFile(path, ReceiptFileSchema, `remove it (rm ${path})`)
    },
  }
}
