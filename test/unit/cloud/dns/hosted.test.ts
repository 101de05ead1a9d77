import { describe, expect, it } from 'vitest'
import { cloudflare } from '../../../../cloud/dns/hosted/cloudflare.ts'
import { hetzner } from '../../../../cloud/dns/hosted/hetzner.ts'
import { linode } from '../../../../cloud/dns/hosted/linode.ts'
import { ovh } from '../../../../cloud/dns/hosted/ovh.ts'
import { listFor } from '../../../../cloud/dns/page-or-ask.ts'
import type { RRKey, RRset } from '../../../../shared/rrset.ts'
import { parseName } from '../../../../shared/rrset.ts'
import { cloudflareSettings, createCloudflareFake } from '../../../fakes/dns/cloudflare.ts'
import { createProviders } from '../../../fakes/dns/create-providers.ts'
import { createDesecFake, desecSettings } from '../../../fakes/dns/desec.ts'
import { createHetznerFake, hetznerSettings } from '../../../fakes/dns/hetzner.ts'
import { createHttpRig } from '../../../fakes/dns/hosted-rig.ts'
import { createLinodeFake, linodeSettings } from '../../../fakes/dns/linode.ts'
import { createOvhFake, ovhSettings } from '../../../fakes/dns/ovh.ts'

const name = parseName('www.example.test')
const aaaa = (ttl: number, ...values: string[]): RRset => ({ name, type: 'AAAA', ttl, values })
const to = (set: RRset) => [{ name, type: set.type, set }]

describe('Cloudflare', () => {
  it('moves a proxied name without touching its proxying, comment and TTL', async () => {
    const fake = await createCloudflareFake()
    const { provider, zone, look, close } = createHttpRig(cloudflare, cloudflareSettings, fake)
    try {
      const place = await provider.findZone(zone)
      const proxied = parseName(`proxied.${zone}`)
      const set: RRset = { name: proxied, type: 'A', ttl: 60, values: ['192.0.2.81', '192.0.2.82'] }
      const changes = [{ name: proxied, type: set.type, set }]
      expect((await provider.apply(place, changes)).outcomes).toEqual([{ kind: 'updated' }])
      // TTL 1 is what proxied records have: the second value is proxied as well.
      expect(await look(set)).toEqual({ ttl: 1, values: set.values })
      const other = parseName(`other.${zone}`)
      expect(await provider.read(place, [set, { name: other, type: 'A' }])).toEqual([
        { ...set, ttl: 300, isProxied: true },
        null,
      ])
      expect(await provider.apply(place, changes)).toMatchObject({ writes: 0 })
    } finally {
      await close()
    }
  })

  it('gives a name with an automatic TTL the one of its zone', async () => {
    const fake = await createCloudflareFake()
    const rig = createHttpRig(cloudflare, cloudflareSettings, fake)
    try {
      const { provider } = rig
      await rig.seed(aaaa(1, '2001:db8::1'))
      const place = await provider.findZone(rig.zone)
      expect(await provider.read(place, [aaaa(1)])).toEqual([aaaa(300, '2001:db8::1')])
      await provider.apply(place, to(aaaa(60, '2001:db8::1')))
      expect(await rig.look(aaaa(60))).toEqual({ ttl: 60, values: ['2001:db8::1'] })
    } finally {
      await rig.close()
    }
  })
})

describe('Hetzner', () => {
  it('keeps what people wrote beside the values that stay', async () => {
    const fake = await createHetznerFake()
    const rig = createHttpRig(hetzner, hetznerSettings, fake)
    const records = [
      { value: '2001:db8::1', comment: 'the router' },
      { value: '2001:db8::2', comment: '' },
    ]
    fake.load({ rrsets: [{ name: 'www', type: 'AAAA', ttl: 60, records }] })
    try {
      const place = await rig.provider.findZone(rig.zone)
      await rig.provider.apply(place, to(aaaa(60, '2001:db8::1', '2001:db8::3')))
      const url = `https://api.hetzner.cloud/v1/zones/${place.id}/rrsets?name=www`
      const answer = await fake.api.fetch(url, fake.authorise({ method: 'GET', url, body: '' }))
      expect(Object(await answer.json()).rrsets[0].records).toEqual([
        { value: '2001:db8::1', comment: 'the router' },
        { value: '2001:db8::3', comment: '' },
      ])
    } finally {
      await rig.close()
    }
  })

  it('waits for one change of an RRset before it sends the next, and tells when all are live', async () => {
    const fake = await createHetznerFake()
    const rig = createHttpRig(hetzner, hetznerSettings, fake)
    try {
      const { provider } = rig
      await rig.seed(aaaa(300, '2001:db8::1'))
      const place = await provider.findZone(rig.zone)
      const result = await provider.apply(place, to(aaaa(60, '2001:db8::2')))
      expect(result).toMatchObject({ outcomes: [{ kind: 'updated' }], writes: 2 })
      expect(rig.waited()).toBeGreaterThan(0)
      expect(await rig.look(aaaa(60))).toEqual({ ttl: 60, values: ['2001:db8::2'] })
      const states: unknown[] = []
      for (let poll = 0; poll < 3; poll += 1) {
        states.push(await provider.settled?.(result.receipt ?? { id: '' }))
      }
      expect(states).toEqual(['pending', 'pending', 'live'])
    } finally {
      await rig.close()
    }
  })
})

