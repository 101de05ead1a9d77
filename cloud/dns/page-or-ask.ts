import type { RRKey } from '../../shared/rrset.ts'
import type { Zone } from '../domain/dns-provider.ts'

/** The ways in which an API lists records. */
export interface ListWays<T> {
  /** The whole zone, page by page; one request a page. */
  list(zone: Zone): AsyncIterable<readonly T[]>
  /** The records of one name and type, with one request. */
  listOne?(zone: Zone, key: RRKey): Promise<readonly T[]>
}

/**
 * Reads what belongs to the keys with few requests: pages of the zone, but hardly more of them than
 * there are keys; a large zone with few names in it is then asked for name by name.
 */
export async function listFor<T>(
  ways: ListWays<T>,
  zone: Zone,
  keys: readonly RRKey[],
): Promise<readonly T[]> {
  const { listOne } = ways
  const items: T[] = []
  if (listOne === undefined || keys.length > 1) {
    let pages = 0
    let isWhole = true
    for await (const page of ways.list(zone)) {
      if (listOne !== undefined && pages >= keys.length) {
        isWhole = false
        break
      }
      items.push(...page)
      pages += 1
    }
    if (isWhole || listOne === undefined) return items
    items.length = 0
  }
  for (const key of keys) items.push(...(await listOne(zone, key)))
  return items
}
