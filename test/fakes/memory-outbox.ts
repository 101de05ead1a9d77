import type { Outbox, OutboxEntry } from '../../agent/adapters/outbox.ts'
import { foldReports, unfoldReports } from '../../agent/domain/report-folding.ts'

/** An outbox without a disk, which outlives the reporters that work with it. */
export function memoryOutbox() {
  const stored = new Map<number, OutboxEntry>()
  const list = () => [...stored.values()].sort((a, b) => a.id - b.id)
  const outbox: Outbox = {
    read: async () => ({ entries: list(), damaged: [] }),
    open: async (settled) => ({
      entries: list().filter(({ id }) => id > settled),
      damaged: [],
    }),
    save: async (entry) => {
      stored.set(entry.id, entry)
    },
    fold: async (entries) => {
      for (const { id } of entries) stored.delete(id)
      const folded = unfoldReports(foldReports(entries)).map((waiting) => ({
        ...waiting,
        signed: null,
        isFolded: true,
      }))
      for (const entry of folded) stored.set(entry.id, entry)
      return folded
    },
    settle: async (id) => {
      stored.delete(id)
    },
  }
  return {
    outbox,
    size: () => stored.size,
    whole: () => list().filter(({ isFolded }) => !isFolded).length,
  }
}
