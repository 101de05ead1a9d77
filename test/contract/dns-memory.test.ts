import { describe, expect, it } from 'vitest'
import type { Change } from '../../cloud/domain/dns-provider.ts'
import { parseName } from '../../shared/rrset.ts'
import { createMemoryDnsProvider } from '../fakes/memory-dns-provider.ts'
import { describeDnsProvider } from './dns-provider.ts'

const zone = parseName('example.test')

describeDnsProvider('memory', async () => {
  const fake = createMemoryDnsProvider('memory', zone)
  return {
    ...fake,
    zone,
    seed: async (set) => fake.seed(set),
    look: async (key) => fake.look(key),
    close: async () => undefined,
  }
})

describe('a batch with a member that is refused', () => {
  it('writes the others', async () => {
    const fake = createMemoryDnsProvider('memory', zone)
    const names = Array.from({ length: 9 }, (_, i) => parseName(`n${i}.example.test`))
    const bad = parseName('n4.example.test')
    fake.refused.add(bad)
    const changes: Change[] = names.map((name) => ({
      name,
      type: 'AAAA',
      set: { name, type: 'AAAA', ttl: 60, values: ['2001:db8::1'] },
    }))
    const { outcomes, writes } = await fake.provider.apply({ name: zone, id: zone }, changes)
    expect(outcomes.map((one) => (one.kind === 'failed' ? one.error.kind : one.kind))).toEqual(
      names.map((name) => (name === bad ? 'forbidden' : 'created')),
    )
    expect(writes).toBeLessThanOrEqual(9)
    expect(fake.writes()).toBe(writes)
  })
})
