import type { Logger } from '../../shared/logger.ts'
import { VERSION } from '../../shared/version.ts'
import { followCommand } from '../adapters/command.ts'
import { startDockerEvents } from '../adapters/docker-events.ts'
import { acquireLock } from '../adapters/lock.ts'
import { startMonitor } from '../adapters/monitor.ts'
import type { AgentConfig } from '../config.ts'
import { createLoop } from '../loop.ts'
import { assembleReporter, prepareStateDirectory, tidyStateDirectory } from './assemble.ts'
import { type Session, startSession } from './session.ts'

/**
 * `reprefix-agent run`: watches and renumbers until SIGTERM or SIGINT. Stopping leaves the host
 * exactly as it is, and whatever was not reported yet waits on disk.
 */
export async function runAgent(config: AgentConfig, log: Logger): Promise<void> {
  await prepareStateDirectory(config)
  const lock = await acquireLock(config.paths.directory)
  await tidyStateDirectory(config)
  const abort = new AbortController()
  // `on`, not `once`: a second signal must not cut off the pass that is being finished.
  const onStop = (signal: NodeJS.Signals): void => {
    log.info({ event: 'stop', signal }, 'stopping; the host stays as it is')
    abort.abort()
  }
  process.on('SIGTERM', onStop).on('SIGINT', onStop)
  const reporter = await assembleReporter(config, log, abort.signal)
  const session = await startSession(config, log, reporter)
  const loop = createLoop({ pass: passAndSettle(session), now: Date.now, log })
  const onHangup = (): void => {
    reporter?.retryRefused()
    loop.wake('SIGHUP')
  }
  process.on('SIGHUP', onHangup)
  const monitor = startMonitor(() => loop.wake('kernel'), { follow: followCommand, log })
  const events = startDockerEvents(session.assembly.docker, () => loop.wake('docker'), log)
  const planes = session.assembly.watch((plane) => loop.wake(plane))
  log.info({ event: 'start', version: VERSION, interface: config.intent.uplink }, 'agent started')
  try {
    await Promise.all([loop.run(abort.signal), reporter?.run(abort.signal)])
  } finally {
    abort.abort()
    monitor.stop()
    events.stop()
    planes.stop()
    process.off('SIGHUP', onHangup).off('SIGTERM', onStop).off('SIGINT', onStop)
    await session.assembly.close()
    await lock.release()
  }
}

/** Settling comes last, and what a crash has left of it even where a pass is not possible. */
function passAndSettle(session: Session) {
  return async (reasons: readonly string[]) => {
    try {
      return await session.settle(await session.pass(reasons))
    } catch (cause) {
      await session.settle(null)
      throw cause
    }
  }
}
