import { describe, expect, it } from 'vitest'
import type { DesiredRow, Flushed, Repository, StateWrite } from '../../cloud/ports.ts'
import { parseName } from '../../shared/rrset.ts'
import type { RepositoryUnderTest } from './repository.ts'

const zone = parseName('example.org')
const other = parseName('example.net')
const www = { name: parseName('www.example.org'), type: 'AAAA' } as const
const VALUE = '2001:db8::1'

const flushed: Flushed = {
  outcomes: [
    { ...www, provider: 'first', outcome: 'created', values: [VALUE] },
    {
      ...{ ...www, provider: 'second', outcome: 'failed', values: [VALUE] },
      error: { kind: 'rate-limited', message: 'later' },
    },
  ],
  retryAtMs: 1_772_366_400_000,
  receipts: [{ provider: 'first', id: 'C2682N5HXP0BZ4' }],
}

function row(version: number, change: Partial<DesiredRow> = {}): DesiredRow {
  const set = { ...www, ttl: 60, values: [VALUE] }
  return { ...www, zone, ttl: 60, set, host: 'home', version, isApplied: false, ...change }
}

function named(label: string, version = 1): DesiredRow {
  const key = { name: parseName(`${label}.example.org`), type: 'AAAA' } as const
  return row(version, { ...key, set: { ...key, ttl: 60, values: [VALUE] } })
}

async function desire(repository: Repository, ...rows: readonly DesiredRow[]): Promise<void> {
  const writes = rows.map((one): StateWrite => ({ kind: 'desire', row: one }))
  expect(await repository.commit([], writes)).toBe('committed')
}

