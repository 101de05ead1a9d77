import { describe, expect, it } from 'vitest'
import type { LogRow, Repository, StateWrite } from '../../cloud/ports.ts'
import { MAX_REPORT_NAMES } from '../../shared/report.ts'
import { type Fqdn, parseName, type RRKey } from '../../shared/rrset.ts'
import { at, host, kid, rowAfter, stored, zone } from './stored-values.ts'

/** Text that some store might change: escapes, both planes, what looks like a mark or an end. */
const AWKWARD = '"\\\'\0\u0001\n\u2028\ufeff ä e\u0301 \u{1f600} %_*?$:#{} --'
/** The most that the log takes as one entry, less what `rowAfter` puts around it. */
const LONGEST = 64_000

function names(count: number): Fqdn[] {
  return Array.from({ length: count }, (_, i) => parseName(`n${i}.example.org`))
}

/** What the largest report writes: every name new, in both families. */
function largestReport(): StateWrite[] {
  const claimed = names(MAX_REPORT_NAMES)
  const keys = claimed.flatMap((name): RRKey[] => [
    { name, type: 'A' },
    { name, type: 'AAAA' },
  ])
  return [
    { kind: 'update-host', host: { ...host, claim: keys } },
    { kind: 'own-names', host: 'home', names: claimed },
    { kind: 'share-names', host: 'home', names: [] },
    { kind: 'release-names', host: 'home', names: [] },
    ...keys.map((key): StateWrite => {
      const set = { ...key, ttl: 60, values: [key.type === 'A' ? '192.0.2.1' : '2001:db8::1'] }
      const row = { ...key, zone, ttl: 60, set, host: 'home', version: 0, isApplied: false }
      return { kind: 'desire', row }
    }),
    { kind: 'record-report', report: { ...stored, keys } },
  ]
}

