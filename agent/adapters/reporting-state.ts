import * as v from 'valibot'
import { ENROL_AGAIN } from './enrolment-file.ts'
import { readJsonFile, writeJsonFile } from './json-file.ts'

const ReportingStateSchema = v.strictObject({
  /** The highest sequence number ever put on a report. */
  sequence: v.number(),
  /** The last checkpoint this host has verified; the log may never contradict it. */
  witness: v.strictObject({ size: v.number(), root: v.string() }),
  /** Reports of the outbox with this id or a lower one are done with; kept by a crash, not by intent. */
  settled: v.exactOptional(v.number(), 0),
  /** What the newest report said, as a comparable text; `null` before the first. */
  claim: v.nullable(v.string()),
  /** The report the cloud refused last, `null` once a later one was accepted. */
  refused: v.nullable(
    v.strictObject({
      at: v.string(),
      seq: v.number(),
      status: v.number(),
      code: v.string(),
      detail: v.string(),
    }),
  ),
})

/** What the agent must remember about its reports besides those still waiting. */
export type ReportingState = v.InferOutput<typeof ReportingStateSchema>

/** Where the reporting state lives. */
export interface ReportingStateFile {
  read(): Promise<ReportingState | null>
  write(state: ReportingState): Promise<void>
}

/** Keeps the reporting state in one file. */
export function createReportingStateFile(path: string): ReportingStateFile {
  return {
    read: () => readJsonFile(path, ReportingStateSchema, ENROL_AGAIN),
    write: (state) => writeJsonFile(path, state),
  }
}
