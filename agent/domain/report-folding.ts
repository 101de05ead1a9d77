import { contains, hostPart, lengthOf, parseAddress, splice } from '../../shared/ipv6.ts'
import type { Report } from '../../shared/report.ts'

/** What a report says of the host; sequence, witness and signature are added when it is sent. */
export type ReportBody = Pick<Report, 'prefix' | 'records' | 'steps'>

/** A waiting report before it was ever sent, with its place in the order and when it was made. */
export interface WaitingReport {
  readonly id: number
  /** RFC 3339 time, `null` where an older version has not kept it. */
  readonly at: string | null
  readonly body: ReportBody
}

/** One claim below the prefix: `+` marks an address by its host part, which no prefix changes. */
interface FoldedClaim {
  readonly name: string
  readonly type: 'A' | 'AAAA'
  readonly values: readonly string[]
}

/** A report in little room: no steps, and the claim only where it differs from that of the one before. */
export interface FoldedReport {
  readonly id: number
  readonly at: string | null
  readonly prefix: ReportBody['prefix']
  readonly records?: readonly FoldedClaim[] | undefined
}

const HOST_MARK = '+'

/**
 * Folds waiting reports, oldest first, into as little as keeps the history whole: every change of the
 * prefix stays, in order, with the last claim made below it. What goes are the steps, and the reports
 * in between whose cause is `claims` and whose claim was soon replaced by another.
 */
export function foldReports(reports: readonly WaitingReport[]): readonly FoldedReport[] {
  let told = ''
  return mergeClaims(reports).map(({ id, at, body }) => {
    const records = body.records.map(({ name, type, values }) => ({
      name,
      type,
      values: values.map((value) => foldValue(value, body.prefix.current)),
    }))
    const text = JSON.stringify(records)
    const folded = text === told ? {} : { records }
    told = text
    return { id, at, prefix: body.prefix, ...folded }
  })
}

/** Gives the reports back, without their steps. */
export function unfoldReports(folded: readonly FoldedReport[]): readonly WaitingReport[] {
  let last: readonly FoldedClaim[] = []
  return folded.map(({ id, at, prefix, records }) => {
    last = records ?? last
    const claims = last.map(({ name, type, values }) => ({
      name,
      type,
      values: values.map((value) => unfoldValue(value, prefix.current)),
    }))
    return { id, at, body: { prefix, records: claims as ReportBody['records'], steps: [] } }
  })
}

/** Two reports of the same prefixes in a row are one, if the second only changed the claim. */
function mergeClaims(reports: readonly WaitingReport[]): readonly WaitingReport[] {
  const merged: WaitingReport[] = []
  for (const report of reports) {
    const before = merged.at(-1)
    const { prefix } = report.body
    if (prefix.cause !== 'claims' || !before || prefixesOf(before) !== prefixesOf(report)) {
      merged.push(report)
      continue
    }
    merged[merged.length - 1] = {
      id: report.id,
      at: before.at,
      body: { ...before.body, records: report.body.records },
    }
  }
  return merged
}

/** The prefixes of all uplinks, as a comparable text. */
function prefixesOf({ body }: WaitingReport): string {
  return [body.prefix.current, ...(body.prefix.others ?? [])].join(' ')
}

function foldValue(value: string, prefix: ReportBody['prefix']['current']): string {
  if (!value.includes(':')) return value
  const address = parseAddress(value)
  if (!contains(prefix, address)) return value
  return `${HOST_MARK}${hostPart(address, lengthOf(prefix))}`
}

function unfoldValue(value: string, prefix: ReportBody['prefix']['current']): string {
  if (!value.startsWith(HOST_MARK)) return value
  return splice(prefix, parseAddress(value.slice(HOST_MARK.length)))
}
