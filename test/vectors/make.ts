import { makeEnrolments } from './make-enrolments.ts'
import { makeKeys } from './make-keys.ts'
import { makeEntries, makeLogVectors, makeSmallLog } from './make-log.ts'
import { makeNotes } from './make-notes.ts'
import { makeProofs } from './make-proofs.ts'
import { makeReads } from './make-reads.ts'
import { makeReceipts } from './make-receipts.ts'
import { makeReports } from './make-reports.ts'
import { makeRotations } from './make-rotations.ts'
import { makeSequences } from './make-sequences.ts'
import { makeTrees } from './make-trees.ts'

/** The text of every vector file, the same each time. */
export async function makeVectors(): Promise<ReadonlyMap<string, string>> {
  const log = await makeSmallLog()
  const files: readonly (readonly [string, unknown])[] = [
    ['keys.json', await makeKeys()],
    ['reports.json', await makeReports()],
    ['enrolments.json', await makeEnrolments()],
    ['rotations.json', await makeRotations()],
    ['trees.json', await makeTrees()],
    ['notes.json', await makeNotes()],
    ['proofs.json', await makeProofs()],
    ['entries.json', await makeEntries(log)],
    ['receipts.json', await makeReceipts(log)],
    ['log.json', await makeLogVectors(log)],
    ['reads.json', await makeReads()],
    ['sequences.json', await makeSequences()],
  ]
  return new Map([
    ...files.map(([file, value]) => [file, `${JSON.stringify(value, null, 2)}\n`] as const),
    ['export.ndjson', log.lines.map((line) => `${line}\n`).join('')],
  ])
}
