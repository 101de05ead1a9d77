import * as v from 'valibot'
import type { Report } from '../../shared/report.ts'
import type { ClaimedSet } from './claim-diff.ts'

const ClaimSchema = v.tuple([
  v.string(),
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

/** The RRsets in what `claimOf` gave; empty before the first report, or where that is not readable. */
export function parseClaim(claim: string | null): readonly ClaimedSet[] {
  if (claim === null) return []
  try {
    const [, records] = v.parse(ClaimSchema, JSON.parse(claim))
    return records.map(({ name, type, values }) => ({ name, type, values }))
  } catch {
    return []
  }
}
