import type { LogEntry, RecordOutcome } from '../../shared/entry.ts'
import type { Fqdn } from '../../shared/rrset.ts'
import { reportIn } from './entry-text.ts'

/** What one report did to one record at one provider. */
export interface TracedRecord extends RecordOutcome {
  readonly report: {
    readonly index: number
    readonly host: string
    /** The host's prefix as it reported it, and why; not known where the report is not in the log. */
    readonly prefix?: string
    readonly cause?: string
  }
}

/** Follows the log to tell for each outcome which report it belongs to. */
export interface RecordTracer {
  /** The records of the name that an entry set; entries must come in the order of the log. */
  trace(index: number, entry: LogEntry): readonly TracedRecord[]
}

/** A tracer of one name; without one it traces nothing. Keeps only reports whose outcome is to come. */
export function createRecordTracer(name: Fqdn | undefined): RecordTracer {
  const reported = new Map<number, { readonly prefix: string; readonly cause: string }>()
  return {
    trace(index, entry) {
      if (name === undefined) return []
      if (entry.kind === 'report') {
        const { prefix } = reportIn(entry.jws) ?? {}
        if (prefix !== undefined)
          reported.set(index, { prefix: prefix.current, cause: prefix.cause })
      }
      if (entry.kind !== 'applied') return []
      const facts = reported.get(entry.report)
      reported.delete(entry.report)
      const report = { index: entry.report, host: entry.host, ...facts }
      return entry.outcomes
        .filter((outcome) => outcome.name === name)
        .map((outcome) => ({ ...outcome, report }))
    },
  }
}
