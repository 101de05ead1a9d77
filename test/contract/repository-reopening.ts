import { describe, expect, it } from 'vitest'
import type { StateWrite } from '../../cloud/ports.ts'
import type { RepositoryUnderTest } from './repository.ts'
import { at, desired, host, kid, rowAfter, stored, www, zone } from './stored-values.ts'

/** What was stored is there for whoever opens the store after this one. */
export function describeReopening(store: () => Promise<RepositoryUnderTest>): void {
  describe('that is closed and opened again', () => {
    it('has everything that was stored', async () => {
      const under = await store()
      const first = await under.open()
      const row = await rowAfter(undefined)
      const token = { id: 'token', host: 'home', macKey: new Uint8Array(32), expiresAt: at }
      const writes: StateWrite[] = [
        { kind: 'create-host', host },
        { kind: 'put-key', kid, host: 'home' },
        { kind: 'create-token', token },
        { kind: 'own-names', host: 'home', names: [www] },
        { kind: 'desire', row: desired(0, ['2001:db8::1']) },
        { kind: 'record-report', report: stored },
      ]
      expect(await first.commit([row], writes)).toBe('committed')
      expect(await first.takeLease(zone, 'first', 1000, 2000)).toBe(true)
      await first.keepPassMemory(zone, 'kept')
      first.close()

      const second = await under.open()
      expect(await second.lastRow()).toEqual(row)
      expect(await second.hostOfKey(kid)).toEqual(host)
      expect(await second.token('token')).toEqual(token)
      expect(await second.owners([www])).toEqual(new Map([[www, ['home']]]))
      expect(await second.pending(zone)).toEqual([desired(0, ['2001:db8::1'])])
      expect(await second.unfinished(0, 9)).toEqual([stored])
      expect(await second.takeLease(zone, 'second', 1999, 9000)).toBe(false)
      expect(await second.passMemory(zone)).toBe('kept')
      expect(await second.commit([row], [])).toBe('conflict')
    })

    it('is refused when a newer version has written it', async () => {
      const under = await store()
      const first = await under.open()
      await first.commit([await rowAfter(undefined)], [])
      await under.writeNewerSchema()
      await expect(under.open()).rejects.toMatchObject({
        code: 'STORE_TOO_NEW',
        message: expect.stringMatching(/has schema \d+, this version knows \d+; start the version/),
      })
    })
  })
}
