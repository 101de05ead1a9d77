import { rename, rm } from 'node:fs/promises'
import { isReprefixError } from '../../shared/errors.ts'
import { importSigningKey, parseReportJws, type SigningKey, signReport } from '../../shared/jws.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Report } from '../../shared/report.ts'
import { type Enrolment, writeEnrolment } from './enrolment-file.ts'
import { readPendingKey } from './pending-key.ts'
import type { ReportingState } from './reporting-state.ts'

type Witness = ReportingState['witness']

/** A rotation that the cloud has proved to be in its log. */
export interface Rotated {
  /** To be on disk before `adopt`: then no report that the former key has signed is sent any more. */
  readonly witness: Witness
  /** From now on the successor signs; durable when it returns. */
  adopt(): Promise<void>
}

/** The key that speaks for this host. */
export interface HostKeys {
  sign(report: Report, header: { iat: number; nonce?: string }): Promise<string>
  /** Whether the present key has signed this; what its predecessor signed is refused. */
  hasSigned(jws: string): boolean
  /** Has the cloud accept the successor that waits; `null` when none does. @throws ReprefixError */
  rotate(witness: Witness): Promise<Rotated | null>
}

/** The files that a successor goes through. */
export interface KeyFiles {
  /** The key that waits; `null` when none does. @throws ReprefixError STATE_CORRUPT */
  readSuccessor(): Promise<unknown>
  /** Durable when it returns. */
  writeEnrolment(enrolment: Enrolment): Promise<void>
  removeSuccessor(): Promise<void>
  /** Keeps it under another name. */
  setSuccessorAside(): Promise<void>
}

/** What the key is kept and replaced with. */
export interface HostKeyParts {
  readonly enrolment: Enrolment
  readonly key: SigningKey
  readonly files: KeyFiles
  /** Where reports are posted. */
  readonly url: string
  readonly rotateKey: (
    key: SigningKey,
    successor: SigningKey,
    witness: Witness,
  ) => Promise<{ readonly witness: Witness; readonly entry: number }>
  readonly log: Logger
}

/** What to do about a successor that is not readable: nothing depends on it until the cloud knows it. */
const REMEDY = 'remove it, then ask again: reprefix-agent rotate'

/** Reads the key that waits to replace the present one; `null` when none does. @throws STATE_CORRUPT */
export function readSuccessor(path: string): Promise<unknown> {
  return readPendingKey(path, REMEDY)
}

/** The files at these paths. */
export function createKeyFiles(paths: {
  readonly enrolment: string
  readonly successor: string
}): KeyFiles {
  const { enrolment, successor } = paths
  return {
    readSuccessor: () => readSuccessor(successor),
    writeEnrolment: (content) => writeEnrolment(enrolment, content),
    removeSuccessor: () => rm(successor, { force: true }),
    setSuccessorAside: () => rename(successor, `${successor}.refused`),
  }
}

/**
 * Signs with the key of the enrolment, and replaces it when a successor lies beside it: the successor is on
 * disk before the cloud hears of it, and stays there until the enrolment holds it. One that the cloud
 * refuses is set aside, not removed: the refusal is not signed.
 */
export function createHostKeys(parts: HostKeyParts): HostKeys {
  const { files, log } = parts
  let { key } = parts

  async function adopt(jwk: unknown, successor: SigningKey, entry: number): Promise<void> {
    await files.writeEnrolment({ ...parts.enrolment, key: jwk })
    const former = key.kid
    key = successor
    await files.removeSuccessor()
    const { kid } = successor
    log.info({ event: 'rotated', former, kid, entry }, `the key is replaced: log entry ${entry}`)
  }

  return {
    sign: (report, header) => signReport(report, key, { url: parts.url, ...header }),
    hasSigned: (jws) => kidOf(jws) === key.kid,
    rotate: async (witness) => {
      const jwk = await files.readSuccessor()
      if (jwk === null) return null
      const successor = await importSigningKey(jwk)
      if (successor.kid === key.kid) {
        // The agent ended between the last two steps.
        await files.removeSuccessor()
        return null
      }
      try {
        const proven = await parts.rotateKey(key, successor, witness)
        return { witness: proven.witness, adopt: () => adopt(jwk, successor, proven.entry) }
      } catch (cause) {
        if (isReprefixError(cause, 'ROTATION_REFUSED')) {
          await files.setSuccessorAside()
        }
        throw cause
      }
    },
  }
}

/** The key that a report names; `undefined` where it is no report, and has to be signed anew in any case. */
function kidOf(jws: string): string | undefined {
  try {
    return parseReportJws(jws).header.kid
  } catch {
    return undefined
  }
}
