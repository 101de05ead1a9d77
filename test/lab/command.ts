import { execFile } from 'node:child_process'
import { ReprefixError } from '../../shared/errors.ts'

/** Environment of everything the lab starts: daemons live in sbin, messages stay English. */
export function labEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`,
    LC_ALL: 'C',
    TZ: 'UTC',
  }
}

/** The argument vector that runs `argv` in the named network namespace, under the same process id. */
export function inNamespace(namespace: string, argv: readonly string[]): readonly string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, ...argv]
}

/** Standard input and deadline of a command. */
export interface RunOptions {
  readonly input?: string
  readonly timeoutMs?: number
  /** Working directory. */
  readonly directory?: string
}

/** What a command left behind. */
export interface RunResult {
  /** Exit code, or -1 when a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, whatever its exit code. Throws `LAB_FAILED` if it cannot be started. */
export function tryRun(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [file = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      {
        env: labEnvironment(),
        ...(options.directory === undefined ? {} : { cwd: options.directory }),
        timeout: options.timeoutMs ?? 60_000,
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        if (error && typeof error.code === 'string') {
          reject(new ReprefixError('LAB_FAILED', `cannot run ${file}`, { cause: error }))
          return
        }
        const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0
        resolve({ code, stdout, stderr })
      },
    )
    child.stdin?.on('error', () => {
      // A program that ends without reading its input is judged by its exit code.
    })
    child.stdin?.end(options.input ?? '')
  })
}

/** Runs a program and returns its standard output. Throws `LAB_FAILED` with its messages on failure. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await tryRun(argv, options)
  if (result.code === 0) return result.stdout
  const said = (result.stderr || result.stdout).trim().slice(-2000)
  throw new ReprefixError('LAB_FAILED', `${argv.join(' ')}: exit ${result.code}: ${said}`)
}
