import { ENTRY_KINDS, type EntryKind, type LogEntry, parseEntry } from '../../shared/entry.ts'
import { ReprefixError } from '../../shared/errors.ts'
import { type Fqdn, parseName } from '../../shared/rrset.ts'
import { renderTable } from '../../shared/terminal.ts'
import { type AdminOptions, createAdminClient } from './admin-client.ts'
import { readCloudLines, readEntries, readFileLines } from './audit-source.ts'
import { namesOf, summaryOf } from './entry-text.ts'
import { createRecordTracer, type TracedRecord } from './record-tracer.ts'
import type { Terminal } from './terminal.ts'

/** What `audit log` takes. */
export interface LogOptions extends AdminOptions {
  readonly file?: string
  readonly host?: string
  readonly name?: string
  readonly kind?: readonly string[]
  readonly since?: string
  readonly until?: string
  readonly limit?: string
  readonly json?: boolean
}

interface Filter {
  readonly host: string | undefined
  readonly name: Fqdn | undefined
  readonly kinds: readonly EntryKind[]
  readonly since: number
  readonly until: number
}

interface Match {
  readonly index: number
  readonly entry: LogEntry
  readonly records: readonly TracedRecord[]
}

/**
 * Prints the entries that match every filter, oldest first; the newest ones where there is a limit.
 * With a name it also says of each record of that name which report set it.
 */
export async function printLog(options: LogOptions, terminal: Terminal): Promise<void> {
  const filter = readFilter(options)
  const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : readLimit(options.limit)
  const lines =
    options.file === undefined
      ? readCloudLines(createAdminClient(options))
      : readFileLines(options.file)
  const tracer = createRecordTracer(filter.name)
  const matches: Match[] = []
  for await (const { index, entry: text } of readEntries(lines)) {
    const entry = parseEntry(text)
    // Each entry, because a report may lie before the first one that is shown.
    const records = tracer.trace(index, entry)
    if (!isMatch(entry, filter)) continue
    if (options.json === true && limit === Number.POSITIVE_INFINITY) {
      printJson({ index, entry, records }, filter, terminal)
      continue
    }
    matches.push({ index, entry, records })
    if (matches.length > limit) matches.shift()
  }
  if (options.json !== true) printTables(matches, filter, terminal)
  else for (const match of matches) printJson(match, filter, terminal)
}

function readFilter({ host, name, kind = [], since, until }: LogOptions): Filter {
  return {
    host,
    name: name === undefined ? undefined : parseName(name),
    kinds: kind.map(readKind),
    since: since === undefined ? Number.NEGATIVE_INFINITY : readTime(since, '--since'),
    until: until === undefined ? Number.POSITIVE_INFINITY : readTime(until, '--until'),
  }
}

function isMatch(entry: LogEntry, { host, name, kinds, since, until }: Filter): boolean {
  const at = Date.parse(entry.at)
  return (
    (host === undefined || hostOf(entry) === host) &&
    (kinds.length === 0 || kinds.includes(entry.kind)) &&
    at >= since &&
    at < until &&
    (name === undefined || namesOf(entry).includes(name))
  )
}

function hostOf(entry: LogEntry): string | undefined {
  return 'host' in entry ? entry.host : undefined
}

function printJson({ index, entry, records }: Match, filter: Filter, terminal: Terminal): void {
  const traced = filter.name !== undefined && entry.kind === 'applied' ? { records } : {}
  terminal.out(JSON.stringify({ kind: 'entry', index, entry, ...traced }))
}

function printTables(matches: readonly Match[], { name }: Filter, terminal: Terminal): void {
  if (matches.length === 0) {
    terminal.out('No entry matches.')
    return
  }
  const rows = matches.map(({ index, entry }) => {
    return [String(index), entry.at, entry.kind, hostOf(entry) ?? '-', summaryOf(entry)]
  })
  terminal.out(renderTable(['ENTRY', 'TIME', 'KIND', 'HOST', 'WHAT'], rows))
  const records = matches.flatMap((match) => match.records.map((record) => rowOf(match, record)))
  if (records.length === 0) return
  terminal.out(`\nWhich report set ${name}:`)
  const columns = ['ENTRY', 'TYPE', 'OUTCOME', 'VALUES', 'AT', 'REPORT', 'HOST', 'PREFIX', 'CAUSE']
  terminal.out(renderTable(columns, records))
}

function rowOf({ index }: Match, { report, ...record }: TracedRecord): string[] {
  const { type, outcome, values, provider } = record
  const cells = [String(index), type, outcome, values.join(' ') || '-', provider]
  return [...cells, String(report.index), report.host, report.prefix ?? '-', report.cause ?? '-']
}

function readKind(text: string): EntryKind {
  const kind = ENTRY_KINDS.find((each) => each === text)
  if (kind !== undefined) return kind
  throw new ReprefixError('USAGE', `--kind takes one of ${ENTRY_KINDS.join(', ')}, not ${text}`)
}

function readLimit(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new ReprefixError('USAGE', `--limit takes a whole number from 1, not ${text}`)
}

function readTime(text: string, option: string): number {
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new ReprefixError('USAGE', `${option} takes a time like 2026-01-31T12:00Z, not ${text}`)
}
