import { ReprefixError } from '../../shared/errors.ts'
import type { SqlRow, SqlValue } from './sql-port.ts'

/** A row as a driver gives it, by column; `store` names the store in a fault. @throws ReprefixError STORE_FAILED */
export function toRow(row: unknown, store: string): SqlRow {
  if (typeof row !== 'object' || row === null) {
    throw new ReprefixError('STORE_FAILED', `${store} gave a row of type ${typeof row}`)
  }
  const columns = Object.entries(row)
  return Object.fromEntries(columns.map(([column, value]) => [column, toValue(value, store)]))
}

function toValue(value: unknown, store: string): SqlValue {
  if (value === null || typeof value === 'string') return value
  if (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  // A BLOB of D1, of which the documentation promises no more than "array-like".
  if (Array.isArray(value) && value.every(isByte)) return Uint8Array.from(value)
  throw new ReprefixError('STORE_FAILED', `${store} gave a value of type ${typeof value}`)
}

function isByte(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255
}