describe('Linode', () => {
  it('has TTLs in steps, and a TTL between two is the longer one', async () => {
    const fake = await createLinodeFake()
    const { provider, close } = createHttpRig(linode, linodeSettings, fake)
    await close()
    const ttls = [60, 300, 301, 3600, 100_000, 9_999_999]
    const kept = ttls.map((ttl) => provider.normalise(aaaa(ttl, '2001:db8::1')).ttl)
    expect(kept).toEqual([300, 300, 3600, 3600, 172_800, 2_419_200])
  })

  it('is not kept waiting by the retry-after of answers that are no errors', async () => {
    const fake = await createLinodeFake()
    let waited = 0
    const providers = createProviders(
      { a: { ...linodeSettings } },
      {
        now: () => new Date(waited),
        sleep: async (ms) => {
          waited += ms
        },
        ...{ fetch: fake.api.fetch, deadline: fake.api.deadline },
      },
    )
    try {
      const [provider] = providers.values()
      const place = await provider?.findZone(fake.zone)
      if (provider === undefined || place === undefined) throw new Error('there is no provider')
      for (const value of ['2001:db8::1', '2001:db8::2']) {
        const { outcomes } = await provider.apply(place, to(aaaa(300, value)))
        expect(outcomes[0]?.kind).toMatch(/^(created|updated)$/)
      }
      expect(waited).toBe(0)
    } finally {
      await fake.api.close()
    }
  })
})

describe('OVH', () => {
  const refused = { status: 400, body: { message: 'no' } }

  it('publishes nothing after one RRset was half written, and all of it once that is whole', async () => {
    const rig = createHttpRig(ovh, ovhSettings, await createOvhFake())
    try {
      const { provider } = rig
      await rig.seed(aaaa(300, '2001:db8::1', '2001:db8::2'))
      const other: RRset = { ...aaaa(300, '2001:db8::9'), name: parseName('other.example.test') }
      const changes = [...to(aaaa(300, '2001:db8::3')), { ...other, set: other }]
      const place = await provider.findZone(rig.zone)
      // The address moves, the second record is to be deleted, and that is refused.
      const fault = { kind: 'answer', answer: refused } as const
      rig.inject({ on: 'write', fault, times: 1, skip: 1 })
      const { outcomes, writes } = await provider.apply(place, changes)
      expect(outcomes.map((one) => one.kind === 'failed' && one.error.kind)).toEqual([
        'partial',
        'partial',
      ])
      expect(writes).toBe(3)
      expect((await rig.look(aaaa(300)))?.values).toEqual(['2001:db8::1', '2001:db8::2'])
      expect(await rig.look(other)).toBeNull()

      expect(await provider.apply(place, changes)).toMatchObject({ writes: 2 })
      expect((await rig.look(aaaa(300)))?.values).toEqual(['2001:db8::3'])
      expect((await rig.look(other))?.values).toEqual(other.values)
    } finally {
      await rig.close()
    }
  })

  it('publishes later what could not be published, with nothing else to write', async () => {
    const rig = createHttpRig(ovh, ovhSettings, await createOvhFake())
    try {
      const place = await rig.provider.findZone(rig.zone)
      const changes = to(aaaa(300, '2001:db8::1'))
      const fault = { kind: 'reset', when: 'before' } as const
      rig.inject({ on: 'write', fault, times: 1, skip: 1 })
      const [outcome] = (await rig.provider.apply(place, changes)).outcomes
      expect(outcome).toMatchObject({ kind: 'failed', error: { kind: 'transient' } })
      expect(await rig.look(aaaa(300))).toBeNull()
      expect(await rig.provider.apply(place, changes)).toMatchObject({
        outcomes: [{ kind: 'unchanged' }],
        writes: 1,
      })
      expect((await rig.look(aaaa(300)))?.values).toEqual(['2001:db8::1'])
      expect(await rig.provider.apply(place, changes)).toMatchObject({ writes: 0 })
    } finally {
      await rig.close()
    }
  })

  it('publishes what a process has written that ended before it could, and once only', async () => {
    const fake = await createOvhFake()
    const [first, next] = [0, 1].map(() => createHttpRig(ovh, ovhSettings, fake))
    if (first === undefined || next === undefined) throw new Error('there are two rigs')
    try {
      const place = await first.provider.findZone(first.zone)
      const changes = to(aaaa(300, '2001:db8::1'))
      first.inject({ on: 'write', fault: { kind: 'reset', when: 'before' }, times: 1, skip: 1 })
      await first.provider.apply(place, changes)
      expect(await first.look(aaaa(300))).toBeNull()
      const unchanged = [{ kind: 'unchanged' }]
      expect(await next.provider.apply(place, changes)).toEqual({ outcomes: unchanged, writes: 1 })
      expect((await next.look(aaaa(300)))?.values).toEqual(['2001:db8::1'])
      expect(await next.provider.apply(place, changes)).toEqual({ outcomes: unchanged, writes: 0 })
    } finally {
      await fake.api.close()
    }
  })

  it('asks for one name of a large zone without reading the others', async () => {
    const rig = createHttpRig(ovh, ovhSettings, await createOvhFake())
    try {
      for (let index = 0; index < 50; index += 1) {
        await rig.seed({ ...aaaa(300, '2001:db8::1'), name: parseName(`n${index}.example.test`) })
      }
      const place = await rig.provider.findZone(rig.zone)
      const before = rig.requests()
      const keys = [4, 5].map((index) => ({
        name: parseName(`n${index}.example.test`),
        type: 'AAAA' as const,
      }))
      expect(await rig.provider.read(place, keys)).toHaveLength(2)
      expect(rig.requests() - before).toBe(1 + 2 * 2)
    } finally {
      await rig.close()
    }
  })
})