/** What a store must do so that several processes flush zones, and a pass goes over what is left. */
export function describeFlushing(store: () => Promise<RepositoryUnderTest>): void {
  const open = async (): Promise<Repository> => (await store()).open()

  describe('as what flushes of zones are agreed on', () => {
    it('lends a zone to one holder, until the time has come or the holder gives it back', async () => {
      const repository = await open()
      expect(await repository.takeLease(zone, 'a', 1000, 6000)).toBe(true)
      expect(await repository.takeLease(zone, 'b', 5999, 9000)).toBe(false)
      expect(await repository.takeLease(other, 'b', 5999, 9000)).toBe(true)
      expect(await repository.takeLease(zone, 'b', 6000, 9000)).toBe(true)
      expect(await repository.takeLease(zone, 'a', 6001, 9000)).toBe(false)
      await repository.dropLease(zone, 'a')
      expect(await repository.takeLease(zone, 'a', 6001, 9000)).toBe(false)
      await repository.dropLease(zone, 'b')
      expect(await repository.takeLease(zone, 'a', 6001, 9000)).toBe(true)
    })

    it('lets a holder extend a lease, also one that has ended and nobody has taken', async () => {
      const repository = await open()
      expect(await repository.takeLease(zone, 'a', 1000, 2000)).toBe(true)
      expect(await repository.takeLease(zone, 'a', 1500, 4000)).toBe(true)
      expect(await repository.takeLease(zone, 'b', 2000, 9000)).toBe(false)
      expect(await repository.takeLease(zone, 'a', 5000, 8000)).toBe(true)
      await repository.dropLease(parseName('nowhere.example'), 'a')
      expect(await repository.takeLease(zone, 'b', 7999, 9000)).toBe(false)
    })

    it('lends a free zone to one of many that ask at once', async () => {
      const under = await store()
      const clients = await Promise.all(Array.from({ length: 16 }, () => under.open()))
      for (const nowMs of [1000, 2000, 3000]) {
        const taken = await Promise.all(
          clients.map((one, i) => one.takeLease(zone, `${nowMs}-${i}`, nowMs, nowMs + 1000)),
        )
        expect(taken.filter((isTaken) => isTaken)).toHaveLength(1)
      }
    })

    it('notes what became of a row, until it is desired anew', async () => {
      const repository = await open()
      await desire(repository, row(3), named('api'))
      await repository.noteFlushed([
        { key: www, version: 3, flushed, isApplied: false },
        { key: named('api'), version: 1, flushed: { outcomes: [] }, isApplied: true },
      ])
      const noted = row(3, { flushed })
      expect(await repository.desired([named('api')])).toEqual([
        { ...named('api'), flushed: { outcomes: [] }, isApplied: true },
      ])
      expect(await repository.pending(zone)).toEqual([noted])
      await repository.commit([], [{ kind: 'mark-applied', key: www, version: 3 }])
      expect(await repository.desired([www])).toEqual([row(3, { isApplied: true, flushed })])
      await desire(repository, row(5))
      expect(await repository.desired([www])).toEqual([row(5)])
      await repository.noteFlushed([])
    })

    it('opens a row again whose older version was flushed after it', async () => {
      const repository = await open()
      await desire(repository, row(5), named('api', 7))
      await repository.commit([], [{ kind: 'mark-applied', key: www, version: 5 }])
      await repository.noteFlushed([{ key: www, version: 5, flushed, isApplied: true }])
      await repository.noteFlushed([
        { key: www, version: 3, flushed, isApplied: true },
        { key: named('absent'), version: 3, flushed, isApplied: true },
      ])
      expect(await repository.desiredIn(zone)).toEqual([named('api', 7), row(5)])
    })

    it('opens a row again, and stores nothing if it has another version by now', async () => {
      const repository = await open()
      await desire(repository, row(5))
      await repository.noteFlushed([{ key: www, version: 5, flushed, isApplied: true }])
      const late: StateWrite = { kind: 'reopen', key: www, version: 4 }
      expect(await repository.commit([], [{ kind: 'desire', row: named('api') }, late])).toBe(
        'conflict',
      )
      expect(await repository.desired([named('api')])).toEqual([])
      expect(await repository.desired([www])).toEqual([row(5, { isApplied: true, flushed })])
      await repository.commit([], [{ kind: 'reopen', key: www, version: 5 }])
      expect(await repository.desired([www])).toEqual([row(5)])
    })

    it('gives the desired rows of a zone in pages, each row once', async () => {
      const repository = await open()
      const rows = ['a', 'b', 'c', 'd', 'e'].map((label) => named(label))
      const elsewhere = row(1, { name: parseName('b.example.net'), zone: other })
      const both = row(1, { ...rows[2], type: 'A', set: null })
      await desire(repository, ...rows, elsewhere, both)
      const seen: DesiredRow[] = []
      for (let after: DesiredRow | undefined; ; after = seen.at(-1)) {
        const page = await repository.desiredIn(zone, { after, limit: 2 })
        seen.push(...page)
        if (page.length < 2) break
      }
      expect(seen).toHaveLength(6)
      expect(seen).toEqual(await repository.desiredIn(zone))
    })

    it('lists reports that have not come to their end, by index', async () => {
      const repository = await open()
      const report = (seq: number, verdict: 'pending' | 'denied'): StateWrite => ({
        kind: 'record-report',
        report: {
          ...{ kid: 'A'.repeat(43), seq, digest: 'C'.repeat(43), index: seq * 2, verdict },
          keys: [www],
        },
      })
      await repository.commit(
        [],
        [report(9, 'pending'), report(8, 'pending'), report(7, 'denied'), report(6, 'pending')],
      )
      const indices = async (start: number, limit: number) =>
        (await repository.unfinished(start, limit)).map(({ index }) => index)
      expect(await indices(0, 10)).toEqual([12, 16, 18])
      expect(await indices(13, 1)).toEqual([16])
      const finish = {
        kind: 'finish-report',
        kid: 'A'.repeat(43),
        seq: 8,
        appliedIndex: 20,
      } as const
      await repository.commit([], [finish])
      expect(await indices(0, 10)).toEqual([12, 18])
      expect((await repository.unfinished(0, 1))[0]).toEqual(
        await repository.report('A'.repeat(43), 6),
      )
    })

    it('keeps what the pass wants to know next time, for each zone', async () => {
      const repository = await open()
      expect(await repository.passMemory(zone)).toBeUndefined()
      await repository.keepPassMemory(zone, '{"after":"ä"}')
      await repository.keepPassMemory(zone, '{"after":"b"}')
      await repository.keepPassMemory(other, '{}')
      expect(await repository.passMemory(zone)).toBe('{"after":"b"}')
    })
  })
}
