import { afterEach, describe, expect, it } from 'vitest'
import type { LogRow, Repository, StateWrite } from '../../cloud/ports.ts'
import { parseName } from '../../shared/rrset.ts'
import { describeConditions } from './repository-conditions.ts'
import { describeFlushing } from './repository-flushing.ts'
import { describeLimits } from './repository-limits.ts'
import { describeReopening } from './repository-reopening.ts'
import { describeWriters } from './repository-writers.ts'
import { api, at, desired, host, kid, rowAfter, stored, www, zone } from './stored-values.ts'

/** A store under test. Each `open` is another client of the same store, as another process is. */
export interface RepositoryUnderTest {
  open(): Promise<Repository>
  /** Leaves the store as a version after this one would. */
  writeNewerSchema(): Promise<void>
  close(): Promise<void>
}

/** What every store must do, whatever it is made of. */
export function describeRepository(name: string, make: () => Promise<RepositoryUnderTest>): void {
  describe(`${name} as a repository`, () => {
    const made: RepositoryUnderTest[] = []
    afterEach(async () => {
      for (const store of made.splice(0)) await store.close()
    })
    async function store(): Promise<RepositoryUnderTest> {
      const fresh = await make()
      made.push(fresh)
      return fresh
    }
    async function open(): Promise<Repository> {
      return (await store()).open()
    }

    it('is empty at first', async () => {
      const repository = await open()
      expect(await repository.lastRow()).toBeUndefined()
      expect(await repository.range(0, 10)).toEqual([])
      expect(await repository.hosts()).toEqual([])
      expect(await repository.host('home')).toBeUndefined()
      expect(await repository.owners([www])).toEqual(new Map())
      expect(await repository.report(kid, 1)).toBeUndefined()
    })

    it('gives back rows of the log as they were stored, in the order asked', async () => {
      const repository = await open()
      const rows: LogRow[] = []
      for (let i = 0; i < 9; i++) rows.push(await rowAfter(rows.at(-1)))
      expect(await repository.commit(rows, [])).toBe('committed')
      expect(await repository.lastRow()).toEqual(rows[8])
      expect(await repository.rows([7, 0, 7])).toEqual([rows[7], rows[0], rows[7]])
      expect(await repository.range(3, 2)).toEqual(rows.slice(3, 5))
      await expect(repository.rows([9])).rejects.toMatchObject({ code: 'LOG_MISSING_ROW' })
    })

    it('stores nothing of a commit whose index is taken', async () => {
      const repository = await open()
      const first = await rowAfter(undefined)
      await repository.commit([first], [])
      const second = await rowAfter(first)
      const writes: StateWrite[] = [{ kind: 'create-host', host }]
      expect(await repository.commit([second, first], writes)).toBe('conflict')
      expect(await repository.lastRow()).toEqual(first)
      expect(await repository.host('home')).toBeUndefined()
    })

    it('stores nothing after a row that is not as it is given, or not there', async () => {
      const repository = await open()
      const first = await rowAfter(undefined)
      const second = await rowAfter(first)
      const writes: StateWrite[] = [{ kind: 'create-host', host }]
      expect(await repository.commit([second], writes, first)).toBe('conflict')
      await repository.commit([first], [])
      const others: LogRow[] = [
        { ...first, entry: `${first.entry} ` },
        { ...first, leaf: second.leaf },
        { ...first, nodes: [...first.nodes, second.leaf] },
        { ...first, frontier: [] },
        { ...first, index: 1 },
      ]
      for (const other of others) {
        expect(await repository.commit([second], writes, other)).toBe('conflict')
      }
      expect(await repository.lastRow()).toEqual(first)
      expect(await repository.host('home')).toBeUndefined()
      expect(await repository.commit([second], writes, first)).toBe('committed')
      expect(await repository.range(0, 9)).toEqual([first, second])
    })

    it('stores several rows and the writes of all of them, or nothing', async () => {
      const repository = await open()
      const first = await rowAfter(undefined)
      const second = await rowAfter(first)
      const create: StateWrite = { kind: 'create-host', host }
      const update: StateWrite = { kind: 'update-host', host }
      const stale: StateWrite = { kind: 'update-host', host: { ...host, version: 7 } }
      expect(await repository.commit([first, second], [create, update, stale])).toBe('conflict')
      expect(await repository.lastRow()).toBeUndefined()
      expect(await repository.host('home')).toBeUndefined()
      expect(await repository.commit([first, second], [create, update])).toBe('committed')
      expect(await repository.range(0, 9)).toEqual([first, second])
      expect((await repository.host('home'))?.version).toBe(2)
    })

    it('counts the versions of a host and finds it by its key', async () => {
      const repository = await open()
      await repository.commit([], [{ kind: 'create-host', host }])
      await repository.commit([], [{ kind: 'put-key', kid, host: 'home' }])
      const change = { ...host, status: 'revoked' as const }
      expect(await repository.commit([], [{ kind: 'update-host', host: change }])).toBe('committed')
      const next = { ...change, version: 2 }
      expect(await repository.host('home')).toEqual(next)
      expect(await repository.hosts()).toEqual([next])
      expect(await repository.hostOfKey(kid)).toEqual(next)
      expect(await repository.hostOfKey('another')).toBeUndefined()
    })

    it('lets a token be used once', async () => {
      const repository = await open()
      const macKey = new Uint8Array(32).fill(7)
      const token = { id: 'token', host: 'home', macKey, expiresAt: at }
      await repository.commit([], [{ kind: 'create-token', token }])
      expect(await repository.token('token')).toEqual(token)
      const used = { kid, index: 3 }
      const use: StateWrite = { kind: 'use-token', id: 'token', used }
      expect(await repository.commit([], [use])).toBe('committed')
      expect(await repository.token('token')).toEqual({ ...token, used })
      expect(await repository.commit([], [use])).toBe('conflict')
    })

    it('keeps one owner a name, until that owner releases it', async () => {
      const repository = await open()
      await repository.commit([], [{ kind: 'own-names', host: 'home', names: [www, api] }])
      await repository.commit([], [{ kind: 'release-names', host: 'office', names: [www] }])
      await repository.commit([], [{ kind: 'release-names', host: 'home', names: [api] }])
      expect(await repository.owners([www, api])).toEqual(new Map([[www, ['home']]]))
    })

    it('keeps several owners of a name that they share, each until it releases it', async () => {
      const repository = await open()
      const share = (name: string): StateWrite => ({
        kind: 'share-names',
        host: name,
        names: [www],
      })
      await repository.commit([], [share('office'), share('home'), share('home')])
      expect(await repository.owners([www, api])).toEqual(new Map([[www, ['home', 'office']]]))
      await repository.commit([], [{ kind: 'release-names', host: 'office', names: [www] }])
      expect(await repository.owners([www])).toEqual(new Map([[www, ['home']]]))
    })

    it('keeps a desired row pending until its newest version is applied', async () => {
      const repository = await open()
      const key = { name: www, type: 'AAAA' } as const
      await repository.commit([], [{ kind: 'desire', row: desired(3, ['2001:db8::1']) }])
      expect(await repository.desiredIn(zone)).toEqual([desired(3, ['2001:db8::1'])])
      expect(await repository.desiredIn(parseName('other.org'))).toEqual([])
      await repository.commit([], [{ kind: 'desire', row: desired(5, null) }])
      await repository.commit([], [{ kind: 'mark-applied', key, version: 3 }])
      expect(await repository.pending(zone)).toEqual([desired(5, null)])
      await repository.commit([], [{ kind: 'mark-applied', key, version: 5 }])
      expect(await repository.pending(zone)).toEqual([])
      const applied = { ...desired(5, null), isApplied: true }
      expect(await repository.desired([key, { name: api, type: 'AAAA' }])).toEqual([applied])
      expect(await repository.pending(parseName('example.net'))).toEqual([])
    })

    it('finishes a report once', async () => {
      const repository = await open()
      await repository.commit([], [{ kind: 'record-report', report: stored }])
      expect(await repository.report(kid, 8)).toEqual(stored)
      const finish: StateWrite = { kind: 'finish-report', kid, seq: 8, appliedIndex: 6 }
      expect(await repository.commit([], [finish])).toBe('committed')
      expect(await repository.report(kid, 8)).toEqual({
        ...stored,
        verdict: 'applied',
        appliedIndex: 6,
      })
      expect(await repository.commit([], [finish])).toBe('conflict')
    })

    describeConditions(open)
    describeLimits(open)
    describeReopening(store)
    describeFlushing(store)
    describeWriters(store)
  })
}
