import * as v from 'valibot'
import { readJsonFile, writeJsonFile } from './json-file.ts'

const EnrolmentSchema = v.strictObject({
  /** Base URL of the cloud, as the join string gave it; also what every signature covers. */
  url: v.string(),
  /** The public key of the audit log. */
  vkey: v.string(),
  /** Keys of the same log that were pinned before: older receipts are signed by them alone. */
  earlierVkeys: v.exactOptional(v.array(v.string())),
  host: v.string(),
  /** The host's private key as a JWK. */
  key: v.unknown(),
})

/** What enrolment gave this host. */
export type Enrolment = v.InferOutput<typeof EnrolmentSchema>

/** What helps when the enrolment or what hangs on it is lost. */
export const ENROL_AGAIN =
  'restore it from a backup, or enrol again with a new join string: reprefix-agent enroll --force JOIN'

/** Reads the enrolment; `null` when this host has never enrolled. */
export function readEnrolment(path: string): Promise<Enrolment | null> {
  return readJsonFile(path, EnrolmentSchema, ENROL_AGAIN)
}

/** Stores the enrolment, readable by its owner alone. */
export function writeEnrolment(path: string, enrolment: Enrolment): Promise<void> {
  return writeJsonFile(path, enrolment)
}
