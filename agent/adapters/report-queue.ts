import type { Outbox, OutboxEntry, ReportBody, SignedReport } from './outbox.ts'

/** Reports kept whole; when there are more, the older half of them is folded. */
const MAX_WHOLE = 256

/** The reports that wait for their receipts, oldest first. */
export interface ReportQueue {
  oldest(): OutboxEntry | undefined
  newest(): OutboxEntry | undefined
  /** How many wait. */
  waiting(): number
  /** Whether none on disk waits any more. */
  isSent(): boolean
  /** Adds one in memory alone. */
  add(entry: OutboxEntry): void
  /**
   * Writes what was added to disk, signed if its turn has come; `onSaved` is called after each. What
   * could not be written stays in memory, and its turn comes with the next call.
   */
  save(sign: (body: ReportBody) => Promise<SignedReport>, onSaved: () => void): Promise<void>
  /** Gives the oldest another signature, on disk first. */
  replaceOldest(entry: OutboxEntry, signed: SignedReport): Promise<OutboxEntry>
  /** Forgets the oldest, whose fate is known. */
  settled(): void
  /**
   * Keeps the outbox small. Between two attempts only: what may have been sent, which is only ever the
   * oldest, is never folded.
   */
  fold(): Promise<void>
}

/** Makes the queue of what the outbox had when it was opened. */
export function createReportQueue(outbox: Outbox, entries: readonly OutboxEntry[]): ReportQueue {
  const queue: OutboxEntry[] = [...entries]
  const unsaved: OutboxEntry[] = []
  /** Something was added since it was last looked at for what to fold. */
  let mayBeLong = true

  return {
    oldest: () => queue[0],
    newest: () => unsaved.at(-1) ?? queue.at(-1),
    waiting: () => queue.length + unsaved.length,
    isSent: () => queue.length === 0,
    add: (entry) => void unsaved.push(entry),
    save: async (sign, onSaved) => {
      for (let next = unsaved[0]; next !== undefined; next = unsaved[0]) {
        const entry = { ...next, signed: queue.length === 0 ? await sign(next.body) : null }
        await outbox.save(entry)
        queue.push(entry)
        mayBeLong = true
        unsaved.shift()
        onSaved()
      }
    },
    replaceOldest: async (entry, signed) => {
      const next = { ...entry, signed, isFolded: false }
      await outbox.save(next)
      queue[0] = next
      return next
    },
    settled: () => void queue.shift(),
    fold: async () => {
      if (!mayBeLong) return
      mayBeLong = false
      const start = queue.findIndex(({ isFolded }, index) => index > 0 && !isFolded)
      if (start < 0 || queue.length - start <= MAX_WHOLE) return
      const due = queue.slice(start, start + MAX_WHOLE / 2)
      mayBeLong = true
      queue.splice(start, due.length, ...(await outbox.fold(due)))
    },
  }
}
