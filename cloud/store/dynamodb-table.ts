import type { ItemKey } from './dynamodb-keys.ts'
import type { Item, ItemValue } from './dynamodb-values.ts'

/** Which table, and how to reach it where the environment does not say that already. */
export interface DynamoSettings {
  readonly table: string
  /** Of the environment unless given. */
  readonly region?: string
  /** Of AWS unless given: for an emulator. */
  readonly endpoint?: string
  /** Of the environment unless given. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** True for the SDK whatever the environment says. */
  readonly withSdk?: boolean
}

/** What the store waits and spreads its retries with. */
export interface DynamoDeps {
  readonly sleep: (ms: number) => Promise<void>
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** What must hold for an item to be stored, in DynamoDB's own language. */
export interface Condition {
  readonly text: string
  /** Attributes by what `text` calls them: `#…`. */
  readonly names: Readonly<Record<string, string>>
  /** Values by what `text` calls them: `:…`. */
  readonly values?: Readonly<Record<string, ItemValue>>
}

/** One item to be stored whole. */
export interface Put {
  readonly key: ItemKey
  readonly item: Item
  readonly condition?: Condition
}

/** Items of one partition by sort key, both ends included. */
export interface KeyRange {
  readonly pk: string
  readonly from: string
  readonly to: string
  readonly limit?: number
  readonly newestFirst?: boolean
}

/**
 * One table, with just what the repository needs of it. Nothing is ever deleted, so that the role
 * that runs the cloud need not be allowed to. All but `unfinished` is read consistently. Everything
 * throws `STORE_BUSY`, `STORE_FULL` or `STORE_FAILED`.
 */
export interface DynamoTable {
  /** The items that are there, by `keyText`. */
  read(keys: readonly ItemKey[]): Promise<ReadonlyMap<string, Item>>
  query(range: KeyRange): Promise<readonly Item[]>
  /** Pending reports by index, from an index that follows the table after a moment. */
  unfinished(start: number, limit: number): Promise<readonly Item[]>
  /** False when the condition does not hold, or another writer was at the item. */
  put(put: Put): Promise<boolean>
  /** All or none; false when a condition does not hold, or another writer was at an item. */
  putAll(puts: readonly Put[]): Promise<boolean>
  close(): void
}

/** How many items one transaction may store. */
export const MAX_TRANSACTION_ITEMS = 100
/** Characters that one transaction brings: each is three bytes at most, and 4 MB are the limit. */
export const MAX_TRANSACTION_CHARACTERS = 1_000_000

/** There is no such item yet. */
export const IS_NEW: Condition = { text: 'attribute_not_exists(#pk)', names: { '#pk': 'pk' } }
