import { type DestinationStream, pino } from 'pino'

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

const SECRET_NAME = /secret|token|password|passphrase|authorization|cookie|privatekey|apikey|^d$/i
const MASK = '[redacted]'
const MAX_DEPTH = 8

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
    debug: (fields, message) => sink.debug(redact(fields, 0), message),
    info: (fields, message) => sink.info(redact(fields, 0), message),
    warn: (fields, message) => sink.warn(redact(fields, 0), message),
    error: (fields, message) => sink.error(redact(fields, 0), message),
  }
}

function redact(value: unknown, depth: number): unknown {
  if (value instanceof Error) return redact(describeError(value), depth)
  if (value instanceof Uint8Array) return `[${value.length} bytes]`
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value.toISOString()
  if (depth >= MAX_DEPTH) return '[…]'
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      SECRET_NAME.test(key) ? MASK : redact(item, depth + 1),
    ]),
  )
}

function describeError(error: Error): LogFields {
  return {
    type: error.name,
    message: error.message,
    ...('code' in error ? { code: error.code } : {}),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
    stack: error.stack,
  }
}
