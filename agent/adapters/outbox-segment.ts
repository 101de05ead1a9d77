import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { ReprefixError } from '../../shared/errors.ts'
import { writeFileAtomic } from '../../shared/files.ts'
import { reportSchema } from '../../shared/report.ts'
import { type FoldedReport, unfoldReports, type WaitingReport } from '../domain/report-folding.ts'

const FoldedSchema = v.strictObject({
  id: v.number(),
  at: v.nullable(v.string()),
  prefix: reportSchema.entries.prefix,
  records: v.optional(
    v.array(
      v.strictObject({
        name: v.string(),
        type: v.picklist(['A', 'AAAA']),
        values: v.array(v.string()),
      }),
    ),
  ),
})
const BodySchema = v.pick(reportSchema, ['prefix', 'records', 'steps'])

/** Writes folded reports durably and whole, one a line; readable by their owner alone. */
export async function writeSegment(path: string, folded: readonly FoldedReport[]): Promise<void> {
  const text = folded.map((report) => `${JSON.stringify(report)}\n`).join('')
  await writeFileAtomic(path, text, { mode: 0o600 })
}

/**
 * Reads folded reports.
 * @throws ReprefixError STATE_CORRUPT when a line is not what `writeSegment` wrote
 */
export async function readSegment(path: string): Promise<readonly WaitingReport[]> {
  const text = await readFile(path, 'utf8')
  try {
    const folded = text
      .trimEnd()
      .split('\n')
      .map((line) => v.parse(FoldedSchema, JSON.parse(line)))
    return unfoldReports(folded).map((report) => ({
      ...report,
      body: v.parse(BodySchema, report.body),
    }))
  } catch (cause) {
    throw new ReprefixError('STATE_CORRUPT', `${path} is damaged`, { cause })
  }
}
