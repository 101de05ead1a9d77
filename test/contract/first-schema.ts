import { expect } from 'vitest'
import type { Repository } from '../../cloud/ports.ts'
import { joinHashes } from '../../cloud/store/decode.ts'
import type { SqlStatement, SqlValue } from '../../cloud/store/sql-port.ts'
import { api, at, desired, host, kid, rowAfter, stored, www, zone } from './stored-values.ts'

// A store as the first released schema had it, with something in each of its tables.

const used = { kid, index: 3 }
const tokens = [
  { id: 'open', host: 'home', macKey: Uint8Array.from([0, 1, 255]), expiresAt: at },
  { id: 'used', host: 'home', macKey: new Uint8Array(), expiresAt: at, used },
]

function statement(sql: string, ...args: readonly SqlValue[]): SqlStatement {
  return { sql, args }
}

/** What fills a store of any released schema: columns that came later have their defaults. */
export async function fillFirstSchema(): Promise<readonly SqlStatement[]> {
  const row = await rowAfter(undefined)
  const [open, done] = tokens
  const values = JSON.stringify(['2001:db8::1'])
  return [
    statement(
      'INSERT INTO log (i, at, kind, host, body, leaf, nodes, frontier) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      ...[0, at, 'policy', 'home', row.entry, row.leaf],
      joinHashes(row.nodes),
      joinHashes(row.frontier),
    ),
    statement(
      'INSERT INTO host (name, version, record) VALUES (?, ?, ?)',
      ...['home', 1, JSON.stringify(host)],
    ),
    statement('INSERT INTO key (kid, host) VALUES (?, ?)', kid, 'home'),
    statement(
      'INSERT INTO token (id, host, mac_key, expires_at) VALUES (?, ?, ?, ?)',
      ...['open', 'home', open?.macKey ?? null, at],
    ),
    statement(
      'INSERT INTO token (id, host, mac_key, expires_at, used_kid, used_index) VALUES (?, ?, ?, ?, ?, ?)',
      ...['used', 'home', done?.macKey ?? null, at, used.kid, used.index],
    ),
    statement('INSERT INTO name_owner (name, host) VALUES (?, ?)', www, 'home'),
    statement(
      'INSERT INTO desired (name, type, zone, ttl, rr_values, host, version, applied) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      ...[www, 'AAAA', zone, 60, values, 'home', 3, 0],
    ),
    statement(
      'INSERT INTO desired (name, type, zone, ttl, rr_values, host, version, applied) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      ...[api, 'AAAA', zone, 60, null, 'home', 2, 1],
    ),
    statement(
      'INSERT INTO report (kid, seq, digest, log_index, verdict, keys) VALUES (?, ?, ?, ?, ?, ?)',
      ...[kid, stored.seq, stored.digest, stored.index, 'pending', JSON.stringify(stored.keys)],
    ),
  ]
}

/** All of it is still there, and the store is fit for what this version does. */
export async function expectFirstSchema(repository: Repository): Promise<void> {
  const row = await rowAfter(undefined)
  expect(await repository.range(0, 9)).toEqual([row])
  expect(await repository.hosts()).toEqual([host])
  expect(await repository.hostOfKey(kid)).toEqual(host)
  for (const token of tokens) expect(await repository.token(token.id)).toEqual(token)
  expect(await repository.owners([www, api])).toEqual(new Map([[www, ['home']]]))
  expect(await repository.pending(zone)).toEqual([desired(3, ['2001:db8::1'])])
  const key = { name: api, type: 'AAAA' } as const
  const withdrawn = { ...key, zone, ttl: 60, set: null, host: 'home', version: 2, isApplied: true }
  expect(await repository.desired([key])).toEqual([withdrawn])
  expect(await repository.unfinished(0, 9)).toEqual([stored])
  const next = await rowAfter(row)
  const finish = { kind: 'finish-report', kid, seq: stored.seq, appliedIndex: 1 } as const
  const share = { kind: 'share-names', host: 'office', names: [www] } as const
  expect(await repository.commit([next], [finish, share], row)).toBe('committed')
  expect((await repository.owners([www])).get(www)).toEqual(['home', 'office'])
  expect(await repository.takeLease(zone, 'a', 1, 2)).toBe(true)
  const note = { key, version: 2, flushed: { outcomes: [] }, isApplied: false }
  await repository.noteFlushed([note])
  expect(await repository.pending(zone)).toHaveLength(2)
}
