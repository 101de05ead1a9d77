import { redactFields } from './log-fields.ts'
import type { LogFields, Logger, LogLevel } from './logger.ts'

/** What the logger is built from. */
export interface LineLoggerOptions {
  readonly level: LogLevel
  readonly name: string
  /** Takes one line without its end; it must not throw. */
  readonly write: (line: string) => void
  readonly now?: () => Date
}

/** As pino numbers them, so that lines of every runtime can be read by the same programs. */
const NUMBERS = { debug: 20, info: 30, warn: 40, error: 50, silent: Number.POSITIVE_INFINITY }

/**
 * The lines of `createLogger` without its library, for runtimes where each kilobyte is loaded before
 * the first answer: one JSON object a line with `level`, `time`, `name`, the fields, and `msg`.
 */
export function createLineLogger(options: LineLoggerOptions): Logger {
  const { level, name, write, now = () => new Date() } = options
  const writerAt = (at: Exclude<LogLevel, 'silent'>) => (fields: LogFields, msg: string) => {
    if (NUMBERS[at] < NUMBERS[level]) return
    const line = { level: NUMBERS[at], time: now().toISOString(), name, ...redactFields(fields) }
    write(JSON.stringify({ ...line, msg }))
  }
  return {
    debug: writerAt('debug'),
    info: writerAt('info'),
    warn: writerAt('warn'),
    error: writerAt('error'),
  }
}
