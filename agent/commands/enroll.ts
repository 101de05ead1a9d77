import { rm } from 'node:fs/promises'
import { ReprefixError } from '../../shared/errors.ts'
import { parseJoin } from '../../shared/join.ts'
import { enrol } from '../adapters/enrolment-client.ts'
import { readEnrolment, writeEnrolment } from '../adapters/enrolment-file.ts'
import { createHttpPost } from '../adapters/http-client.ts'
import { writeJsonFile } from '../adapters/json-file.ts'
import { acquireLock } from '../adapters/lock.ts'
import { readPendingKey } from '../adapters/pending-key.ts'
import { setReceiptsAside } from '../adapters/receipts.ts'
import { createReportingStateFile } from '../adapters/reporting-state.ts'
import type { AgentConfig } from '../config.ts'
import { prepareStateDirectory } from './reporting.ts'

/** What the command line asked for. */
export interface EnrollOptions {
  readonly json: boolean
  /** Give up the present key and enrol anew. */
  readonly force: boolean
  readonly print: (line: string) => void
}

/** `reprefix-agent enroll JOIN`: makes this host's key and has the cloud accept it. */
export async function runEnroll(
  config: AgentConfig,
  word: string,
  options: EnrollOptions,
): Promise<void> {
  const join = parseJoin(word)
  if (config.cloud !== undefined && config.cloud !== join.url) {
    throw new ReprefixError(
      'CONFIG_INVALID',
      `the settings say cloud: ${config.cloud}, the join string is for ${join.url}: correct one of them`,
    )
  }
  const { paths } = config
  await prepareStateDirectory(config)
  const lock = await acquireLock(paths.directory)
  try {
    const present = options.force ? null : await readEnrolment(paths.enrolment)
    if (present) {
      throw new ReprefixError(
        'USAGE',
        `this host is enrolled already, as ${present.host} at ${present.url}; --force gives up its key and enrols anew`,
      )
    }
    const { pending } = paths
    const { enrolment, reporting, granted, entry } = await enrol(join, {
      pendingKey: options.force ? null : await readPendingKey(pending),
      keepKey: (jwk) => writeJsonFile(pending, jwk),
      now: Date.now,
      post: createHttpPost(() => []),
    })
    // Reports signed by a former key would be refused.
    await rm(paths.outbox, { recursive: true, force: true })
    await rm(paths.lastAttempt, { force: true })
    await setReceiptsAside(paths.receipts, new Date())
    await createReportingStateFile(paths.reporting).write(reporting)
    await writeEnrolment(paths.enrolment, enrolment)
    await rm(pending, { force: true })
    if (options.json) {
      options.print(JSON.stringify({ kind: 'enrolled', url: join.url, entry, ...granted }))
      return
    }
    options.print(`enrolled as ${granted.host} at ${join.url} (log entry ${entry}, proof verified)`)
    options.print(`may claim ${granted.names.join(', ')} (${granted.types.join(', ')})`)
    options.print(`within    ${granted.prefixes.join(', ')}`)
  } finally {
    await lock.release()
  }
}
