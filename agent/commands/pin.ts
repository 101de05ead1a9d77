import {
  type Checkpoint,
  type NoteVerifier,
  openCheckpoint,
  parseVkey,
} from '../../shared/checkpoint.ts'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { ENROL_AGAIN, readEnrolment, writeEnrolment } from '../adapters/enrolment-file.ts'
import { createHttpGet, type HttpGet } from '../adapters/http-client.ts'
import { acquireLock } from '../adapters/lock.ts'
import { createReportingStateFile } from '../adapters/reporting-state.ts'
import type { AgentConfig } from '../config.ts'

/** What the command line asked for. */
export interface PinOptions {
  readonly json: boolean
  readonly print: (line: string) => void
  readonly get?: HttpGet
}

const TIMEOUT_MS = 15_000

/**
 * `reprefix-agent pin VKEY`: puts another key of the same log in the place of the pinned one, once the
 * cloud has shown a checkpoint that both of them sign: whoever holds the pinned key says so, and the
 * operator who types the new one. What was pinned before is kept, for the receipts of before.
 * @throws ReprefixError USAGE, ALREADY_RUNNING, CLOUD_UNREACHABLE or CHECKPOINT_INVALID; nothing is changed
 */
export async function runPin(
  { paths }: AgentConfig,
  vkey: string,
  options: PinOptions,
): Promise<void> {
  const next = await parseKey(vkey)
  // A running agent believes what it has read at its start.
  const lock = await acquireLock(paths.directory)
  try {
    const enrolment = await readEnrolment(paths.enrolment)
    if (enrolment === null) {
      throw new ReprefixError('USAGE', 'this host is not enrolled: reprefix-agent enroll JOIN')
    }
    const pinned = await parsePinned(enrolment.vkey, paths.enrolment)
    if (next.name !== pinned.name) {
      throw new ReprefixError(
        'USAGE',
        `this is a key of the log ${next.name}, the host is enrolled in ${pinned.name}: a host moves to another log by enrolling there`,
      )
    }
    if (vkey !== enrolment.vkey) {
      const note = await readCheckpoint(enrolment.url, options.get ?? createHttpGet())
      const { size } = await openWith(note, pinned, 'the key that is pinned here')
      await openWith(note, next, 'the new key')
      await refuseShorter(size, paths.reporting)
      const before = [enrolment.vkey, ...(enrolment.earlierVkeys ?? [])]
      const earlierVkeys = before.filter((each) => each !== vkey)
      await writeEnrolment(paths.enrolment, { ...enrolment, vkey, earlierVkeys })
    }
    const { host } = enrolment
    options.print(
      options.json
        ? JSON.stringify({ kind: 'pinned', host, vkey })
        : `${host} trusts the log's key ${vkey} from now on`,
    )
  } finally {
    await lock.release()
  }
}

async function readCheckpoint(cloud: string, get: HttpGet): Promise<string> {
  const url = `${cloud}/v1/log/checkpoint`
  const unreachable = (reason: string, cause?: unknown): ReprefixError =>
    new ReprefixError(
      'CLOUD_UNREACHABLE',
      `could not read the checkpoint at ${url}: ${reason}; the pinned key stays, run the same command again`,
      { cause },
    )
  try {
    const { status, text } = await get(url, AbortSignal.timeout(TIMEOUT_MS))
    if (status === 200) return text
    throw unreachable(`HTTP ${status}`)
  } catch (cause) {
    if (cause instanceof ReprefixError) throw cause
    throw unreachable(messageOf(cause), cause)
  }
}

async function openWith(note: string, verifier: NoteVerifier, whose: string): Promise<Checkpoint> {
  try {
    return await openCheckpoint(note, [verifier])
  } catch (cause) {
    throw new ReprefixError(
      'CHECKPOINT_INVALID',
      `the log is not signed by ${whose}: ${messageOf(cause)}; the pinned key stays`,
      { cause },
    )
  }
}

/** That the log continues what this host has seen is proved with its next report; this can be told now. */
async function refuseShorter(size: number, path: string): Promise<void> {
  const seen = (await createReportingStateFile(path).read())?.witness.size ?? 0
  if (size >= seen) return
  throw new ReprefixError(
    'CHECKPOINT_INVALID',
    `the cloud shows a log of ${size} entries, this host has seen one of ${seen}: it was cut off or put back; the pinned key stays`,
  )
}

async function parseKey(vkey: string): Promise<NoteVerifier> {
  try {
    return await parseVkey(vkey)
  } catch (cause) {
    throw new ReprefixError('USAGE', `the key of the log: ${messageOf(cause)}`, { cause })
  }
}

async function parsePinned(vkey: string, path: string): Promise<NoteVerifier> {
  try {
    return await parseVkey(vkey)
  } catch (cause) {
    const what = `${path} is damaged: ${messageOf(cause)}; ${ENROL_AGAIN}`
    throw new ReprefixError('STATE_CORRUPT', what, { cause })
  }
}
