import type { LogFields } from './logger.ts'

const SECRET_NAME = /secret|token|password|passphrase|authorization|cookie|privatekey|apikey|^d$/i
const MASK = '[redacted]'
const MAX_DEPTH = 8

/** What may be written of the fields of a line: values under secret names masked, errors as objects. */
export function redactFields(fields: LogFields): LogFields {
  return redactMembers(fields, 0)
}

function redact(value: unknown, depth: number): unknown {
  if (value instanceof Error) return redact(describeError(value), depth)
  if (value instanceof Uint8Array) return `[${value.length} bytes]`
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value.toISOString()
  if (depth >= MAX_DEPTH) return '[…]'
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  return redactMembers(value, depth)
}

function redactMembers(value: object, depth: number): LogFields {
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
