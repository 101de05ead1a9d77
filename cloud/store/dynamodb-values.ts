import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { ReprefixError } from '../../shared/errors.ts'
import type { SqlRow } from './sql-port.ts'

/** What an attribute of an item holds here: fewer types than DynamoDB has. */
export type ItemValue =
  | string
  | number
  | null
  | Uint8Array
  | readonly ItemValue[]
  | { readonly [name: string]: ItemValue }

/** One item of the table, without its key. */
export type Item = Readonly<Record<string, ItemValue>>

/** A value in DynamoDB's own form. */
export function encodeValue(value: ItemValue): AttributeValue {
  if (value === null) return { NULL: true }
  if (typeof value === 'string') return { S: value }
  if (typeof value === 'number') return { N: String(value) }
  if (value instanceof Uint8Array) return { B: value }
  return isItem(value) ? { M: encodeItem(value) } : { L: value.map(encodeValue) }
}

/** An item in DynamoDB's own form. */
export function encodeItem(item: Item): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(item).map(([name, one]) => [name, encodeValue(one)]))
}

/** @throws ReprefixError STORE_FAILED for a type that this program never writes, or an inexact number */
export function decodeItem(item: Readonly<Record<string, AttributeValue>>): Item {
  return Object.fromEntries(Object.entries(item).map(([name, one]) => [name, decodeValue(one)]))
}

function decodeValue(value: AttributeValue): ItemValue {
  if (value.S !== undefined) return value.S
  if (value.N !== undefined) return decodeNumber(value.N)
  if (value.B !== undefined) return value.B
  if (value.L !== undefined) return value.L.map(decodeValue)
  if (value.M !== undefined) return decodeItem(value.M)
  if (value.NULL !== undefined) return null
  const type = Object.keys(value).join()
  throw new ReprefixError('STORE_FAILED', `the table has an attribute of type ${type}`)
}

function decodeNumber(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  throw new ReprefixError('STORE_FAILED', 'the table has a number that is no safe integer')
}

/** What the decoders of rows take: an item's own attributes, without lists and maps. */
export function toRow(item: Item): SqlRow {
  return Object.fromEntries(
    Object.entries(item).flatMap(([name, value]) => {
      const isNested = typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
      return isNested ? [] : [[name, value]]
    }),
  )
}

/** True for a map, and for no list and no bytes. */
export function isItem(value: ItemValue): value is Item {
  const isNested = typeof value === 'object' && value !== null
  return isNested && !(value instanceof Uint8Array) && !isList(value)
}

function isList(value: ItemValue): value is readonly ItemValue[] {
  return Array.isArray(value)
}
