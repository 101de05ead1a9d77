import { describe, expect, it } from 'vitest'
import { move100 } from '../fakes/dns/move-100.ts'
import { SERVICES } from '../fakes/dns/services.ts'
import { describeDnsProvider } from './dns-provider.ts'

for (const { name, open, least } of SERVICES) {
  describeDnsProvider(name, open)
  describe(`${name}, moving 100 RRsets`, () => {
    it('sends hardly more requests than its API needs', async () => {
      const { outcomes, reads, writes } = await move100(open)
      expect(new Set(outcomes)).toEqual(new Set(['updated']))
      expect(writes).toBe(least.writes)
      expect(reads + writes).toBeLessThanOrEqual((least.reads + least.writes) * 1.1)
    })
  })
}
