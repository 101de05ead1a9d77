import * as v from 'valibot'
import type { Report } from '../../shared/report.ts'
import { prefixSchema } from '../../shared/schema.ts'
import type { ClaimedSet } from './claim-diff.ts'
import type { ReportedClaim } from './claimed-prefixes.ts'
import type { ReportBody } from './report-folding.ts'

const ClaimSchema = v.tuple([
  prefixSchema,
  v.array(
    v.looseObject({
      name: v.string(),
      type: v.picklist(['A', 'AAAA']),
      values: v.array(v.string()),
    }),
  ),
])

/** The part of a report that the cloud acts on, as a text that compares. */
export function claimOf(body: {
  readonly prefix: Pick<Report['prefix'], 'current'>
  readonly records: readonly unknown[]
}): string {
  return JSON.stringify([body.prefix.current, body.records])
}

/** What `claimOf` gave, taken apart; `null` before the first report, or where it is not readable. */
export function parseReportedClaim(claim: string | null): ReportedClaim | null {
  if (claim === null) return null
  try {
    const [current, records] = v.parse(ClaimSchema, JSON.parse(claim))
    return { current, records: records.map(({ name, type, values }) => ({ name, type, values })) }
  } catch {
    return null
  }
}

/** The RRsets in what `claimOf` gave; empty before the first report, or where that is not readable. */
export function parseClaim(claim: string | null): readonly ClaimedSet[] {
  return parseReportedClaim(claim)?.records ?? []
}

/** The report with the cause `claims` when it is about the prefix that was reported before. */
export function withCause(body: ReportBody, newestClaim: string | null): ReportBody {
  const isKnown = newestClaim?.startsWith(`["${body.prefix.current}",`) ?? false
  return isKnown ? { ...body, prefix: { ...body.prefix, cause: 'claims' } } : body
}
