import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { ReprefixError } from '../../shared/errors.ts'

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
  ndppd: 'ndppd',
  nsenter: 'util-linux',
  systemctl: 'systemd',
}

// Messages and number formats of tools follow the locale; ours are read by programs.
const ENVIRONMENT = { LC_ALL: 'C' }

function toolMissing(program: string, cause?: unknown): ReprefixError {
  const known = PACKAGES[program.slice(program.lastIndexOf('/') + 1)]
  const remedy = known
    ? `install the Debian package ${known}: apt-get install ${known}`
    : 'install it or correct the path in the configuration'
  return new ReprefixError('TOOL_MISSING', `${program} is not installed; ${remedy}`, { cause })
}

/** Runs real processes; see {@link RunCommand}. */
export const runCommand: RunCommand = async ([program, ...args], options = {}) => {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const result = await execa(program, args, {
    env: ENVIRONMENT,
    reject: false,
    timeout: timeoutMs,
    // Commands are short and bounded; watching the agent's own exit for each would double their cost.
    cleanup: false,
    killSignal: 'SIGKILL',
    stripFinalNewline: false,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  })
  if (result.timedOut) {
    throw new ReprefixError(
      'COMMAND_TIMEOUT',
      `${program} ${args.join(' ')} did not finish within ${timeoutMs} ms and was killed`,
    )
  }
  if (result.exitCode === undefined) {
    if (result.code === 'ENOENT') throw toolMissing(program, result.cause)
    throw new ReprefixError('COMMAND_FAILED', `could not run ${program}: ${result.shortMessage}`)
  }
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr }
}

/** Starts a real process that prints lines; see {@link FollowCommand}. */
export const followCommand: FollowCommand = ([program, ...args], onLine) => {
  const subprocess = execa(program, args, {
    env: ENVIRONMENT,
    reject: false,
    buffer: false,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const lines = createInterface({ input: subprocess.stdout, crlfDelay: Number.POSITIVE_INFINITY })
  lines.on('line', onLine)
  const ended = subprocess.then((result) => {
    lines.close()
    if (result.exitCode !== undefined) return `exit code ${result.exitCode}`
    return result.code === 'ENOENT' ? toolMissing(program).message : String(result.shortMessage)
  })
  return {
    ended,
    stop: () => {
      subprocess.kill('SIGTERM')
    },
  }
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
