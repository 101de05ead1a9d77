import { ReprefixError } from '../../shared/errors.ts'
import { equalBytes } from '../../shared/merkle-verify.ts'
import type { Fqdn, RRKey } from '../../shared/rrset.ts'
import type { DesiredRow, FlushNote, LogRow, Repository, SqlRow, StateWrite } from '../ports.ts'
import {
  createHostDecoder,
  decodeDesired,
  decodeLogRow,
  decodeName,
  decodePassMemory,
  decodeReport,
  decodeToken,
  joinHashes,
} from './decode.ts'
import { type ItemKey, itemKey, keyText, namesBelow } from './dynamodb-keys.ts'
import {
  type DynamoTable,
  IS_NEW,
  MAX_TRANSACTION_CHARACTERS,
  MAX_TRANSACTION_ITEMS,
  type Put,
} from './dynamodb-table.ts'
import type { Item } from './dynamodb-values.ts'
import {
  applyNote,
  applyWrite,
  createWorkspace,
  hostsOf,
  keysOf,
  logItem,
  rowsOf,
} from './dynamodb-writes.ts'

/** How often others may be first at the item of a name before a note is given up. */
const NOTE_ATTEMPTS = 10

/**
 * The repository on a DynamoDB table. A commit reads what its writes look at, judges their
 * conditions, and stores all items that change in one transaction, each under the condition that it
 * is as it was read. A read costs a tenth of what a write does, and needs no second language for
 * conditions. Appends are serial anyway: whoever reads what another then changes loses at the index.
 */
export function createDynamoRepository(table: DynamoTable): Repository {
  const decodeHost = createHostDecoder()

  async function one<T>(key: ItemKey, decode: (row: SqlRow) => T): Promise<T | undefined> {
    const item = (await table.read([key])).get(keyText(key))
    return item === undefined ? undefined : decode(toRow(item))
  }

  async function rowsBetween(zone: Fqdn, range: { from: string; to: string }, limit?: number) {
    const items = await table.query({ pk: 'NAME', ...range, ...(limit && { limit }) })
    const rows = items.flatMap(rowsOf).map((row) => decodeDesired(toRow(row)))
    // Names below a zone may be in a zone of their own.
    return { items, rows: rows.filter((row) => row.zone === zone) }
  }

  /** Notes what it can; gives the notes of items at which others were first. */
  async function noteOnce(notes: readonly FlushNote[]): Promise<readonly FlushNote[]> {
    const read = await table.read(distinct(notes.map(({ key }) => itemKey.name(key.name))))
    const space = createWorkspace(read)
    for (const note of notes) applyNote(space, note)
    const beaten = new Set<string>()
    await Promise.all(
      putsOf(space.changed(), read).map(async (put) => {
        if (!(await table.put(put))) beaten.add(keyText(put.key))
      }),
    )
    return notes.filter(({ key }) => beaten.has(keyText(itemKey.name(key.name))))
  }

  return {
    async lastRow() {
      const range = { pk: 'LOG', from: '0', to: '~', newestFirst: true, limit: 1 }
      const [item] = await table.query(range)
      return item === undefined ? undefined : decodeLogRow(toRow(item))
    },

    async rows(indices) {
      const keys = [...new Set(indices)].map(itemKey.log)
      const found = await table.read(keys)
      return indices.map((index) => {
        const item = found.get(keyText(itemKey.log(index)))
        if (item === undefined) {
          throw new ReprefixError('LOG_MISSING_ROW', `the log has no row ${index}`)
        }
        return decodeLogRow(toRow(item))
      })
    },

    async range(start, limit) {
      const { pk, sk } = itemKey.log(start)
      const items = await table.query({ pk, from: sk, to: '~', limit })
      return items.map((item) => decodeLogRow(toRow(item)))
    },

    async commit(rows, writes, after) {
      const keys = distinct(writes.flatMap(keysOf))
      const afterKey = after === undefined ? [] : [itemKey.log(after.index)]
      if (!hasRoom(rows, writes, keys.length)) throw tooMuch(rows.length + keys.length)
      const read = await table.read([...afterKey, ...keys])
      if (after !== undefined && !isStored(after, read)) return 'conflict'
      const space = createWorkspace(read)
      if (!writes.every((write) => applyWrite(space, write))) return 'conflict'
      const puts = [...rows.map(logPut), ...putsOf(space.changed(), read)]
      const [only, ...more] = puts
      if (only === undefined) return 'committed'
      const isStoredNow = more.length === 0 ? await table.put(only) : await table.putAll(puts)
      return isStoredNow ? 'committed' : 'conflict'
    },

    fits: (rows, writes) => hasRoom(rows, writes, distinct(writes.flatMap(keysOf)).length),

    host: (name) => one(itemKey.host(name), decodeHost),

    async hosts() {
      const items = await table.query({ pk: 'HOST', from: ' ', to: '~' })
      return items.map((item) => decodeHost(toRow(item)))
    },

    async hostOfKey(kid) {
      const key = itemKey.key(kid)
      const host = (await table.read([key])).get(keyText(key))?.host
      return typeof host === 'string' ? one(itemKey.host(host), decodeHost) : undefined
    },

    token: (id) => one(itemKey.token(id), decodeToken),

    async owners(names) {
      const found = await table.read(distinct(names.map(itemKey.name)))
      const owners = [...new Set(names)].sort().map((name) => {
        return [name, hostsOf(found.get(keyText(itemKey.name(name))))] as const
      })
      return new Map(owners.filter(([, hosts]) => hosts.length > 0))
    },

    async desired(keys) {
      const found = await table.read(distinct(keys.map(({ name }) => itemKey.name(name))))
      const asked = new Set(keys.map(rrText))
      return [...found.values()]
        .flatMap(rowsOf)
        .map((row) => decodeDesired(toRow(row)))
        .filter((row) => asked.has(rrText(row)))
        .sort(byName)
    },

    async desiredIn(zone, page) {
      const range = namesBelow(zone)
      if (page === undefined) return (await rowsBetween(zone, range)).rows
      const { after, limit } = page
      const found: DesiredRow[] = []
      let from = after === undefined ? range.from : itemKey.name(after.name).sk
      for (;;) {
        const { items, rows } = await rowsBetween(zone, { ...range, from }, limit + 1)
        const isLater = (row: DesiredRow) =>
          after === undefined || row.name !== after.name || row.type > after.type
        found.push(...rows.filter(isLater))
        const last = items.at(-1)
        if (found.length >= limit || items.length <= limit || last === undefined) break
        from = `${itemKey.name(decodeName(toRow(last))).sk}\0`
      }
      return found.slice(0, limit)
    },

    async pending(zone) {
      const { rows } = await rowsBetween(zone, namesBelow(zone))
      return rows.filter((row) => !row.isApplied)
    },

    report: (kid, seq) => one(itemKey.report(kid, seq), decodeReport),

    async unfinished(start, limit) {
      return (await table.unfinished(start, limit)).map((item) => decodeReport(toRow(item)))
    },

    takeLease: (zone, holder, nowMs, untilMs) =>
      table.put({
        key: itemKey.lease(zone),
        item: { holder, until_ms: untilMs },
        condition: {
          text: 'attribute_not_exists(#pk) OR #holder = :holder OR #until <= :now',
          names: { '#pk': 'pk', '#holder': 'holder', '#until': 'until_ms' },
          values: { ':holder': holder, ':now': nowMs },
        },
      }),

    async dropLease(zone, holder) {
      await table.put({
        key: itemKey.lease(zone),
        item: { holder, until_ms: 0 },
        condition: {
          text: '#holder = :holder',
          names: { '#holder': 'holder' },
          values: { ':holder': holder },
        },
      })
    },

    async noteFlushed(notes) {
      let left = notes
      for (let attempt = 0; left.length > 0; attempt++) {
        if (attempt === NOTE_ATTEMPTS) throw notNoted(left.length)
        left = await noteOnce(left)
      }
    },

    passMemory: (zone) => one(itemKey.pass(zone), decodePassMemory),

    async keepPassMemory(zone, content) {
      await table.put({ key: itemKey.pass(zone), item: { content } })
    },

    close: () => table.close(),
  }
}

