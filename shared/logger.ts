import { type DestinationStream, pino } from 'pino'
import { redactFields } from './log-fields.ts'

/** Fields of a log line; values under secret names are masked before they are written. */
export type LogFields = Readonly<Record<string, unknown>>
/** How much is written. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Structured log lines: fields first, then one sentence for people. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** Settings of a logger; lines go to standard error unless a destination is given. */
export interface LoggerOptions {
  readonly level: LogLevel
  readonly name: string
  readonly destination?: { write(line: string): void }
}

/** Builds a logger that writes one JSON object a line. */
export function createLogger({ level, name, destination }: LoggerOptions): Logger {
  const stream: DestinationStream = destination ?? pino.destination({ dest: 2, sync: true })
  const sink = pino(
    {
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      // Errors are plain objects by then; the default serializer would fold causes into the message.
      serializers: { err: (value: unknown) => value },
    },
    stream,
  )
  return {
    debug: (fields, message) => sink.debug(redactFields(fields), message),
    info: (fields, message) => sink.info(redactFields(fields), message),
    warn: (fields, message) => sink.warn(redactFields(fields), message),
    error: (fields, message) => sink.error(redactFields(fields), message),
  }
}
