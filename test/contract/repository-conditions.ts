import { describe, expect, it } from 'vitest'
import type { Repository, StateWrite } from '../../cloud/ports.ts'
import { api, at, desired, host, kid, rowAfter, stored, www, zone } from './stored-values.ts'

const token = { id: 'token', host: 'home', macKey: new Uint8Array(32).fill(7), expiresAt: at }
const use = { kind: 'use-token', id: 'token', used: { kid, index: 3 } } as const
const finish = { kind: 'finish-report', kid, seq: 8, appliedIndex: 6 } as const

/** Writes whose condition does not hold after others. */
const REFUSED: readonly {
  readonly name: string
  readonly before: readonly StateWrite[]
  readonly write: StateWrite
}[] = [
  {
    name: 'create-host/exists',
    before: [{ kind: 'create-host', host }],
    write: { kind: 'create-host', host },
  },
  { name: 'update-host/absent', before: [], write: { kind: 'update-host', host } },
  {
    name: 'update-host/other-version',
    before: [{ kind: 'create-host', host }],
    write: { kind: 'update-host', host: { ...host, version: 2 } },
  },
  {
    name: 'put-key/exists',
    before: [{ kind: 'put-key', kid, host: 'office' }],
    write: { kind: 'put-key', kid, host: 'home' },
  },
  {
    name: 'create-token/exists',
    before: [{ kind: 'create-token', token }],
    write: { kind: 'create-token', token: { ...token, host: 'office' } },
  },
  { name: 'use-token/absent', before: [], write: use },
  { name: 'use-token/used', before: [{ kind: 'create-token', token }, use], write: use },
  {
    name: 'own-names/owned-by-another',
    before: [{ kind: 'own-names', host: 'office', names: [www] }],
    write: { kind: 'own-names', host: 'home', names: [api, www] },
  },
  {
    name: 'own-names/shared-with-another',
    before: [
      { kind: 'share-names', host: 'home', names: [www] },
      { kind: 'share-names', host: 'office', names: [www] },
    ],
    write: { kind: 'own-names', host: 'home', names: [www] },
  },
  {
    name: 'record-report/sequence-used',
    before: [{ kind: 'record-report', report: stored }],
    write: { kind: 'record-report', report: { ...stored, digest: 'D'.repeat(43) } },
  },
  { name: 'finish-report/absent', before: [], write: finish },
  {
    name: 'finish-report/denied',
    before: [{ kind: 'record-report', report: { ...stored, verdict: 'denied' } }],
    write: finish,
  },
  {
    name: 'finish-report/finished',
    before: [{ kind: 'record-report', report: stored }, finish],
    write: finish,
  },
  {
    name: 'reopen/absent',
    before: [],
    write: { kind: 'reopen', key: { name: api, type: 'AAAA' }, version: 3 },
  },
  {
    name: 'reopen/older-version',
    before: [],
    // `desired(0)` is what is stored with it.
    write: { kind: 'reopen', key: { name: www, type: 'AAAA' }, version: 1 },
  },
]

/** Every condition of a write: broken by what was stored before, and by what is stored with it. */
export function describeConditions(open: () => Promise<Repository>): void {
  describe('whose writes have conditions', () => {
    const other: StateWrite = { kind: 'desire', row: desired(0, ['2001:db8::1']) }

    it.each(REFUSED)(
      'stores nothing when one does not hold: $name',
      async ({ before: first, write }) => {
        const repository = await open()
        expect(await repository.commit([], first)).toBe('committed')
        const row = await rowAfter(undefined)
        expect(await repository.commit([row], [other, write])).toBe('conflict')
        expect(await repository.lastRow()).toBeUndefined()
        expect(await repository.pending(zone)).toEqual([])
      },
    )

    it.each(REFUSED)('judges it after the writes before, in one commit: $name', async (refused) => {
      const repository = await open()
      const row = await rowAfter(undefined)
      const writes = [other, ...refused.before, refused.write]
      expect(await repository.commit([row], writes)).toBe('conflict')
      expect(await repository.lastRow()).toBeUndefined()
      expect(await repository.hosts()).toEqual([])
      expect(await repository.owners([www, api])).toEqual(new Map())
      expect(await repository.pending(zone)).toEqual([])
    })

    it('makes several writes of one thing in their order, in one commit', async () => {
      const repository = await open()
      const key = { name: www, type: 'AAAA' } as const
      const writes: readonly StateWrite[] = [
        { kind: 'create-host', host },
        { kind: 'update-host', host: { ...host, status: 'revoked' } },
        { kind: 'create-token', token },
        use,
        { kind: 'own-names', host: 'home', names: [www, api] },
        { kind: 'release-names', host: 'home', names: [www] },
        { kind: 'own-names', host: 'office', names: [www] },
        { kind: 'desire', row: desired(3, ['2001:db8::3']) },
        { kind: 'desire', row: desired(5, ['2001:db8::5']) },
        { kind: 'mark-applied', key, version: 3 },
        { kind: 'mark-applied', key, version: 5 },
        { kind: 'record-report', report: stored },
        finish,
      ]
      expect(await repository.commit([await rowAfter(undefined)], writes)).toBe('committed')
      expect(await repository.host('home')).toEqual({ ...host, status: 'revoked', version: 2 })
      expect(await repository.token('token')).toEqual({ ...token, used: use.used })
      const owners = new Map([
        [api, ['home']],
        [www, ['office']],
      ])
      expect(await repository.owners([www, api])).toEqual(owners)
      const applied = { ...desired(5, ['2001:db8::5']), isApplied: true }
      expect(await repository.desired([key])).toEqual([applied])
      const finished = { ...stored, verdict: 'applied', appliedIndex: 6 }
      expect(await repository.report(kid, 8)).toEqual(finished)
    })

    it('writes what is so already once more', async () => {
      const repository = await open()
      const own: StateWrite = { kind: 'own-names', host: 'home', names: [www, www] }
      const release: StateWrite = { kind: 'release-names', host: 'office', names: [www, api] }
      for (const writes of [[own], [own], [release], []]) {
        expect(await repository.commit([], writes)).toBe('committed')
      }
      expect(await repository.owners([www, api])).toEqual(new Map([[www, ['home']]]))
    })
  })
}
