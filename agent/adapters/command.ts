import { type SpawnOptions, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { messageOf, ReprefixError } from '../../shared/errors.ts'

/** A program and its arguments; never a shell line. */
export type Argv = readonly [program: string, ...args: string[]]

/** What a finished command said. A non-zero exit code is a value here: only its caller can judge it. */
export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** How to run a command. */
export interface CommandOptions {
  /** Text for standard input; without it, standard input is empty. */
  readonly input?: string
  /** After this long the command is killed and COMMAND_TIMEOUT thrown; 5 s unless told. */
  readonly timeoutMs?: number
}

/**
 * Runs a command to its end. Throws TOOL_MISSING (naming the Debian package) when the program is not
 * installed, COMMAND_TIMEOUT when it does not finish, COMMAND_FAILED when it was killed by a signal.
 */
export type RunCommand = (argv: Argv, options?: CommandOptions) => Promise<CommandResult>

/** A command that keeps printing until it is stopped. */
export interface FollowedCommand {
  /** Resolves when the command has ended, for whatever reason; never rejects. */
  readonly ended: Promise<string>
  stop(): void
}
/** Starts a command and calls `onLine` for each line it prints; never throws. */
export type FollowCommand = (argv: Argv, onLine: (line: string) => void) => FollowedCommand

const DEFAULT_TIMEOUT_MS = 5000

/** Debian packages of the programs an agent may call. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  ip6tables: 'iptables',
  'ip6tables-restore': 'iptables',
  'ip6tables-legacy': 'iptables',
  'ip6tables-nft': 'iptables',
  ndppd: 'ndppd',
  nsenter: 'util-linux',
  systemctl: 'systemd',
  'systemd-notify': 'systemd',
}

// Messages and number formats of tools follow the locale; ours are read by programs.
const ENVIRONMENT = { LC_ALL: 'C' }

/** The Debian package that has a program, `null` where it is not one of ours. */
export function debianPackageOf(program: string): string | null {
  const name = program.slice(program.lastIndexOf('/') + 1)
  return (Object.hasOwn(PACKAGES, name) ? PACKAGES[name] : undefined) ?? null
}

function toolMissing(program: string, cause?: unknown): ReprefixError {
  const known = debianPackageOf(program)
  const remedy = known
    ? `install the Debian package ${known}: apt-get install ${known}`
    : 'install it or correct the path in the configuration'
  return new ReprefixError('TOOL_MISSING', `${program} is not installed; ${remedy}`, { cause })
}

function couldNotRun(program: string, cause: unknown): ReprefixError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  // Looked up by name, EACCES only says that one directory of PATH could not be entered, or has a file of
  // that name that cannot be run: nowhere was there a program (execvp(3)).
  const isNowhere = code === 'EACCES' && !program.includes('/')
  if (code === 'ENOENT' || isNowhere) return toolMissing(program, cause)
  return new ReprefixError('COMMAND_FAILED', `could not run ${program}: ${messageOf(cause)}`, {
    cause,
  })
}

function environment(): SpawnOptions {
  return { env: { ...process.env, ...ENVIRONMENT } }
}

/** Runs real processes; see {@link RunCommand}. */
export const runCommand: RunCommand = ([program, ...args], options = {}) =>
  new Promise((resolve, reject) => {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const child = spawn(program, args, { ...environment(), stdio: 'pipe' })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      // Its own children may hold the pipes open: nobody waits for them.
      child.stdout.destroy()
      child.stderr.destroy()
      reject(
        new ReprefixError(
          'COMMAND_TIMEOUT',
          `${program} ${args.join(' ')} did not finish within ${timeoutMs} ms and was killed`,
        ),
      )
    }, timeoutMs)
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text
      })
    }
    child.once('error', (cause) => {
      clearTimeout(timer)
      reject(couldNotRun(program, cause))
    })
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer)
      if (exitCode === null) reject(couldNotRun(program, `it was killed by ${signal}`))
      else resolve({ exitCode, ...output })
    })
    // A program that ends without reading its input is judged by its exit code.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })

/** Starts a real process that prints lines; see {@link FollowCommand}. */
export const followCommand: FollowCommand = ([program, ...args], onLine) => {
  const child = spawn(program, args, { ...environment(), stdio: ['ignore', 'pipe', 'ignore'] })
  const lines = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })
  lines.on('line', onLine)
  const stop = (): void => {
    child.kill('SIGTERM')
  }
  // Whatever ends the agent ends what it follows with.
  process.on('exit', stop)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (cause) => resolve(couldNotRun(program, cause).message))
    child.once('close', (exitCode, signal) => {
      resolve(exitCode === null ? `killed by ${signal}` : `exit code ${exitCode}`)
    })
  })
  void ended.then(() => {
    process.off('exit', stop)
    lines.close()
  })
  return { ended, stop }
}

/** Returns the result when the command succeeded, else throws COMMAND_FAILED with its last words. */
export function requireSuccess(result: CommandResult, what: string): CommandResult {
  if (result.exitCode === 0) return result
  const words = lastWords(result)
  throw new ReprefixError(
    'COMMAND_FAILED',
    `${what}: exit code ${result.exitCode}${words === '' ? '' : `, ${words}`}`,
  )
}

/** The last line a failed command printed on standard error, for messages to people only. */
export function lastWords(result: CommandResult): string {
  return result.stderr.trim().split('\n').at(-1)?.trim() ?? ''
}
