import { rename, rm } from 'node:fs/promises'
import { isReprefixError } from '../../shared/errors.ts'
import { importSigningKey, type SigningKey, signReport } from '../../shared/jws.ts'
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
  /** Has the cloud accept the successor that waits; `null` when none does. @throws ReprefixError */
  rotate(witness: Witness): Promise<Rotated | null>
}

/** What the key is kept and replaced with. */
export interface HostKeyParts {
  readonly enrolment: Enrolment
  readonly key: SigningKey
  readonly paths: { readonly enrolment: string; readonly successor: string }
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

/**
 * Signs with the key of the enrolment, and replaces it when a successor lies beside it: the successor is on
 * disk before the cloud hears of it, and stays there until the enrolment holds it. One that the cloud
 * refuses is set aside, not removed: the refusal is not signed.
 */
export function createHostKeys(parts: HostKeyParts): HostKeys {
  const { paths, log } = parts
  let { key } = parts

  async function adopt(jwk: unknown, successor: SigningKey, entry: number): Promise<void> {
    await writeEnrolment(paths.enrolment, { ...parts.enrolment, key: jwk })
    const former = key.kid
    key = successor
    await rm(paths.successor, { force: true })
    const { kid } = successor
    log.info({ event: 'rotated', former, kid, entry }, `the key is replaced: log entry ${entry}`)
  }

  return {
    sign: (report, header) => signReport(report, key, { url: parts.url, ...header }),
    rotate: async (witness) => {
      const jwk = await readSuccessor(paths.successor)
      if (jwk === null) return null
      const successor = await importSigningKey(jwk)
      if (successor.kid === key.kid) {
        // The agent ended between the last two steps.
        await rm(paths.successor, { force: true })
        return null
      }
      try {
        const proven = await parts.rotateKey(key, successor, witness)
        return { witness: proven.witness, adopt: () => adopt(jwk, successor, proven.entry) }
      } catch (cause) {
        if (isReprefixError(cause, 'ROTATION_REFUSED')) {
          await rename(paths.successor, `${paths.successor}.refused`)
        }
        throw cause
      }
    },
  }
}
