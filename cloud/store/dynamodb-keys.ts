import type { Fqdn } from '../../shared/rrset.ts'

/** The primary key of an item: partition and sort key. */
export interface ItemKey {
  readonly pk: string
  readonly sk: string
}

/** The attribute that pending reports have and others have not: the index over it holds only those. */
export const UNFINISHED = 'unfinished'
/** The index of pending reports: by `UNFINISHED`, then `log_index`. */
export const UNFINISHED_INDEX = 'unfinished'

const DIGITS = 16
/** For items that are alone in their partition. */
const ALONE = '-'

/** Keys of all items, by what they are. */
export const itemKey = {
  schema: { pk: 'SCHEMA', sk: ALONE },
  log: (index: number): ItemKey => ({ pk: 'LOG', sk: padded(index) }),
  host: (name: string): ItemKey => ({ pk: 'HOST', sk: name }),
  key: (kid: string): ItemKey => ({ pk: `KEY#${kid}`, sk: ALONE }),
  token: (id: string): ItemKey => ({ pk: `TOKEN#${id}`, sk: ALONE }),
  /** The hosts of a name and its desired rows: one report changes all of them together. */
  name: (name: Fqdn): ItemKey => ({ pk: 'NAME', sk: reversed(name) }),
  report: (kid: string, seq: number): ItemKey => ({ pk: `REPORT#${kid}`, sk: padded(seq) }),
  lease: (zone: Fqdn): ItemKey => ({ pk: 'LEASE', sk: zone }),
  pass: (zone: Fqdn): ItemKey => ({ pk: 'PASS', sk: zone }),
} as const

/** Sort keys between which all names at and below a zone are, and no others. */
export function namesBelow(zone: Fqdn): { readonly from: string; readonly to: string } {
  const from = reversed(zone)
  // Letters of a name are all before it.
  return { from, to: `${from}~` }
}

/** One text for a key, to look it up by. */
export function keyText({ pk, sk }: ItemKey): string {
  return `${pk}|${sk}`
}

/** Each key once. */
export function distinctKeys(keys: readonly ItemKey[]): readonly ItemKey[] {
  return [...new Map(keys.map((key) => [keyText(key), key])).values()]
}

/** Sorts as text like the number. */
function padded(value: number): string {
  return String(value).padStart(DIGITS, '0')
}

/** `www.example.org` → `org.example.www.`, so that a zone is a range of keys. */
function reversed(name: Fqdn): string {
  return `${name.split('.').reverse().join('.')}.`
}
