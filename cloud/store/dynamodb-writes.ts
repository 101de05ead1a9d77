import type { Fqdn, RRKey, RRType } from '../../shared/rrset.ts'
import type { DesiredRow, FlushNote, LogRow, StateWrite } from '../ports.ts'
import { decodeFacts, joinHashes } from './decode.ts'
import { type ItemKey, itemKey, keyText, UNFINISHED } from './dynamodb-keys.ts'
import { type Item, isItem } from './dynamodb-values.ts'

/**
 * The items that a commit changes, as they were read and as they become. Conditions are judged on
 * what was read; each item that changes is stored only if it still has the revision that was read.
 */
export interface Workspace {
  get(key: ItemKey): Item | undefined
  set(key: ItemKey, item: Item): void
}

/** The RRsets that an item of a name may hold, each in the attribute of its type. */
const TYPES: readonly RRType[] = ['A', 'AAAA', 'TXT']

/** The items that a write looks at or changes. */
export function keysOf(write: StateWrite): readonly ItemKey[] {
  switch (write.kind) {
    case 'create-host':
    case 'update-host':
      return [itemKey.host(write.host.name)]
    case 'put-key':
      return [itemKey.key(write.kid)]
    case 'create-token':
      return [itemKey.token(write.token.id)]
    case 'use-token':
      return [itemKey.token(write.id)]
    case 'own-names':
    case 'share-names':
    case 'release-names':
      return write.names.map(itemKey.name)
    case 'desire':
      return [itemKey.name(write.row.name)]
    case 'mark-applied':
    case 'reopen':
      return [itemKey.name(write.key.name)]
    case 'record-report':
      return [itemKey.report(write.report.kid, write.report.seq)]
    case 'finish-report':
      return [itemKey.report(write.kid, write.seq)]
  }
}

/** Makes one write in the workspace; false when its condition does not hold. */
export function applyWrite(space: Workspace, write: StateWrite): boolean {
  switch (write.kind) {
    case 'create-host':
      return create(space, itemKey.host(write.host.name), hostItem(write.host, write.host.version))
    case 'update-host': {
      const { name, version } = write.host
      const isSame = (item: Item) => item.version === version
      return change(space, itemKey.host(name), isSame, hostItem(write.host, version + 1))
    }
    case 'put-key':
      return create(space, itemKey.key(write.kid), { kid: write.kid, host: write.host })
    case 'create-token': {
      const { id, host, macKey, expiresAt } = write.token
      const item = { id, host, mac_key: macKey, expires_at: expiresAt }
      return create(space, itemKey.token(id), { ...item, used_kid: null, used_index: null })
    }
    case 'use-token': {
      const used = { used_kid: write.used.kid, used_index: write.used.index }
      return change(space, itemKey.token(write.id), (item) => item.used_kid === null, used)
    }
    case 'own-names':
      return write.names.every((name) => {
        const isFree = hostsOf(space.get(itemKey.name(name))).every((host) => host === write.host)
        if (isFree) addHost(space, name, write.host)
        return isFree
      })
    case 'share-names':
      for (const name of write.names) addHost(space, name, write.host)
      return true
    case 'release-names':
      for (const name of write.names) removeHost(space, name, write.host)
      return true
    case 'desire':
      desire(space, write.row)
      return true
    case 'mark-applied':
      changeRow(space, write.key, (row) =>
        row.version === write.version ? { ...row, applied: 1 } : row,
      )
      return true
    case 'reopen':
      return changeRow(space, write.key, (row) =>
        row.version === write.version ? reopened(row) : row,
      )
    case 'record-report': {
      const { kid, seq, digest, index, verdict } = write.report
      const keys = JSON.stringify(write.report.keys.map(({ name, type }) => ({ name, type })))
      const item = { kid, seq, digest, log_index: index, verdict, applied_index: null, keys }
      const marked = verdict === 'pending' ? { ...item, [UNFINISHED]: 'report' } : item
      return create(space, itemKey.report(kid, seq), marked)
    }
    case 'finish-report': {
      const key = itemKey.report(write.kid, write.seq)
      const { [UNFINISHED]: _, ...item } = space.get(key) ?? {}
      if (item.verdict !== 'pending') return false
      space.set(key, { ...item, verdict: 'applied', applied_index: write.appliedIndex })
      return true
    }
  }
}

