import { afterEach, describe, expect, it } from 'vitest'
import { POLICY_DEFAULTS } from '../../cloud/domain/host-policy.ts'
import type { HostRecord } from '../../cloud/domain/host-record.ts'
import { createAuditLog } from '../../cloud/log/audit-log.ts'
import { renderCheckpointLine, renderEntryLine } from '../../cloud/log/export-line.ts'
import { startLog } from '../../cloud/log/start-log.ts'
import { verifyLog } from '../../cloud/log/verify-log.ts'
import type { DesiredRow, LogRow, Repository, StateWrite } from '../../cloud/ports.ts'
import { generateNoteSigner } from '../../shared/checkpoint.ts'
import { renderEntry } from '../../shared/entry.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { appendLeaf, leafHash } from '../../shared/merkle.ts'
import { parseName } from '../../shared/rrset.ts'
import { describeFlushing } from './repository-flushing.ts'

/** A store under test. Each `open` is another client of the same store, as another process is. */
export interface RepositoryUnderTest {
  open(): Promise<Repository>
  close(): Promise<void>
}

const at = '2026-03-01T12:00:00.000Z'
const www = parseName('www.example.org')
const api = parseName('api.example.org')
const zone = parseName('example.org')
const kid = 'A'.repeat(43)

const host: HostRecord = {
  name: 'home',
  version: 1,
  status: 'active',
  addedAt: at,
  claim: [{ name: www, type: 'AAAA' }],
  policy: {
    ...POLICY_DEFAULTS,
    names: [www],
    types: ['AAAA'],
    prefixes: [parsePrefix('2001:db8::/32')],
    shortestPrefix: 48,
    maxDeletions: 8,
  },
  key: { kid, jwk: { kty: 'OKP', crv: 'Ed25519', x: 'B'.repeat(43) }, lastSeq: 7, enrolledAt: at },
}
const stored = {
  kid,
  seq: 8,
  digest: 'C'.repeat(43),
  index: 5,
  verdict: 'pending',
  keys: [{ name: www, type: 'AAAA' }],
} as const

function desired(version: number, values: readonly string[] | null): DesiredRow {
  const key = { name: www, type: 'AAAA' as const }
  const set = values === null ? null : { ...key, ttl: 60, values }
  return { ...key, zone, ttl: 60, set, host: 'home', version, isApplied: false }
}

async function rowAfter(last: LogRow | undefined): Promise<LogRow> {
  const index = last === undefined ? 0 : last.index + 1
  const entry = renderEntry({ v: 1, kind: 'policy', at, host: 'home', policy: { index } })
  const leaf = await leafHash(new TextEncoder().encode(entry))
  return { index, entry, ...(await appendLeaf(last?.frontier ?? [], index, leaf)) }
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

    const conditions: readonly {
      readonly name: string
      readonly before: readonly StateWrite[]
      readonly write: StateWrite
    }[] = [
      {
        name: 'create-host/exists',
        before: [{ kind: 'create-host', host }],
        write: { kind: 'create-host', host },
      },
      {
        name: 'update-host/absent',
        before: [],
        write: { kind: 'update-host', host },
      },
      {
        name: 'update-host/other-version',
        before: [{ kind: 'create-host', host }],
        write: { kind: 'update-host', host: { ...host, version: 2 } },
      },
      {
        name: 'use-token/absent',
        before: [],
        write: { kind: 'use-token', id: 'token', used: { kid, index: 3 } },
      },
      {
        name: 'own-names/owned-by-another',
        before: [{ kind: 'own-names', host: 'office', names: [www] }],
        write: { kind: 'own-names', host: 'home', names: [api, www] },
      },
      {
        name: 'record-report/sequence-used',
        before: [{ kind: 'record-report', report: stored }],
        write: { kind: 'record-report', report: { ...stored, digest: 'D'.repeat(43) } },
      },
      {
        name: 'finish-report/not-pending',
        before: [{ kind: 'record-report', report: { ...stored, verdict: 'denied' } }],
        write: { kind: 'finish-report', kid, seq: 8, appliedIndex: 6 },
      },
      {
        name: 'reopen/absent',
        before: [],
        write: { kind: 'reopen', key: { name: api, type: 'AAAA' }, version: 3 },
      },
    ]
    it.each(conditions)('stores nothing when a condition fails: $name', async (row) => {
      const repository = await open()
      expect(await repository.commit([], row.before)).toBe('committed')
      const first = await rowAfter(undefined)
      const other: StateWrite = { kind: 'desire', row: desired(0, ['2001:db8::1']) }
      expect(await repository.commit([first], [other, row.write])).toBe('conflict')
      expect(await repository.lastRow()).toBeUndefined()
      expect(await repository.pending(zone)).toEqual([])
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

    describeFlushing(store)

    it.each([16, 32])('takes %i writers at once: no gap, no double', async (writers) => {
      const under = await store()
      const { signer } = await generateNoteSigner('log.example.org')
      const logs = await Promise.all(
        Array.from({ length: writers }, async () => {
          const repository = await under.open()
          const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
          const log = createAuditLog({ repository, signer, sleep: pause, random: Math.random })
          return { repository, log }
        }),
      )
      const identity = { origin: signer.name, vkey: signer.vkey }
      await Promise.all(
        logs.map(({ log, repository }) => startLog(log, repository, identity, () => new Date(at))),
      )
      const each = 4
      const indices = await Promise.all(
        logs.flatMap(({ log }, writer) =>
          Array.from({ length: each }, async (_, round) => {
            const policy = { writer, round }
            const entry = { v: 1, kind: 'policy', at, host: 'home', policy } as const
            return (await log.append(async () => ({ entry, writes: [] })))?.index
          }),
        ),
      )
      const total = writers * each
      const rising = [...indices].sort((a, b) => Number(a) - Number(b))
      expect(rising).toEqual(Array.from({ length: total }, (_, i) => i + 1))
      const [first] = logs
      const rows = (await first?.repository.range(0, total + 10)) ?? []
      expect(new Set(rows.map(({ entry }) => entry)).size).toBe(total + 1)
      const checkpoint = (await first?.log.checkpoint()) ?? ''
      const lines = await Promise.all(rows.map(renderEntryLine))
      const exported = [...lines, renderCheckpointLine(checkpoint)]
      const verdict = await verifyLog(exported, { vkeys: [signer.vkey] })
      expect(verdict).toMatchObject({ ok: true, entries: total + 1 })
    })
  })
}
