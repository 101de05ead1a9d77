#!/usr/bin/env node
import { createProgram, reportFault } from './commands/program.ts'
import { processTerminal } from './commands/terminal.ts'

try {
  await createProgram(processTerminal).parseAsync()
} catch (error) {
  const isDebug = process.env.REPREFIX_DEBUG !== undefined
  process.exitCode = reportFault(error, processTerminal, isDebug)
}
