import { Command, CommanderError } from 'commander'
import { isReprefixError, messageOf, ReprefixError } from '../shared/errors.ts'
import { createLogger, type Logger, type LogLevel } from '../shared/logger.ts'
import { createProgress, printLine } from '../shared/terminal.ts'
import { VERSION } from '../shared/version.ts'
import { readDoctor, renderDoctor } from './commands/doctor.ts'
import { runEnroll } from './commands/enroll.ts'
import { renderLogLine } from './commands/log-line.ts'
import { runOnce } from './commands/once.ts'
import { runPin } from './commands/pin.ts'
import { readPlan, renderPlan } from './commands/plan.ts'
import { renderStatus } from './commands/render-status.ts'
import { renderVerification } from './commands/render-verification.ts'
import { runRotate } from './commands/rotate.ts'
import { runAgent } from './commands/run.ts'
import { readStatus } from './commands/status.ts'
import { readVerification } from './commands/verify.ts'
import { type AgentConfig, DEFAULT_CONFIG_PATH, readConfig } from './config.ts'

/** Exit codes; `plan` alone uses the last. */
const EXIT = { converged: 0, fault: 1, usage: 2, changes: 3 } as const
type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Faults that the person at the command line can mend there. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'USAGE',
  'CONFIG_INVALID',
  'JOIN_INVALID',
  'ALREADY_RUNNING',
])

interface CommonOptions {
  readonly config: string
  readonly json?: boolean
  readonly jsonLog?: boolean
  readonly verbose?: boolean
  readonly force?: boolean
  readonly key?: readonly string[]
}

const printError = (line: string): void => void process.stderr.write(`${line}\n`)

function requireLinux(): void {
  if (process.platform === 'linux') return
  throw new ReprefixError('USAGE', 'this command works on Linux only')
}

function requireRootOnLinux(): void {
  requireLinux()
  if (process.getuid?.() !== 0) {
    throw new ReprefixError('USAGE', 'this command must run as root: try sudo')
  }
}

function createAgentLogger(options: CommonOptions, quietest: LogLevel): Logger {
  const level = options.verbose ? 'debug' : quietest
  const destination = options.jsonLog
    ? { write: (line: string) => void process.stdout.write(line) }
    : { write: (line: string) => printError(renderLogLine(line)) }
  return createLogger({ level, name: 'reprefix-agent', destination })
}

function reportFault(error: unknown, isJson: boolean): ExitCode {
  const code = isReprefixError(error) ? error.code : 'INTERNAL'
  if (isJson) printLine(JSON.stringify({ kind: 'error', code, message: messageOf(error) }))
  printError(`reprefix-agent: ${messageOf(error)}`)
  return USAGE_CODES.has(code) ? EXIT.usage : EXIT.fault
}

const EXAMPLES = `
A host from nothing:
  reprefix-agent doctor                     what does it need?
  reprefix-agent enroll rpj1-…              the word that "reprefix host add" printed
  reprefix-agent plan                       look before you leap
  systemctl enable --now reprefix-agent

Day by day:
  reprefix-agent status                     prefix, last change, what waits
  reprefix-agent verify                     what the cloud's answers prove
  reprefix-agent doctor --json | jq '.findings[] | select(.level != "ok")'
  systemctl reload reprefix-agent           look again now, and offer refused names again

Exit codes: 0 converged, 1 fault, 2 usage or configuration, 3 "plan" has changes.`

/** One example for each command, shown below its own options. */
const EXAMPLE_OF: Readonly<Record<string, string>> = {
  enroll: 'reprefix-agent enroll --force rpj1-…',
  pin: 'reprefix-agent pin cloud.example.org+9d0e61f7+A…',
  run: 'reprefix-agent run --config /etc/reprefix/agent.yaml --json-log',
  once: 'reprefix-agent once --verbose',
  plan: 'reprefix-agent plan --json | jq .dns',
  status: 'reprefix-agent status --json | jq .pending',
  verify: 'reprefix-agent verify --key cloud.example.org+4f3a1c2b+A… /backup/receipts/*.json',
  doctor: 'reprefix-agent doctor || journalctl -u reprefix-agent --since today',
}

/**
 * Runs the agent's command line and gives the exit code: 0 converged, 1 fault, 2 usage or
 * configuration, 3 `plan` has changes.
 */