/** Makes one note in the workspace, as `noteFlushed` says. */
export function applyNote(space: Workspace, { key, version, flushed, isApplied }: FlushNote): void {
  changeRow(space, key, (row) => {
    if (row.version === version) {
      return { ...row, applied: isApplied ? 1 : 0, flushed: JSON.stringify(flushed) }
    }
    return Number(row.version) > version ? reopened(row) : row
  })
}

/** A row of the log as an item. */
export function logItem({ index, entry, leaf, nodes, frontier }: LogRow): Item {
  const hashes = { leaf, nodes: joinHashes(nodes), frontier: joinHashes(frontier) }
  return { i: index, ...decodeFacts(entry), body: entry, ...hashes }
}

/** The hosts of a name, sorted. */
export function hostsOf(item: Item | undefined): readonly string[] {
  const hosts = item?.hosts
  return Array.isArray(hosts) ? hosts.map(String).sort() : []
}

/** The desired rows in the item of a name, by type. */
export function rowsOf(item: Item): readonly Item[] {
  return TYPES.flatMap((type) => {
    const row = rowOf(item, type)
    return row === undefined ? [] : [{ ...row, name: item.name ?? null, type }]
  })
}

function rowOf(item: Item | undefined, type: RRType): Item | undefined {
  const row = item?.[type]
  return row !== undefined && isItem(row) ? row : undefined
}

function hostItem(host: { readonly name: string }, version: number): Item {
  return { name: host.name, version, record: JSON.stringify({ ...host, version }) }
}

function create(space: Workspace, key: ItemKey, item: Item): boolean {
  if (space.get(key) !== undefined) return false
  space.set(key, item)
  return true
}

function change(
  space: Workspace,
  key: ItemKey,
  holds: (item: Item) => boolean,
  attributes: Item,
): boolean {
  const item = space.get(key)
  if (item === undefined || !holds(item)) return false
  space.set(key, { ...item, ...attributes })
  return true
}

function addHost(space: Workspace, name: Fqdn, host: string): void {
  const item = space.get(itemKey.name(name))
  const hosts = hostsOf(item)
  if (hosts.includes(host)) return
  space.set(itemKey.name(name), { ...item, name, hosts: [...hosts, host] })
}

function removeHost(space: Workspace, name: Fqdn, host: string): void {
  const item = space.get(itemKey.name(name))
  const hosts = hostsOf(item)
  if (!hosts.includes(host)) return
  space.set(itemKey.name(name), { ...item, hosts: hosts.filter((one) => one !== host) })
}

function desire(space: Workspace, { name, type, zone, ttl, set, host, version }: DesiredRow): void {
  const values = set === null ? null : JSON.stringify(set.values)
  const row = { zone, ttl, rr_values: values, host, version, applied: 0, flushed: null }
  space.set(itemKey.name(name), { ...space.get(itemKey.name(name)), name, [type]: row })
}

/** False where there is no such row, or `to` has left it alone. */
function changeRow(space: Workspace, { name, type }: RRKey, to: (row: Item) => Item): boolean {
  const item = space.get(itemKey.name(name))
  const row = rowOf(item, type)
  const next = row === undefined ? undefined : to(row)
  if (next === undefined || next === row) return false
  space.set(itemKey.name(name), { ...item, [type]: next })
  return true
}

function reopened(row: Item): Item {
  return { ...row, applied: 0, flushed: null }
}

/** A workspace over what was read, by `keyText`. */
export function createWorkspace(
  read: ReadonlyMap<string, Item>,
): Workspace & { changed(): readonly (readonly [key: ItemKey, item: Item])[] } {
  const changed = new Map<string, readonly [ItemKey, Item]>()
  return {
    get: (key) => changed.get(keyText(key))?.[1] ?? read.get(keyText(key)),
    set(key, item) {
      changed.set(keyText(key), [key, item])
    },
    changed: () => [...changed.values()],
  }
}
