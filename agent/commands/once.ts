import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../shared/logger.ts'
import { acquireLock } from '../adapters/lock.ts'
import type { Reporter } from '../adapters/reporter.ts'
import type { AgentConfig } from '../config.ts'
import { assembleReporter, prepareStateDirectory, tidyStateDirectory } from './reporting.ts'
import { type Session, type SessionPass, startSession } from './session.ts'

/** A decision that settles within this is waited for; later ones are left to the next run. */
const SETTLE_LIMIT_MS = 5000
const MAX_PASSES = 3
const RETRY_MS = 250
const REPORT_LIMIT_MS = 30_000

/**
 * `reprefix-agent once`: passes until the host is as desired, then reports. Gives true when both are
 * done and the cloud has not refused; a report that could not be confirmed stays on disk for the next
 * run.
 */
export async function runOnce(config: AgentConfig, log: Logger): Promise<boolean> {
  await prepareStateDirectory(config)
  const lock = await acquireLock(config.paths.directory)
  const abort = new AbortController()
  try {
    await tidyStateDirectory(config)
    const reporter = await assembleReporter(config, log, abort.signal)
    const session = await startSession(config, log, reporter)
    let isConverged = false
    let last: SessionPass | null = null
    for (let count = 0; count < MAX_PASSES; count++) {
      last = await session.pass(['once'])
      const { result, recheckAt } = last
      isConverged = result.isConverged && result.decision.kind !== 'hold'
      const settleMs = (recheckAt ?? Number.POSITIVE_INFINITY) - Date.now()
      if (result.isConverged && settleMs > SETTLE_LIMIT_MS) break
      await sleep(result.isConverged ? Math.max(settleMs + 1, 0) : RETRY_MS)
    }
    if (reporter !== null) await sendReports(reporter, abort)
    await settleAll(session, last)
    await session.assembly.close()
    if (reporter === null) return isConverged
    return isConverged && reporter.waiting() === 0 && !reporter.isRefused()
  } finally {
    abort.abort()
    await lock.release()
  }
}

async function sendReports(reporter: Reporter, abort: AbortController): Promise<void> {
  const sending = reporter.run(abort.signal)
  const deadline = Date.now() + REPORT_LIMIT_MS
  while (reporter.waiting() > 0 && Date.now() < deadline) await sleep(20)
  abort.abort()
  await sending
}

/** Settles what is due, one network after the other, each followed by a pass. */
async function settleAll(session: Session, last: SessionPass | null): Promise<void> {
  let after = last
  while ((await session.settle(after)).hasChanged) after = await session.pass(['settled'])
}
