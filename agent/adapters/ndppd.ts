import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { ReprefixError } from '../../shared/errors.ts'
import { writeFileAtomic } from '../../shared/files.ts'
import type { ProxyState } from '../domain/model.ts'
import type { Step } from '../domain/step.ts'
import type { NeighbourProxy } from '../ports.ts'
import { type Argv, lastWords, type RunCommand } from './command.ts'
import type { LinkIndexes } from './kernel.ts'
import type { Listener } from './monitor.ts'
import type { ProcessIdentity, ProcessTable } from './processes.ts'

/** What ndppd is told. */
export type NdppdChange = Omit<Extract<Step, { kind: 'proxy-set' }>, 'kind'>

/** ndppd as a port, and the one change ever made to it. */
export interface Ndppd extends NeighbourProxy {
  /**
   * Writes the configuration and, where the change asks for it, restarts ndppd. When it does not come
   * up, the configuration before is put back and started again, then NDPPD_FAILED is thrown.
   */
  apply(change: NdppdChange): Promise<void>
  /** Calls `onHint` soon after an ndppd that was started by `apply` has ended. */
  watch(onHint: () => void): Listener
}

/** Which ndppd is ours to configure, and how it is restarted. */
export interface NdppdSettings {
  /** ndppd's configuration file. */
  readonly configPath: string
  /** Command that (re)starts ndppd; it may end before ndppd has started. */
  readonly restart: Argv
  /** Where the interface indexes of the last restart are remembered. */
  readonly recordPath: string
}

interface NdppdParts {
  readonly run: RunCommand
  readonly processes: ProcessTable
  readonly linkIndexes: LinkIndexes
  readonly startTimeoutMs?: number
  readonly watchMs?: number
}

const RESTART_TIMEOUT_MS = 15_000
const START_TIMEOUT_MS = 3000
const START_POLL_MS = 5
/**
 * How often it is looked whether ndppd still runs: one file of /proc each time. Routers keep what it has
 * answered for longer than this, and each second that an idle agent wakes is most of what it costs.
 */
const WATCH_MS = 10_000

const RecordSchema = v.strictObject({
  pid: v.number(),
  startTicks: v.number(),
  indexes: v.record(v.string(), v.number()),
})

async function readTextOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return ''
    throw new ReprefixError('NDPPD_FAILED', `failed to read ${path}; check its permissions`, {
      cause,
    })
  }
}

/**
 * ndppd binds its interfaces by index when it starts: a bridge made anew under the same name leaves it
 * silently deaf. The indexes it was started with are therefore recorded together with the identity of
 * the process, and count only while that very process runs.
 */
export function createNdppd(settings: NdppdSettings, parts: NdppdParts): Ndppd {
  const { run, processes, linkIndexes } = parts
  /** The process that is watched, `null` when it is known to have ended. */
  let bound: ProcessIdentity | null = null

  async function readRecord(): Promise<v.InferOutput<typeof RecordSchema> | null> {
    const text = await readFile(settings.recordPath, 'utf8').catch(() => '')
    try {
      return v.parse(RecordSchema, JSON.parse(text))
    } catch {
      // Without a record the indexes are unknown, and the plan restarts ndppd once.
      return null
    }
  }

  async function read(): Promise<ProxyState> {
    const [configText, record] = await Promise.all([
      readTextOrEmpty(settings.configPath),
      readRecord(),
    ])
    const known = record && (await processes.identify(record.pid))
    if (known && known.startTicks === record.startTicks) {
      bound = known
      return { configText, isRunning: true, boundIndexes: record.indexes }
    }
    const running = await processes.findByName('ndppd')
    return { configText, isRunning: running.length > 0, boundIndexes: {} }
  }

  async function awaitNewProcess(before: readonly ProcessIdentity[]): Promise<ProcessIdentity> {
    const deadline = performance.now() + (parts.startTimeoutMs ?? START_TIMEOUT_MS)
    for (;;) {
      const fresh = (await processes.findByName('ndppd')).find(
        ({ pid, startTicks }) =>
          !before.some((old) => old.pid === pid && old.startTicks === startTicks),
      )
      if (fresh) return fresh
      if (performance.now() > deadline) {
        throw new ReprefixError(
          'NDPPD_FAILED',
          `ndppd does not run after ${settings.restart.join(' ')}; is the Debian package ndppd installed? ` +
            `Check ${settings.configPath} with: ndppd -vv -c ${settings.configPath}`,
        )
      }
      await sleep(START_POLL_MS)
    }
  }

  async function restart(): Promise<ProcessIdentity> {
    const before = await processes.findByName('ndppd')
    const result = await run(settings.restart, { timeoutMs: RESTART_TIMEOUT_MS })
    if (result.exitCode !== 0) {
      throw new ReprefixError(
        'NDPPD_FAILED',
        `could not restart ndppd: ${settings.restart.join(' ')} ended with ${result.exitCode}` +
          ` (${lastWords(result)}); is the Debian package ndppd installed?`,
      )
    }
    return awaitNewProcess(before)
  }

  async function writeRecord(record: v.InferOutput<typeof RecordSchema>): Promise<void> {
    await writeFileAtomic(settings.recordPath, `${JSON.stringify(record)}\n`)
    bound = record
  }

  /** The process that runs goes on; what it is bound to beyond `bridges` is forgotten. */
  async function writeOnly({ configText, bridges }: NdppdChange): Promise<void> {
    await writeFileAtomic(settings.configPath, configText)
    const record = await readRecord()
    if (record === null) return
    const kept = Object.entries(record.indexes).filter(([bridge]) => bridges.includes(bridge))
    await writeRecord({ ...record, indexes: Object.fromEntries(kept) })
  }

  async function apply(change: NdppdChange): Promise<void> {
    if (!change.restarts) return writeOnly(change)
    const { configText, bridges } = change
    const previous = await readTextOrEmpty(settings.configPath)
    // Read before the restart: a bridge replaced meanwhile then shows as a difference, not as fine.
    const all = await linkIndexes()
    if (configText !== previous) await writeFileAtomic(settings.configPath, configText)
    let started: ProcessIdentity
    try {
      started = await restart()
    } catch (cause) {
      if (configText !== previous && previous !== '') {
        await writeFileAtomic(settings.configPath, previous)
        await restart().catch(() => undefined)
      }
      throw cause
    }
    const indexes = Object.fromEntries(
      bridges.flatMap((bridge) => {
        const index = all.get(bridge)
        return index === undefined ? [] : [[bridge, index]]
      }),
    )
    await writeRecord({ ...started, indexes })
  }

  function watch(onHint: () => void): Listener {
    const look = async (): Promise<void> => {
      const known = bound
      if (known === null) return
      const now = await processes.identify(known.pid)
      if (now?.startTicks === known.startTicks || bound !== known) return
      bound = null
      onHint()
    }
    const timer = setInterval(() => void look(), parts.watchMs ?? WATCH_MS)
    timer.unref()
    return { isListening: () => bound !== null, stop: () => clearInterval(timer) }
  }

  return { read, apply, watch }
}
