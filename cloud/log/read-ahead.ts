import { type LogEntry, parseEntry } from '../../shared/entry.ts'
import type { Report } from '../../shared/report.ts'
import { type ExportLine, parseExportLine } from './export-line.ts'

/** A signature check that has begun: its report, or what is wrong. */
export type BegunCheck = Promise<Report>

/** One line of an export, read as far as it can be; nothing of it is judged. */
export type ReadLine =
  | { readonly kind: 'fault'; readonly error: unknown }
  | Extract<ExportLine, { kind: 'checkpoint' }>
  | (Extract<ExportLine, { kind: 'entry' }> & {
      readonly content: LogEntry | { readonly error: unknown }
      readonly check: BegunCheck | undefined
    })

/** Enough that the threads that verify always have something to do; a report is at most 16 KiB. */
const AHEAD = 32

/**
 * Reads the lines of an untrusted export a little ahead of the one that is judged, and lets `begin`
 * start what takes long. Gives them in their order.
 */
export async function* readAhead(
  lines: AsyncIterable<string> | Iterable<string>,
  begin: (entry: LogEntry) => BegunCheck | undefined,
): AsyncGenerator<ReadLine> {
  const ahead: ReadLine[] = []
  for await (const text of lines) {
    if (text === '') continue
    ahead.push(readLine(text, begin))
    const first = ahead.length > AHEAD ? ahead.shift() : undefined
    if (first !== undefined) yield first
  }
  yield* ahead
}

function readLine(text: string, begin: (entry: LogEntry) => BegunCheck | undefined): ReadLine {
  try {
    const line = parseExportLine(text)
    if (line.kind === 'checkpoint') return line
    const content = readEntry(line.entry)
    const check = 'error' in content ? undefined : begin(content)
    // It is judged later; until then a wrong signature is nothing unexpected.
    check?.catch(() => undefined)
    return { ...line, content, check }
  } catch (error) {
    return { kind: 'fault', error }
  }
}

function readEntry(text: string): LogEntry | { readonly error: unknown } {
  try {
    return parseEntry(text)
  } catch (error) {
    return { error }
  }
}
