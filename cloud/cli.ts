#!/usr/bin/env node
import { reportFault, runProgram } from './commands/program.ts'
import { processTerminal } from './commands/terminal.ts'

try {
  await runProgram(process.argv.slice(2), processTerminal)
} catch (error) {
  const isDebug = process.env.REPREFIX_DEBUG !== undefined
  process.exitCode = reportFault(error, processTerminal, isDebug)
}