describe('limits', () => {
  it('hold for all providers of one credential, and end in a fault that says when', async () => {
    const fake = await createDesecFake()
    let clock = 0
    const providers = createProviders(
      { a: { ...desecSettings }, b: { ...desecSettings } },
      {
        now: () => new Date(clock),
        sleep: async (ms) => {
          clock += ms
        },
        fetch: fake.api.fetch,
        deadline: fake.api.deadline,
      },
    )
    try {
      const kinds: string[] = []
      for (let round = 0; round < 10; round += 1) {
        for (const provider of providers.values()) {
          const place = await provider.findZone(fake.zone)
          const value = `2001:db8::${kinds.length + 1}`
          const [outcome] = (await provider.apply(place, to(aaaa(3600, value)))).outcomes
          kinds.push(outcome?.kind === 'failed' ? outcome.error.kind : (outcome?.kind ?? ''))
        }
      }
      // 15 changes a minute are what deSEC takes of one domain.
      expect(kinds.filter((kind) => kind === 'created' || kind === 'updated')).toHaveLength(15)
      expect(kinds.slice(15)).toEqual(kinds.slice(15).map(() => 'rate-limited'))
      expect(fake.api.writes()).toBe(15)
    } finally {
      await fake.api.close()
    }
  })
})

describe('listing for some names', () => {
  const zone = { name: parseName('example.test'), id: 'z' }
  const keys = (count: number): RRKey[] =>
    Array.from({ length: count }, (_, i) => ({ name: parseName(`n${i}.example.test`), type: 'A' }))

  async function requestsFor(count: number, pages: number, canAsk: boolean) {
    let requests = 0
    const found = await listFor<string>(
      {
        async *list() {
          for (let page = 0; page < pages; page += 1) {
            requests += 1
            yield [`page ${page}`]
          }
        },
        ...(canAsk
          ? {
              listOne: async (_: unknown, key: RRKey) => {
                requests += 1
                return [key.name]
              },
            }
          : {}),
      },
      zone,
      keys(count),
    )
    return { requests, found: found.length }
  }

  it.each([
    ['one name of a small zone', 1, 1, true, { requests: 1, found: 1 }],
    ['many names of a small zone', 50, 1, true, { requests: 1, found: 1 }],
    ['a few names of a large zone', 3, 100, true, { requests: 7, found: 3 }],
    ['as many pages as names', 3, 3, true, { requests: 3, found: 3 }],
    ['one name where nothing can be asked for', 1, 4, false, { requests: 4, found: 4 }],
  ] as const)('takes few requests for %s', async (_, count, pages, canAsk, expected) => {
    expect(await requestsFor(count, pages, canAsk)).toEqual(expected)
  })
})