/** Every value comes back as it was stored, and everything that the product may store fits. */
export function describeLimits(open: () => Promise<Repository>): void {
  describe('that gives back what it was given', () => {
    it('to the letter and the byte', async () => {
      const repository = await open()
      const row = await rowAfter(undefined, AWKWARD)
      const strange = { ...host, name: 'home', addedAt: AWKWARD }
      const macKey = Uint8Array.from({ length: 256 }, (_, i) => i)
      const token = { id: AWKWARD.slice(3), host: AWKWARD, macKey, expiresAt: at }
      const report = { ...stored, seq: Number.MAX_SAFE_INTEGER, digest: AWKWARD }
      const writes: StateWrite[] = [
        { kind: 'create-host', host: strange },
        { kind: 'create-token', token },
        { kind: 'record-report', report },
      ]
      expect(await repository.commit([row], writes)).toBe('committed')
      expect(await repository.lastRow()).toEqual(row)
      expect(await repository.host('home')).toEqual(strange)
      expect(await repository.token(token.id)).toEqual(token)
      expect(await repository.report(kid, report.seq)).toEqual(report)
      expect(await repository.commit([await rowAfter(row)], [], row)).toBe('committed')
    })

    it('in bytes that are part of a larger buffer, or none', async () => {
      const repository = await open()
      const buffer = Uint8Array.from({ length: 96 }, (_, i) => 255 - i)
      const leaf = buffer.subarray(32, 64)
      const row: LogRow = { ...(await rowAfter(undefined)), leaf, nodes: [], frontier: [leaf] }
      await repository.commit([row], [])
      expect(await repository.rows([0])).toEqual([row])
    })

    it('in the largest report that there may be', async () => {
      const repository = await open()
      await repository.commit([], [{ kind: 'create-host', host }])
      const writes = largestReport()
      const row = await rowAfter(undefined)
      expect(repository.fits([row], writes)).toBe(true)
      expect(await repository.commit([row], writes)).toBe('committed')
      const claimed = names(MAX_REPORT_NAMES)
      expect((await repository.owners(claimed)).size).toBe(MAX_REPORT_NAMES)
      expect(await repository.pending(zone)).toHaveLength(2 * MAX_REPORT_NAMES)
      const keys = claimed.map((name): RRKey => ({ name, type: 'AAAA' }))
      const found = await repository.desired([...keys, ...keys])
      expect(new Set(found.map(({ name }) => name))).toEqual(new Set(claimed))
      expect(found).toHaveLength(MAX_REPORT_NAMES)
      expect((await repository.report(kid, stored.seq))?.keys).toHaveLength(2 * MAX_REPORT_NAMES)
    })

    it('in many rows, long ones too', async () => {
      const repository = await open()
      const rows: LogRow[] = []
      for (let i = 0; i < 130; i++) rows.push(await rowAfter(rows.at(-1), 'x'.repeat(16_000)))
      for (let i = 0; i < rows.length; i += 26) {
        expect(await repository.commit(rows.slice(i, i + 26), [])).toBe('committed')
      }
      const long = await rowAfter(rows.at(-1), 'x'.repeat(LONGEST))
      expect(await repository.commit([long], [])).toBe('committed')
      const every = [...rows, long].map(({ index }) => index).reverse()
      const found = (await repository.rows(every)).map(({ leaf }) => leaf)
      expect(found).toEqual([long, ...rows.toReversed()].map(({ leaf }) => leaf))
      const indices = async (start: number, limit: number) =>
        (await repository.range(start, limit)).map(({ index }) => index)
      expect(await indices(0, 1000)).toEqual(every.toReversed())
      expect(await indices(3, 120)).toEqual(Array.from({ length: 120 }, (_, i) => i + 3))
      expect(await indices(130, 9)).toEqual([130])
      expect(await indices(131, 9)).toEqual([])
    })

    it('in lists that are empty, or longer than what is there', async () => {
      const repository = await open()
      expect(await repository.rows([])).toEqual([])
      expect(await repository.owners([])).toEqual(new Map())
      expect(await repository.owners(names(300))).toEqual(new Map())
      expect(await repository.desired([])).toEqual([])
      const keys = names(300).map((name): RRKey => ({ name, type: 'TXT' }))
      expect(await repository.desired(keys)).toEqual([])
      expect(await repository.token('absent')).toBeUndefined()
      expect(await repository.report(kid, 8)).toBeUndefined()
    })

    it('and lists hosts by name', async () => {
      const repository = await open()
      const hosts = ['nas', 'home-2', 'home', 'a1'].map((name) => ({ ...host, name }))
      for (const one of hosts) await repository.commit([], [{ kind: 'create-host', host: one }])
      const listed = (await repository.hosts()).map(({ name }) => name)
      expect(listed).toEqual(['a1', 'home', 'home-2', 'nas'])
    })

    it('and keeps apart zones below a zone, and names that only begin alike', async () => {
      const repository = await open()
      const row = (name: string, of: string): StateWrite => {
        const key = { name: parseName(name), type: 'AAAA' } as const
        const where = { zone: parseName(of), ttl: 60, set: null, host: 'home', version: 1 }
        return { kind: 'desire', row: { ...key, ...where, isApplied: false } }
      }
      await repository.commit(
        [],
        [
          row('example.org', 'example.org'),
          row('www.example.org', 'example.org'),
          row('*.lan.example.org', 'lan.example.org'),
          row('www.example.org.uk', 'example.org.uk'),
          row('www.counterexample.org', 'counterexample.org'),
        ],
      )
      const found = async (of: string) =>
        (await repository.desiredIn(parseName(of))).map(({ name }) => name)
      expect(await found('example.org')).toEqual(['example.org', 'www.example.org'])
      expect(await found('lan.example.org')).toEqual(['*.lan.example.org'])
      expect(await found('org')).toEqual([])
      expect(await repository.pending(parseName('example.org.uk'))).toHaveLength(1)
    })
  })
}
