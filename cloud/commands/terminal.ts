import { printable, printLine } from '../../shared/terminal.ts'

/** Where a command writes; replaceable in tests. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  readonly isTty: boolean
}

/** The process's own terminal. */
export const processTerminal: Terminal = {
  out: (text) => printLine(printable(text)),
  err: (text) => process.stderr.write(`${printable(text)}\n`),
  isTty: process.stderr.isTTY === true,
}
