import { ReprefixError } from '../../shared/errors.ts'
import { equalBytes } from '../../shared/merkle-verify.ts'
import type { FlushNote, LogRow, Repository, StateWrite } from '../ports.ts'
import { decodeLogRow, joinHashes } from './decode.ts'
import { distinctKeys, type ItemKey, itemKey, keyText } from './dynamodb-keys.ts'
import {
  type DynamoTable,
  IS_NEW,
  MAX_TRANSACTION_CHARACTERS,
  MAX_TRANSACTION_ITEMS,
  type Put,
} from './dynamodb-table.ts'
import { type Item, toRow } from './dynamodb-values.ts'
import { applyNote, applyWrite, createWorkspace, keysOf, logItem } from './dynamodb-writes.ts'

/** How often others may be first at the item of a name before a note is given up. */
const NOTE_ATTEMPTS = 10

/**
 * Writes to a DynamoDB table. A commit reads what its writes look at, judges their conditions, and
 * stores all items that change in one transaction, each under the condition that it is as it was
 * read. A read costs a tenth of what a write does, and needs no second language for conditions.
 * Appends are serial anyway: whoever reads what another then changes loses at the index.
 */
export function createDynamoWriter(
  table: DynamoTable,
): Pick<Repository, 'commit' | 'fits' | 'noteFlushed'> {
  /** Notes what it can; gives the notes of items at which others were first. */
  async function noteOnce(notes: readonly FlushNote[]): Promise<readonly FlushNote[]> {
    const read = await table.read(distinctKeys(notes.map(({ key }) => itemKey.name(key.name))))
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
    async commit(rows, writes, after) {
      const keys = distinctKeys(writes.flatMap(keysOf))
      const afterKey = after === undefined ? [] : [itemKey.log(after.index)]
      if (!hasRoom(rows, writes, keys.length)) throw tooMuch(rows.length + keys.length)
      const read = await table.read([...afterKey, ...keys])
      if (after !== undefined && !isStored(after, read)) return 'conflict'
      const space = createWorkspace(read)
      if (!writes.every((write) => applyWrite(space, write))) return 'conflict'
      const puts = [...rows.map(logPut), ...putsOf(space.changed(), read)]
      // A single item too: only a transaction tells its own retry from another writer.
      return puts.length === 0 || (await table.putAll(puts)) ? 'committed' : 'conflict'
    },

    fits: (rows, writes) => hasRoom(rows, writes, distinctKeys(writes.flatMap(keysOf)).length),

    async noteFlushed(notes) {
      let left = notes
      for (let attempt = 0; left.length > 0; attempt++) {
        if (attempt === NOTE_ATTEMPTS) throw notNoted(left.length)
        left = await noteOnce(left)
      }
    },
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