/** Each item that has changed, stored only if it still has the revision that was read. */
function putsOf(
  changed: readonly (readonly [key: ItemKey, item: Item])[],
  read: ReadonlyMap<string, Item>,
): readonly Put[] {
  return changed.map(([key, item]) => {
    const known = read.get(keyText(key))
    const rev = Number(known?.rev ?? 0)
    const isSame = { text: '#rev = :rev', names: { '#rev': 'rev' }, values: { ':rev': rev } }
    const condition = known === undefined ? IS_NEW : isSame
    return { key, item: { ...item, rev: rev + 1 }, condition }
  })
}

function logPut(row: LogRow): Put {
  return { key: itemKey.log(row.index), item: logItem(row), condition: IS_NEW }
}

function isStored(after: LogRow, read: ReadonlyMap<string, Item>): boolean {
  const item = read.get(keyText(itemKey.log(after.index)))
  if (item === undefined) return false
  const row = decodeLogRow(toRow(item))
  return (
    row.entry === after.entry &&
    equalBytes(row.leaf, after.leaf) &&
    equalBytes(joinHashes(row.nodes), joinHashes(after.nodes)) &&
    equalBytes(joinHashes(row.frontier), joinHashes(after.frontier))
  )
}

function hasRoom(
  rows: readonly LogRow[],
  writes: readonly StateWrite[],
  itemCount: number,
): boolean {
  const characters = [
    ...rows.map(({ entry }) => entry),
    ...writes.map((one) => JSON.stringify(one)),
  ]
    .map(({ length }) => length)
    .reduce((sum, length) => sum + length, 0)
  return (
    rows.length + itemCount <= MAX_TRANSACTION_ITEMS && characters <= MAX_TRANSACTION_CHARACTERS
  )
}

function tooMuch(itemCount: number): ReprefixError {
  return new ReprefixError(
    'STORE_LIMIT',
    `this changes ${itemCount} items, and DynamoDB stores ${MAX_TRANSACTION_ITEMS} and 4 MB at once; ` +
      'nothing was changed: claim and withdraw fewer names in one report',
  )
}

function notNoted(count: number): ReprefixError {
  return new ReprefixError(
    'STORE_BUSY',
    `could not note what became of ${count} RRsets: others were first ${NOTE_ATTEMPTS} times; try again`,
  )
}

function distinct(keys: readonly ItemKey[]): readonly ItemKey[] {
  return [...new Map(keys.map((key) => [keyText(key), key])).values()]
}

function rrText({ name, type }: RRKey): string {
  return `${name} ${type}`
}

function byName(a: DesiredRow, b: DesiredRow): number {
  return rrText(a) < rrText(b) ? -1 : 1
}

/** What the decoders of rows take: an item's own attributes, without lists and maps. */
function toRow(item: Item): SqlRow {
  return Object.fromEntries(
    Object.entries(item).flatMap(([name, value]) => {
      const isNested = typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
      return isNested ? [] : [[name, value]]
    }),
  )
}
