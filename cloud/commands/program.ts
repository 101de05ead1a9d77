import { Command, CommanderError } from 'commander'
import { type ErrorCode, messageOf, ReprefixError } from '../../shared/errors.ts'
import { VERSION } from '../../shared/version.ts'
import { addAuditCommands } from './audit.ts'
import { addConfigCommands } from './config.ts'
import { addDemoCommand } from './demo.ts'
import { addDnsCommands } from './dns.ts'
import { addHostCommands } from './host.ts'
import { addServeCommand } from './serve.ts'
import type { Terminal } from './terminal.ts'

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

/** The `reprefix` command with everything below it. Throws instead of ending the process. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('reprefix')
    .description('Keeps DNS right while the ISP changes the IPv6 prefix, and proves what it did.')
    .version(VERSION)
    .showHelpAfterError('(add --help for what it takes)')
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .exitOverride()
  addServeCommand(program)
  addConfigCommands(program, terminal)
  addHostCommands(program, terminal)
  addAuditCommands(program, terminal)
  addDnsCommands(program, terminal)
  addDemoCommand(program)
  return program
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
