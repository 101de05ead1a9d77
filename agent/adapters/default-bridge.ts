import { readFile, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { isReprefixError, messageOf } from '../../shared/errors.ts'
import { writeFault, writeFileAtomic } from '../../shared/files.ts'
import { prefixSchema } from '../../shared/schema.ts'
import type { DefaultBridgePlan } from '../domain/default-bridge-need.ts'
import { type Argv, type CommandResult, lastWords, type RunCommand } from './command.ts'
import type { DockerControl } from './docker.ts'
import { decodeDockerFacts, decodeRunningCount } from './docker-decode.ts'
import { readFault, readJsonFile, writeJsonFile } from './json-file.ts'

/** What became of a change to daemon.json. */
export type DefaultBridgeOutcome =
  | { readonly kind: 'settled' }
  /** The file is right; Docker keeps the former subnet until it starts while no container runs. */
  | { readonly kind: 'edited' }
  /** Docker did not take the new file; the former one is back, and Docker with it. */
  | { readonly kind: 'restored'; readonly reason: string }

/** Changes the subnet of the default bridge, which is a setting of the daemon. */
export interface DefaultBridgeSettler {
  readonly path: string
  /** The text of daemon.json; `null` where there is none. */
  readText(): Promise<string | null>
  /** Whether a restart would change the subnet: not with live-restore while a container runs. */
  isEffective(): Promise<boolean>
  /** Finishes what a crash has left; `null` when there is nothing. */
  resume(): Promise<DefaultBridgeOutcome | null>
  carryOut(plan: DefaultBridgePlan): Promise<DefaultBridgeOutcome>
}

/** Which daemon, and how it is restarted. */
export interface DefaultBridgeSettings {
  readonly configPath: string
  readonly restart: Argv
  /** Where a change under way is remembered. */
  readonly recordPath: string
}

interface DefaultBridgeParts {
  readonly run: RunCommand
  readonly control: DockerControl
  /** How long dockerd may take to answer after a restart. */
  readonly startTimeoutMs?: number
}

const RESTART_TIMEOUT_MS = 120_000
const START_TIMEOUT_MS = 60_000
const START_POLL_MS = 50

const recordSchema = v.strictObject({
  v: v.literal(1),
  path: v.string(),
  from: prefixSchema,
  to: prefixSchema,
  /** The bytes of the file before and after, in base64. */
  before: v.string(),
  after: v.string(),
})
type BridgeRecord = v.InferOutput<typeof recordSchema>

const REMEDY = 'compare daemon.json with your backup, then remove it'

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}

/**
 * The former bytes are on disk, twice, before the file is changed, and come back when dockerd refuses
 * the new ones, before or after a restart. With live-restore and running containers a restart would
 * change nothing but cost connections, so there is none.
 */
export function createDefaultBridgeSettler(
  settings: DefaultBridgeSettings,
  { run, control, startTimeoutMs = START_TIMEOUT_MS }: DefaultBridgeParts,
): DefaultBridgeSettler {
  const { configPath: path, recordPath } = settings

  async function readText(): Promise<string | null> {
    try {
      return await readFile(path, 'utf8')
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
      throw readFault(path, cause)
    }
  }

  async function forget(): Promise<void> {
    try {
      await rm(recordPath, { force: true })
    } catch (cause) {
      throw writeFault(recordPath, cause)
    }
  }

  async function isEffective(): Promise<boolean> {
    const info = await control.readInfo()
    return !decodeDockerFacts(info).isLiveRestore || decodeRunningCount(info) === 0
  }

  /** `undefined` where the file is good, or dockerd is too old to tell. */
  async function whyInvalid(): Promise<string | undefined> {
    let result: CommandResult
    try {
      result = await run(['dockerd', '--validate', '--config-file', path], { timeoutMs: 20_000 })
    } catch (cause) {
      if (isReprefixError(cause, 'TOOL_MISSING')) return undefined
      throw cause
    }
    const isUnknown = result.stderr.includes('unknown flag')
    return result.exitCode === 0 || isUnknown ? undefined : lastWords(result)
  }

  async function answers(): Promise<boolean> {
    try {
      await control.readInfo()
      return true
    } catch {
      return false
    }
  }

  /** `undefined` once Docker answers again. */
  async function whyNotRestarted(): Promise<string | undefined> {
    const command = settings.restart.join(' ')
    try {
      const result = await run(settings.restart, { timeoutMs: RESTART_TIMEOUT_MS })
      if (result.exitCode !== 0) {
        return `"${command}" ended with ${result.exitCode}: ${lastWords(result)}`
      }
    } catch (cause) {
      return messageOf(cause)
    }
    const deadline = performance.now() + startTimeoutMs
    while (performance.now() < deadline) {
      if (await answers()) return undefined
      await sleep(START_POLL_MS)
    }
    return `Docker does not answer ${Math.round(startTimeoutMs / 1000)} s after "${command}"`
  }

  async function restore(record: BridgeRecord, reason: string, isDown: boolean) {
    await writeFileAtomic(path, Buffer.from(record.before, 'base64'))
    const stillDown = isDown ? await whyNotRestarted() : undefined
    await forget()
    const more = stillDown === undefined ? '' : `; with the former file: ${stillDown}`
    return { kind: 'restored' as const, reason: `${reason}${more}` }
  }

  /** Docker up to 26 leaves the route to the former subnet behind. */
  async function removeStaleRoute({ from, to }: BridgeRecord): Promise<void> {
    if (from === to) return
    // Fails where there is none, which is what is wanted.
    await run(['ip', '-6', 'route', 'del', from, 'dev', 'docker0']).catch(() => undefined)
  }

  /** From a file that is written as wanted. */
  async function finish(record: BridgeRecord): Promise<DefaultBridgeOutcome> {
    const invalid = await whyInvalid()
    if (invalid !== undefined) {
      return restore(record, `dockerd refuses it: ${invalid}`, !(await answers()))
    }
    const isUp = await answers()
    if (isUp && !(await isEffective())) {
      await forget()
      return { kind: 'edited' }
    }
    const reason = await whyNotRestarted()
    if (reason !== undefined) return restore(record, reason, true)
    await removeStaleRoute(record)
    await forget()
    return { kind: 'settled' }
  }

  return {
    path,
    readText,
    isEffective,
    resume: async () => {
      const record = await readJsonFile(recordPath, recordSchema, REMEDY)
      if (record === null) return null
      const text = await readText()
      if (record.path === path && text !== null && encode(text) === record.after) {
        return finish(record)
      }
      // Killed before the file was written, or somebody has edited it since: theirs stays.
      await forget()
      return null
    },
    carryOut: async ({ from, to, text }) => {
      const before = (await readText()) ?? ''
      const after = text ?? before
      const record = { v: 1, path, from, to, before: encode(before), after: encode(after) } as const
      await writeJsonFile(recordPath, record)
      if (after !== before) await writeFileAtomic(path, after)
      return finish(record)
    },
  }
}
