import { Command, CommanderError } from 'commander'
import { type ErrorCode, messageOf, ReprefixError } from '../../shared/errors.ts'
import { VERSION } from '../../shared/version.ts'
import type { Terminal } from './terminal.ts'

/** A command below `reprefix`. */
interface Group {
  readonly description: string
  /** Loads what says the rest of it: its options, what is below it, and what it does. */
  load(): Promise<(command: Command, terminal: Terminal) => void>
}

/** Each is loaded when it is given: who starts the cloud needs none of the others. */
const GROUPS: Readonly<Record<string, Group>> = {
  serve: {
    description: 'run the cloud: accept reports, update DNS, keep the audit log',
    load: async () => (await import('./serve.ts')).completeServe,
  },
  config: {
    description: 'check cloud.yaml, and deploy it',
    load: async () => (await import('./config.ts')).completeConfig,
  },
  host: {
    description: 'hosts, what each may claim, and their keys',
    load: async () => (await import('./host.ts')).completeHost,
  },
  audit: {
    description: 'the audit log: read, export, prove, verify',
    load: async () => (await import('./audit.ts')).completeAudit,
  },
  dns: {
    description: 'what DNS has, beside what it shall have',
    load: async () => (await import('./dns.ts')).completeDns,
  },
  demo: {
    description: 'the whole job on this machine, in network namespaces it makes and removes',
    load: async () => (await import('./demo.ts')).completeDemo,
  },
}

const EXIT_FAULT = 1
const EXIT_USAGE = 2

/** Faults that another command line or another configuration would not have had. */
const USAGE_CODES: readonly ErrorCode[] = [
  'USAGE',
  'CONFIG_INVALID',
  'URL_INVALID',
  'NAME_INVALID',
  'HOST_NAME_INVALID',
  'PREFIX_INVALID',
]

/** Runs the `reprefix` command. Throws instead of ending the process. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<void> {
  const program = new Command('reprefix')
    .description('Keeps DNS right while the ISP changes the IPv6 prefix, and proves what it did.')
    .version(VERSION)
    .showHelpAfterError('(add --help for what it takes)')
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .exitOverride()
  // Its own name, or that after "help".
  const given = args.find((arg) => Object.hasOwn(GROUPS, arg))
  for (const [name, { description, load }] of Object.entries(GROUPS)) {
    const command = program.command(name).description(description)
    if (name === given) (await load())(command, terminal)
  }
  await program.parseAsync(args, { from: 'user' })
}

/** Says in one line what is wrong and gives the exit code; the stack is for developers. */
export function reportFault(error: unknown, terminal: Terminal, isDebug: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
  if (isDebug && error instanceof Error) terminal.err(error.stack ?? error.message)
  if (!(error instanceof ReprefixError)) {
    terminal.err(`reprefix: INTERNAL: ${messageOf(error)} (REPREFIX_DEBUG=1 shows where)`)
    return EXIT_FAULT
  }
  terminal.err(`reprefix: ${error.code}: ${error.message}`)
  return USAGE_CODES.includes(error.code) ? EXIT_USAGE : EXIT_FAULT
}
