import { decodeBase64url } from '../../shared/base64.ts'
import type { DriftRecord, LogEntry } from '../../shared/entry.ts'
import { parseReport, type Report } from '../../shared/report.ts'

/** The DNS names an entry is about. */
export function namesOf(entry: LogEntry): readonly string[] {
  switch (entry.kind) {
    case 'report':
    case 'denied':
      return reportIn(entry.jws)?.records.map(({ name }) => name) ?? []
    case 'applied':
      return entry.outcomes.map(({ name }) => name)
    case 'drift':
      return entry.records.map(({ name }) => name)
    case 'policy': {
      const { names } = entry.policy
      return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
    }
    default:
      return []
  }
}

/** One line for people on what an entry says. */
export function summaryOf(entry: LogEntry): string {
  switch (entry.kind) {
    case 'genesis':
      return `log ${entry.origin} begins`
    case 'policy':
      return `may claim ${namesOf(entry).join(' ') || 'nothing'}`
    case 'enroll':
      return `key ${entry.kid} enrolled`
    case 'rotate':
      return `key ${entry.kid} replaced by ${entry.successor}`
    case 'revoke':
      return `key ${entry.kid} revoked`
    case 'report':
      return summaryOfReport(reportIn(entry.jws))
    case 'applied':
      return `report ${entry.report}: ${summaryOfOutcomes(entry.outcomes)}`
    case 'denied':
      return `${entry.code}: ${entry.detail}`
    case 'drift':
      return `${entry.zone} is written again: ${entry.records.map(summaryOfDrift).join('; ')}`
  }
}

/** The payload of a logged JWS; the cloud verified it before it was logged. */
export function reportIn(jws: string): Report | undefined {
  try {
    const payload = decodeBase64url(jws.split('.')[1] ?? '')
    return parseReport(JSON.parse(new TextDecoder().decode(payload)))
  } catch {
    return undefined
  }
}

function summaryOfReport(report: Report | undefined): string {
  if (report === undefined) return 'unreadable report'
  const { prefix, records } = report
  const from = prefix.previous === undefined ? '' : ` after ${prefix.previous}`
  return `${prefix.cause}: ${prefix.current}${from}, ${records.length} records`
}

function summaryOfDrift({ name, provider, cause, found, values }: DriftRecord): string {
  const had = cause === 'lost' ? 'the write was lost' : `had ${found.join(' ') || 'nothing'}`
  return `${name} ${values.join(' ') || 'nothing'} at ${provider}, where it ${had}`
}

function summaryOfOutcomes(
  outcomes: readonly {
    name: string
    provider: string
    outcome: string
    values: readonly string[]
    error?: { kind: string }
  }[],
): string {
  if (outcomes.length === 0) return 'nothing to change'
  return outcomes
    .map(({ name, provider, outcome, values, error }) => {
      const what = error === undefined ? values : [error.kind]
      return [name, outcome, ...what, 'at', provider].join(' ')
    })
    .join('; ')
}
