import type { Logger } from '../../shared/logger.ts'
import { VERSION } from '../../shared/version.ts'
import { followCommand, runCommand } from '../adapters/command.ts'
import { startDockerEvents } from '../adapters/docker-events.ts'
import { acquireLock } from '../adapters/lock.ts'
import { startMonitor } from '../adapters/monitor.ts'
import { createServiceManager } from '../adapters/service-manager.ts'
import { createCollector, exposeCollection, useLittleMemory } from '../adapters/small-memory.ts'
import type { AgentConfig } from '../config.ts'
import type { UplinkIntent } from '../domain/model.ts'
import { isPrefixNews, isRefresh } from '../domain/prefix-news.ts'
import { uplinksOf } from '../domain/uplinks.ts'
import { createLoop } from '../loop.ts'
import { RELOAD, type Service, startService } from '../service.ts'
import { createGlancing, GLANCED, PREFIX } from './glancing.ts'
import { assembleReporter, prepareStateDirectory, tidyStateDirectory } from './reporting.ts'
import { describeFailure, describePass } from './service-status.ts'
import { type Session, startSession } from './session.ts'

/** The lines that one advertisement makes the kernel print follow each other within a few milliseconds. */
const GATHER_MS = 50
/** How often it is looked without a hint, and how often while something that gives hints is missing. */
const POLL_MS = 60_000
const DEAF_POLL_MS = 30_000

/**
 * `reprefix-agent run`: watches and renumbers until SIGTERM or SIGINT. Stopping leaves the host
 * exactly as it is, and whatever was not reported yet waits on disk. A service manager that wants to know
 * is told when the first pass has ended, while passes get on, and when it stops.
 */
export async function runAgent(config: AgentConfig, log: Logger): Promise<void> {
  useLittleMemory()
  await prepareStateDirectory(config)
  let onKnock = (): void => undefined
  const lock = await acquireLock(config.paths.directory, () => onKnock())
  await tidyStateDirectory(config)
  const abort = new AbortController()
  const manager = createServiceManager(process.env, { run: runCommand, log, pid: process.pid })
  const service = startService(manager, () => Number(process.hrtime.bigint() / 1000n))
  // `on`, not `once`: a second signal must not cut off the pass that is being finished.
  const onStop = (signal: NodeJS.Signals): void => {
    log.info({ event: 'stop', signal }, 'stopping; the host stays as it is')
    if (!abort.signal.aborted) service.stopping()
    abort.abort()
  }
  process.on('SIGTERM', onStop).on('SIGINT', onStop)
  const reporter = await assembleReporter(config, log, abort.signal)
  onKnock = () => reporter?.rotate()
  const session = await startSession(config, log, reporter, service.progressed)
  const { assembly } = session
  const collector = createCollector(exposeCollection())
  const passAtWork = passAndSettle(session, service, config.intent.uplink)
  const pass = createGlancing({
    pass: (...of) => {
      collector.busy()
      return passAtWork(...of).finally(collector.rest)
    },
    glance: async () => {
      service.progressed()
      return session.glance()
    },
    isListening: () => events.isListening() && planes.isListening(),
    now: Date.now,
    elapsed: () => performance.now(),
  })
  const pollMs = (): number => {
    const listeners = [monitor, events, planes]
    const isHinted = listeners.every((one) => one.isListening())
    return isHinted && uplinksOf(config.intent).every(isAnnounced) ? POLL_MS : DEAF_POLL_MS
  }
  const loop = createLoop({ pass, now: Date.now, log, pollMs })
  const onHangup = (): void => {
    service.reloading()
    reporter?.retryRefused()
    loop.wake(RELOAD)
  }
  process.on('SIGHUP', onHangup)
  const glanceSoon = gather(() => loop.wake(GLANCED.kernel))
  const onKernel = (line?: string): void => {
    const tells = (of: typeof isRefresh) =>
      line !== undefined && of(line, session.state, config.intent)
    if (tells(isPrefixNews)) loop.wake(PREFIX)
    else if (!tells(isRefresh)) glanceSoon()
  }
  const monitor = startMonitor(onKernel, { follow: followCommand, log })
  const events = startDockerEvents(assembly.docker, () => loop.wake('docker'), log)
  const planes = assembly.watch((plane) => loop.wake(plane))
  const { uplink } = config.intent
  const start = { event: 'start', version: VERSION, interface: uplink, means: assembly.means }
  log.info(start, 'agent started')
  try {
    await Promise.all([loop.run(abort.signal), reporter?.run(abort.signal)])
  } finally {
    abort.abort()
    service.end()
    monitor.stop()
    events.stop()
    planes.stop()
    process.off('SIGHUP', onHangup).off('SIGTERM', onStop).off('SIGINT', onStop)
    await assembly.close()
    await lock.release()
  }
}

/** Announcements tell of every source but files and commands, which can only be asked. */
function isAnnounced({ source }: UplinkIntent): boolean {
  return source === 'slaac' || source === 'route'
}

/** Answers calls that come close together with one. */
function gather(answer: () => void): () => void {
  let isDue = false
  return () => {
    if (isDue) return
    isDue = true
    setTimeout(() => {
      isDue = false
      answer()
    }, GATHER_MS)
  }
}

/** Settling comes last, and what a crash has left of it even where a pass is not possible. */
function passAndSettle(session: Session, service: Service, uplink: string) {
  return async (reasons: readonly string[], isQuick: boolean) => {
    service.progressed()
    try {
      const after = await session.pass(reasons, isQuick)
      service.passed(reasons, describePass(after.result, uplink))
      // The whole pass that follows settles.
      return isQuick ? { ...after, hasChanged: false } : await session.settle(after)
    } catch (cause) {
      service.passed(reasons, describeFailure(cause))
      await session.settle(null)
      throw cause
    }
  }
}
