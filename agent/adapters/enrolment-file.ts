import * as v from 'valibot'
import { ReprefixError } from '../../shared/errors.ts'
import { readJsonFile, writeJsonFile } from './json-file.ts'

const EnrolmentSchema = v.strictObject({
  /** Base URL of the cloud, as the join string gave it; also what every signature covers. */
  url: v.string(),
  /** The public key of the audit log. */
  vkey: v.string(),
  host: v.string(),
  /** The host's private key as a JWK. */
  key: v.unknown(),
})

/** What enrolment gave this host. */
export type Enrolment = v.InferOutput<typeof EnrolmentSchema>

const REMEDY = 'make a new join string in the cloud and enrol again: reprefix-agent enroll JOIN'

/** Reads the enrolment; `null` when this host has never enrolled. */
export function readEnrolment(path: string): Promise<Enrolment | null> {
  return readJsonFile(path, EnrolmentSchema, REMEDY)
}

/** Reads the enrolment, or throws NOT_ENROLLED with the command that helps. */
export async function requireEnrolment(path: string): Promise<Enrolment> {
  const enrolment = await readEnrolment(path)
  if (enrolment) return enrolment
  throw new ReprefixError('NOT_ENROLLED', `this host has no key yet (${path}); ${REMEDY}`)
}

/** Stores the enrolment, readable by its owner alone. */
export function writeEnrolment(path: string, enrolment: Enrolment): Promise<void> {
  return writeJsonFile(path, enrolment)
}
