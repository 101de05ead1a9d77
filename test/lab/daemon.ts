import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { ReprefixError } from '../../shared/errors.ts'
import { labEnvironment } from './command.ts'
import { waitFor } from './deadline.ts'

/** How to start a daemon. */
export interface DaemonOptions {
  readonly name: string
  readonly argv: readonly string[]
  /** Standard output and standard error are appended here. */
  readonly logFile: string
  /** Called with every line of standard output, and of standard error when `errorLines` is set. */
  readonly onLine?: (line: string) => void
  readonly errorLines?: boolean
  readonly environment?: Readonly<Record<string, string>>
}

/** A running program of the lab. It never outlives the lab: the sweep ends it by its process id. */
export interface Daemon {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  isRunning(): boolean
  /** Exit code or signal; `undefined` while it runs. */
  end(): number | NodeJS.Signals | undefined
  /** Why it ended with the last lines of its log; `undefined` while it runs. */
  failure(): string | undefined
  /** Writes one line to its standard input. */
  send(line: string): void
  signal(name: NodeJS.Signals): void
  /** Sends `signal` and waits for the end; a daemon that ignores it for `timeoutMs` is an error. */
  stop(signal?: NodeJS.Signals, timeoutMs?: number): Promise<number | NodeJS.Signals>
}

function tail(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n')
}

function readLines(child: ChildProcess, options: DaemonOptions, log: number): void {
  const streams = [child.stdout, options.errorLines ? child.stderr : null]
  let open = 0
  for (const stream of streams) {
    if (stream === null) continue
    open += 1
    const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
    lines.on('line', (line) => {
      writeSync(log, `${line}\n`)
      options.onLine?.(line)
    })
    lines.on('close', () => {
      open -= 1
      if (open === 0) closeSync(log)
    })
  }
}

/** Starts a program in a session of its own, so that Ctrl-C reaches only the lab's owner. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const log = openSync(options.logFile, 'a')
  const [file = '', ...args] = options.argv
  const piped = options.onLine !== undefined
  const child = spawn(file, args, {
    detached: true,
    env: { ...labEnvironment(), ...options.environment },
    stdio: [
      piped ? 'pipe' : 'ignore',
      piped ? 'pipe' : log,
      piped && options.errorLines ? 'pipe' : log,
    ],
  })
  let ended: number | NodeJS.Signals | undefined
  child.on('exit', (code, signal) => {
    ended = signal ?? code ?? 0
  })
  child.stdin?.on('error', () => {
    // The end of the process is seen by its exit.
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => {
      reject(new ReprefixError('LAB_FAILED', `cannot start ${options.name}`, { cause }))
    })
  })
  if (piped) readLines(child, options, log)
  else closeSync(log)
  const pid = child.pid ?? 0
  const { name, logFile } = options
  return {
    name,
    pid,
    logFile,
    isRunning: () => ended === undefined,
    end: () => ended,
    failure: () =>
      ended === undefined
        ? undefined
        : `${name} ended (${ended}); ${basename(logFile)}:\n${tail(logFile)}`,
    send: (line) => {
      child.stdin?.write(`${line}\n`)
    },
    signal: (signal) => {
      if (ended === undefined) process.kill(pid, signal)
    },
    stop: async (signal = 'SIGTERM', timeoutMs = 30_000) => {
      if (ended === undefined) process.kill(pid, signal)
      return waitFor(`end of ${name} after ${signal}`, () => ended, { timeoutMs, intervalMs: 2 })
    },
  }
}
