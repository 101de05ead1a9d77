import { setTimeout as sleep } from 'node:timers/promises'
import { ReprefixError } from '../../shared/errors.ts'
import { generateSigningKey, importSigningKey } from '../../shared/jws.ts'
import type { Logger } from '../../shared/logger.ts'
import { readEnrolment } from '../adapters/enrolment-file.ts'
import { readSuccessor } from '../adapters/host-key.ts'
import { writeJsonFile } from '../adapters/json-file.ts'
import { acquireLock, isLocked } from '../adapters/lock.ts'
import type { AgentConfig } from '../config.ts'
import { assembleReporter, prepareStateDirectory } from './reporting.ts'

/** What the command line asked for. */
export interface RotateOptions {
  readonly json: boolean
  readonly print: (line: string) => void
}

const LIMIT_MS = 30_000
const LOOK_MS = 50

/**
 * `reprefix-agent rotate`: makes a new key for this host and has the cloud accept it in place of the
 * present one. A running agent does it between two reports; without one, this command does it.
 * @throws ReprefixError USAGE, CLOUD_UNREACHABLE or ROTATION_REFUSED
 */
export async function runRotate(
  config: AgentConfig,
  log: Logger,
  options: RotateOptions,
): Promise<void> {
  const { paths } = config
  const enrolment = await readEnrolment(paths.enrolment)
  if (enrolment === null) {
    throw new ReprefixError('USAGE', 'this host is not enrolled: reprefix-agent enroll JOIN')
  }
  await prepareStateDirectory(config)
  const waiting = await readSuccessor(paths.successor)
  const successor = waiting ?? (await generateSigningKey()).jwk
  if (waiting === null) await writeJsonFile(paths.successor, successor)
  const { kid } = await importSigningKey(successor)
  // To look whether an agent runs is what makes it look for the new key.
  const isDone = () => isReplaced(config, kid)
  if (await isLocked(paths.directory)) await untilDone(config, isDone)
  else await rotateHere(config, log, isDone)
  const { host } = enrolment
  options.print(
    options.json
      ? JSON.stringify({ kind: 'rotated', host, kid })
      : `the key of ${host} is replaced by ${kid} (in the log, proof verified)`,
  )
}

async function rotateHere(
  config: AgentConfig,
  log: Logger,
  isDone: () => Promise<boolean>,
): Promise<void> {
  const lock = await acquireLock(config.paths.directory)
  const abort = new AbortController()
  try {
    const reporter = await assembleReporter(config, log, abort.signal)
    const running = reporter?.run(abort.signal)
    await untilDone(config, isDone).finally(() => abort.abort())
    await running
  } finally {
    await lock.release()
  }
}

async function isReplaced({ paths }: AgentConfig, kid: string): Promise<boolean> {
  const enrolment = await readEnrolment(paths.enrolment)
  return enrolment !== null && (await importSigningKey(enrolment.key)).kid === kid
}

async function untilDone({ paths }: AgentConfig, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LIMIT_MS
  while (!(await isDone())) {
    // It is removed only after the enrolment holds it.
    if ((await readSuccessor(paths.successor)) === null && !(await isDone())) {
      throw new ReprefixError(
        'ROTATION_REFUSED',
        `the cloud refused to replace the key, so the present one stays; the agent's log says why`,
      )
    }
    if (Date.now() > deadline) {
      throw new ReprefixError(
        'CLOUD_UNREACHABLE',
        `the cloud has not confirmed the new key within ${LIMIT_MS / 1000} s; the agent goes on asking, ` +
          'and the present key stays until then',
      )
    }
    await sleep(LOOK_MS)
  }
}