export async function runCli(argv: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.converged
  const program = new Command('reprefix-agent')
    .description('Renumbers Docker, ndppd and ip6tables when the IPv6 prefix changes.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError()
    .addHelpText('after', EXAMPLES)

  /** A command whose faults become one line and an exit code. It reads the settings when it wants them. */
  function bareCommand(
    text: string,
    description: string,
    action: (
      settings: () => Promise<AgentConfig>,
      options: CommonOptions,
      words: readonly string[],
    ) => Promise<ExitCode>,
  ): Command {
    return program
      .command(text)
      .description(description)
      .option('-c, --config <file>', 'settings file', DEFAULT_CONFIG_PATH)
      .option('-v, --verbose', 'log every pass')
      .addHelpText('after', `\nExample:\n  ${EXAMPLE_OF[text.split(' ')[0] ?? ''] ?? ''}`)
      .action(async (...given: unknown[]) => {
        const self = given.at(-1)
        const options: CommonOptions =
          self instanceof Command ? self.opts<CommonOptions>() : { config: DEFAULT_CONFIG_PATH }
        const words = [given[0]].flat().filter((word) => typeof word === 'string')
        try {
          const settings = () => readConfig(options.config, process.env)
          exitCode = await action(settings, options, words)
        } catch (error) {
          exitCode = reportFault(error, options.json === true)
        }
      })
  }

  /** A command on the settings file. */
  function command(
    text: string,
    description: string,
    action: (config: AgentConfig, options: CommonOptions, word: string) => Promise<ExitCode>,
  ): Command {
    return bareCommand(text, description, async (settings, options, [word = '']) =>
      action(await settings(), options, word),
    )
  }

  command(
    'enroll <join>',
    'make this host known to a cloud, with a join string',
    async (...all) => {
      const [config, options, word] = all
      await runEnroll(config, word, {
        json: !!options.json,
        force: !!options.force,
        print: printLine,
      })
      return EXIT.converged
    },
  )
    .option('--force', 'give up the present key and enrol anew')
    .option('--json', 'print one JSON object')

  command('rotate', "replace this host's key by a new one", async (config, options) => {
    await runRotate(config, createAgentLogger(options, 'warn'), {
      json: !!options.json,
      print: printLine,
    })
    return EXIT.converged
  }).option('--json', 'print one JSON object')

  command(
    'pin <vkey>',
    'trust another key of the same log from now on',
    async (config, options, vkey) => {
      await runPin(config, vkey, { json: !!options.json, print: printLine })
      return EXIT.converged
    },
  ).option('--json', 'print one JSON object')

  command('run', 'watch and renumber until stopped', async (config, options) => {
    requireRootOnLinux()
    await runAgent(config, createAgentLogger(options, 'info'))
    return EXIT.converged
  }).option('--json-log', 'log JSON lines to standard output')

  command('once', 'put everything right once, report, and end', async (config, options) => {
    requireRootOnLinux()
    const isDone = await runOnce(config, createAgentLogger(options, 'info'))
    if (options.json) printLine(JSON.stringify({ kind: 'once', ok: isDone }))
    return isDone ? EXIT.converged : EXIT.fault
  })
    .option('--json-log', 'log JSON lines to standard output')
    .option('--json', 'print one JSON object at the end')

  command('plan', 'show what would change, and change nothing', async (config, options) => {
    requireRootOnLinux()
    const plan = await readPlan(config, createAgentLogger(options, 'warn'))
    if (options.json) printLine(JSON.stringify(plan))
    else renderPlan(plan).forEach(printLine)
    return plan.hasChanges ? EXIT.changes : EXIT.converged
  }).option('--json', 'print one JSON object')

  command('status', 'show the prefix, the last change, and what waits', async (config, options) => {
    const status = await readStatus(config, Date.now())
    if (options.json) printLine(JSON.stringify(status))
    else renderStatus(status).forEach(printLine)
    return EXIT.converged
  }).option('--json', 'print one JSON object')

  command(
    'doctor',
    'check everything this host needs, and say what helps',
    async (config, options) => {
      requireLinux()
      const report = await readDoctor(config, options.config)
      if (options.json) printLine(JSON.stringify(report))
      else renderDoctor(report).forEach(printLine)
      return report.ok ? EXIT.converged : EXIT.fault
    },
  ).option('--json', 'print one JSON object')

  bareCommand(
    'verify [files...]',
    "verify the cloud's receipts offline, those that are kept or copies of them",
    async (settings, options, files) => {
      const progress = createProgress('verified receipts:', process.stderr.isTTY === true)
      const verification = await readVerification(settings, {
        files,
        keys: options.key ?? [],
        onProgress: progress.show,
      }).finally(progress.clear)
      if (options.json) printLine(JSON.stringify(verification))
      else renderVerification(verification).forEach(printLine)
      return verification.ok ? EXIT.converged : EXIT.fault
    },
  )
    .option(
      '--key <vkey>',
      'a public key of the log, instead of those pinned here; repeatable, one of them is enough',
      (key: string, others: readonly string[] = []) => [...others, key],
    )
    .option('--json', 'print one JSON object')

  try {
    await program.parseAsync([...argv])
  } catch (error) {
    // Commander has said what is wrong, or shown the help or the version that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.converged : EXIT.usage
    throw error
  }
  return exitCode
}
