import { afterEach, describe, expect, it } from 'vitest'
import { dyndns2 } from '../../../../../cloud/dns/hosted/dyndns2.ts'
import type { Change } from '../../../../../cloud/domain/dns-provider.ts'
import { type Fqdn, parseName } from '../../../../../shared/rrset.ts'
import { createDyndns2Fake, dyndns2Settings } from '../../../../fakes/dns/dyndns2.ts'
import { createHttpRig, type HttpRig } from '../../../../fakes/dns/hosted-rig.ts'

const V4 = ['192.0.2.1', '192.0.2.2'] as const

const set = (name: Fqdn, value: string): Change => {
  const type = value.includes(':') ? 'AAAA' : 'A'
  return { name, type, set: { name, type, ttl: 60, values: [value] } }
}

describe('a service that moves the prefix of hosts', () => {
  const at = (label: string) => parseName(`${label}.example.test`)
  const labels = ['a', 'b', 'c', 'd']
  const address = (subnet: number, index: number) => `2001:db8:0:${subnet}::${index + 1}`
  const to = (subnet: number) => labels.map((label, i) => set(at(label), address(subnet, i)))

  let rig: HttpRig | undefined
  afterEach(() => rig?.close())

  async function openWith(...more: Change[]) {
    const fake = await createDyndns2Fake('desec')
    const made = createHttpRig(dyndns2, { ...dyndns2Settings.basic, service: 'desec' }, fake)
    rig = made
    const zone = await made.provider.findZone(made.zone)
    for (const { set: one } of [...to(1), ...more]) if (one) await made.seed(one)
    return {
      ...{ ...made, fake },
      apply: (...changes: Change[]) => made.provider.apply(zone, changes),
      held: async (label: string, type: 'A' | 'AAAA' = 'AAAA') =>
        (await made.look({ name: at(label), type }))?.values[0],
    }
  }

  it('is told once for all, and keeps what they have besides', async () => {
    const { apply, fake, held, provider } = await openWith(set(at('a'), V4[0]))
    expect(provider.caps.prefixUpdate).toBe(true)
    expect(await apply(...to(2))).toEqual({
      outcomes: labels.map(() => ({ kind: 'updated' })),
      writes: 1,
    })
    const query = new URLSearchParams(fake.queries()[0])
    expect(Object.fromEntries(query)).toEqual({
      hostname: 'a.example.test,b.example.test,c.example.test,d.example.test',
      myipv4: 'preserve',
      myipv6: '2001:db8:0:2::/64',
    })
    for (const [i, label] of labels.entries()) expect(await held(label)).toBe(address(2, i))
    expect([await held('a', 'A'), await held('b', 'A')]).toEqual([V4[0], undefined])
    expect(await apply(...to(2))).toMatchObject({ writes: 0 })
  })

  it.each([
    ['another interface identifier', set(at('d'), '2001:db8:0:2::99')],
    ['another prefix', set(at('d'), address(3, 3))],
    ['an address where there was none', set(at('new'), address(2, 9))],
    ['nothing', { name: at('d'), type: 'AAAA', set: null } as Change],
    ['an IPv4 address', set(at('d'), V4[1])],
  ])('is told apart which host shall have %s', async (_, other) => {
    const { apply, fake, look } = await openWith()
    const { outcomes, writes } = await apply(...to(2).slice(0, 3), other)
    expect(outcomes.every(({ kind }) => kind !== 'failed')).toBe(true)
    expect(writes).toBe(2)
    expect(fake.queries()[0]).toContain('preserve')
    expect(fake.queries()[1]).toMatch(/^hostname=(?:d|new)\.example\.test&/)
    expect((await look(other))?.values).toEqual(other.set?.values)
  })

  it('is told both families of a host that changes both, as ever', async () => {
    const { apply, fake, held } = await openWith(set(at('a'), V4[0]))
    const { writes } = await apply(...to(2), set(at('a'), V4[1]))
    expect(writes).toBe(2)
    expect(fake.queries()[1]).toBe(
      `hostname=a.example.test&myipv4=${V4[1]}&myipv6=2001%3Adb8%3A0%3A2%3A%3A1`,
    )
    expect([await held('a', 'A'), await held('d')]).toEqual([V4[1], address(2, 3)])
  })

  it('moves the others where it does not know one of them', async () => {
    const { apply, fake, held } = await openWith()
    fake.missing.add('b.example.test')
    const { outcomes } = await apply(...to(2))
    expect(outcomes).toMatchObject([
      ...[{ kind: 'updated' }, { error: { kind: 'invalid' } }],
      ...[{ kind: 'updated' }, { kind: 'updated' }],
    ])
    expect(await held('b')).toBe(address(1, 1))
    for (const i of [0, 2, 3]) expect(await held(labels[i] ?? '')).toBe(address(2, i))
  })

  it('is told exactly, once DNS shows that it held something else', async () => {
    const { apply, fake, held, seed } = await openWith()
    fake.dnsShows(true)
    // What is seen is late: the host has another identifier by now.
    const foreign = set(at('c'), '2001:db8:0:1::bad').set
    if (foreign !== null) await seed(foreign)
    await apply(...to(2))
    expect(await held('c')).toBe('2001:db8:0:2::bad')
    fake.dnsShows(false)
    expect(await apply(...to(2))).toMatchObject({ writes: 1 })
    for (const [i, label] of labels.entries()) expect(await held(label)).toBe(address(2, i))
    expect(await apply(...to(2))).toMatchObject({ writes: 0 })
  })

  it('is asked again after an answer was lost, and only about what is not right', async () => {
    const { apply, breakWrites, held } = await openWith()
    breakWrites('after', 1)
    expect(await apply(...to(2))).toMatchObject({ writes: 1 })
    breakWrites('before', 1)
    expect(await apply(...to(3))).toMatchObject({ writes: 2 })
    for (const [i, label] of labels.entries()) expect(await held(label)).toBe(address(3, i))
  })

  it('takes so many hosts at once as a query can name', async () => {
    const { apply, fake, seed } = await openWith()
    const hosts = Array.from({ length: 60 }, (_, i) => at(`${'x'.repeat(50)}${i}`))
    const all = (subnet: number) => hosts.map((name, i) => set(name, address(subnet, i)))
    for (const { set: one } of all(1)) if (one) await seed(one)
    expect((await apply(...all(2))).writes).toBe(4)
    for (const query of fake.queries()) expect(query.length).toBeLessThan(1300)
  })
})
