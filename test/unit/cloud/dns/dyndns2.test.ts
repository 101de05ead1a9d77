import { afterEach, describe, expect, it } from 'vitest'
import { createHostMemory, type HostState } from '../../../../cloud/dns/host-memory.ts'
import { dyndns2 } from '../../../../cloud/dns/hosted/dyndns2.ts'
import { complaintOfText } from '../../../../cloud/dns/hosted/dyndns2-answer.ts'
import { type Change, ProviderError } from '../../../../cloud/domain/dns-provider.ts'
import { type Fqdn, parseName } from '../../../../shared/rrset.ts'
import { createDyndns2Fake, dyndns2Settings } from '../../../fakes/dns/dyndns2.ts'
import { createHttpRig, type HttpRig } from '../../../fakes/dns/hosted-rig.ts'

const V4 = ['192.0.2.1', '192.0.2.2'] as const
const V6 = ['2001:db8::1', '2001:db8::2'] as const
const www = parseName('www.example.test')

const set = (name: Fqdn, value: string): Change => {
  const type = value.includes(':') ? 'AAAA' : 'A'
  return { name, type, set: { name, type, ttl: 60, values: [value] } }
}

let rig: HttpRig | undefined
afterEach(() => rig?.close())

type Service = 'dyn' | 'desec' | 'inwx'
async function open(service: Service) {
  const fake = await createDyndns2Fake(service)
  const made = createHttpRig(dyndns2, { ...dyndns2Settings.basic, service }, fake)
  rig = made
  const zone = await made.provider.findZone(made.zone)
  return { ...made, fake, apply: (...changes: Change[]) => made.provider.apply(zone, changes) }
}
async function openDuckDns() {
  const fake = await createDyndns2Fake('duckdns', 'duckdns.org')
  const settings = { ...dyndns2Settings.token, service: 'duckdns', zone: 'duckdns.org' } as const
  const made = createHttpRig(dyndns2, settings, fake)
  rig = made
  const zone = await made.provider.findZone(made.zone)
  return { ...made, fake, apply: (...changes: Change[]) => made.provider.apply(zone, changes) }
}

describe('a service that takes hosts', () => {
  it.each([
    ['dyn', 'hostname=www.example.test&myip=192.0.2.1%2C2001%3Adb8%3A%3A2'],
    ['inwx', 'hostname=www.example.test&myip=192.0.2.1&myipv6=2001%3Adb8%3A%3A2'],
    ['desec', 'hostname=www.example.test&myipv4=192.0.2.1&myipv6=2001%3Adb8%3A%3A2'],
  ] as const)('is told both families when one changes: %s', async (service, query) => {
    const { apply, fake, seed, look } = await open(service)
    for (const { set: one } of [set(www, V4[0]), set(www, V6[0])]) if (one) await seed(one)
    expect((await apply(set(www, V6[1]))).outcomes).toEqual([{ kind: 'updated' }])
    expect(fake.queries()).toEqual([query])
    expect((await look({ name: www, type: 'A' }))?.values).toEqual([V4[0]])
  })

  it('is told both families with one request when both change', async () => {
    const { apply, fake } = await open('dyn')
    const { outcomes, writes } = await apply(set(www, V4[1]), set(www, V6[1]))
    expect(outcomes).toEqual([{ kind: 'created' }, { kind: 'created' }])
    expect([writes, fake.queries().length]).toEqual([1, 1])
  })

  it('is told nothing a second time while DNS shows what was there before', async () => {
    const { apply, fake } = await open('dyn')
    await apply(set(www, V4[0]), set(www, V6[0]))
    fake.dnsShows(true)
    expect(await apply(set(www, V6[1]))).toMatchObject({ writes: 1 })
    for (let round = 0; round < 5; round += 1) {
      expect(await apply(set(www, V6[1]))).toMatchObject({ writes: 0 })
    }
    // Back to what DNS shows still: that is no reason to send nothing.
    expect(await apply(set(www, V6[0]))).toMatchObject({ outcomes: [{ kind: 'updated' }] })
    expect(await apply(set(www, V6[0]))).toMatchObject({ writes: 0 })
    fake.dnsShows(false)
    expect(await apply(set(www, V6[0]))).toMatchObject({ writes: 0 })
  })

  it('is told again when somebody else has written meanwhile', async () => {
    const { apply, seed } = await open('dyn')
    await apply(set(www, V6[1]))
    const foreign = set(www, '2001:db8::bad').set
    if (foreign !== null) await seed(foreign)
    expect(await apply(set(www, V6[1]))).toMatchObject({
      outcomes: [{ kind: 'updated' }],
      writes: 1,
    })
  })

  it('is told nothing while DNS does not answer', async () => {
    const fake = await createDyndns2Fake('dyn')
    const lookup = () => Promise.reject(new ProviderError('transient', 'DNS does not answer'))
    rig = createHttpRig(dyndns2, { ...dyndns2Settings.basic, service: 'dyn' }, { ...fake, lookup })
    const zone = await rig.provider.findZone(rig.zone)
    const { outcomes, writes } = await rig.provider.apply(zone, [set(www, V6[0])])
    expect(outcomes).toMatchObject([{ kind: 'failed', error: { kind: 'transient' } }])
    expect([writes, rig.writes()]).toEqual([0, 0])
  })

  it('keeps an address that it cannot remove, and says so without asking', async () => {
    const { apply, look, writes } = await open('dyn')
    await apply(set(www, V4[0]), set(www, V6[0]))
    const before = writes()
    const gone: Change = { name: www, type: 'AAAA', set: null }
    const { outcomes } = await apply(set(www, V4[1]), gone)
    expect(outcomes).toMatchObject([{ kind: 'updated' }, { error: { kind: 'invalid' } }])
    expect(writes() - before).toBe(1)
    expect((await look(gone))?.values).toEqual([V6[0]])
  })

  it('asks once for a host that the service does not know', async () => {
    const fake = await createDyndns2Fake('dyn', 'other.test')
    rig = createHttpRig(dyndns2, { ...dyndns2Settings.basic, service: 'dyn' }, fake)
    const zone = await rig.provider.findZone(parseName('example.test'))
    const { outcomes } = await rig.provider.apply(zone, [set(www, V4[0]), set(www, V6[0])])
    expect(outcomes).toMatchObject([
      { error: { kind: 'invalid', message: expect.stringContaining('nohost') } },
      { error: { kind: 'invalid' } },
    ])
    expect(rig.writes()).toBe(1)
  })

  it.each([
    ['TXT', { name: www, type: 'TXT', ttl: 60, values: ['a'] }],
    ['two addresses', { name: www, type: 'AAAA', ttl: 60, values: [...V6] }],
    ['a wildcard', { name: parseName('*.example.test'), type: 'AAAA', ttl: 60, values: [V6[0]] }],
  ] as const)('is never asked to hold %s', async (_, wanted) => {
    const { apply, writes } = await open('dyn')
    const { outcomes } = await apply({ name: wanted.name, type: wanted.type, set: wanted })
    expect(outcomes).toMatchObject([{ error: { kind: 'invalid' } }])
    expect(writes()).toBe(0)
  })

  it('hears who is asking, and whom to write to', async () => {
    const fake = await createDyndns2Fake('dyn')
    const agents: (string | null)[] = []
    const api: typeof fake.api = {
      ...fake.api,
      fetch: (url, init) => {
        agents.push(new Headers(init.headers).get('user-agent'))
        return fake.api.fetch(url, init)
      },
    }
    const settings = {
      ...dyndns2Settings.basic,
      service: 'dyn',
      contact: 'ops@example.org',
    } as const
    rig = createHttpRig(dyndns2, settings, { ...fake, api })
    await rig.provider.apply(await rig.provider.findZone(rig.zone), [set(www, V6[0])])
    expect(agents).toEqual([expect.stringMatching(/^reprefix\/\S+ ops@example\.org$/)])
  })
})

describe('DuckDNS', () => {
  const home = parseName('home.duckdns.org')

  it('takes the label and both addresses, and clears both at once', async () => {
    const { apply, fake } = await openDuckDns()
    await apply(set(home, V4[0]), set(home, V6[0]))
    const gone = (['A', 'AAAA'] as const).map((type) => ({ name: home, type, set: null }))
    expect((await apply(...gone)).outcomes).toEqual([{ kind: 'deleted' }, { kind: 'deleted' }])
    const token = `token=${dyndns2Settings.token.token}`
    expect(fake.queries()).toEqual([
      `domains=home&ip=192.0.2.1&ipv6=2001%3Adb8%3A%3A1&verbose=true&${token}`,
      `domains=home&clear=true&verbose=true&${token}`,
    ])
    expect(await apply(...gone)).toMatchObject({ writes: 0 })
  })

  it('clears nothing when only one is to go', async () => {
    const { apply, look } = await openDuckDns()
    await apply(set(home, V4[0]), set(home, V6[0]))
    const { outcomes } = await apply({ name: home, type: 'A', set: null })
    expect(outcomes).toMatchObject([{ error: { kind: 'invalid' } }])
    expect((await look({ name: home, type: 'AAAA' }))?.values).toEqual([V6[0]])
  })

  it('has no names but those right below its own', async () => {
    const { apply, writes } = await openDuckDns()
    const deep = parseName('www.home.duckdns.org')
    expect((await apply(set(deep, V6[0]))).outcomes).toMatchObject([{ error: { kind: 'invalid' } }])
    expect(writes()).toBe(0)
  })
})

describe('an answer', () => {
  it.each(['good 2001:db8::1', 'nochg', 'good', 'OK\n192.0.2.1\n\nUPDATED', 'addresses unchanged'])(
    '%j is a success',
    (text) => {
      expect(complaintOfText(text)).toBeUndefined()
    },
  )

  it.each([
    ['badauth', 'auth'],
    ['KO', 'auth'],
    ['!donator', 'forbidden'],
    ['!yours', 'forbidden'],
    ['abuse', 'forbidden'],
    ['nohost', 'invalid'],
    ['notfqdn\n', 'invalid'],
    ['badagent', 'protocol'],
    ['good 127.0.0.1', 'protocol'],
    ['911', 'rate-limited'],
    ['dnserr', 'rate-limited'],
    ['goodbye', undefined],
    ['__proto__', undefined],
    ['constructor', undefined],
    ['', undefined],
  ] as const)('%j is %s', (text, kind) => {
    const complaint = complaintOfText(text)
    expect(complaint).toBeDefined()
    expect(complaint?.kind).toBe(kind)
    expect(complaint?.waitMs).toBe(kind === 'rate-limited' ? 1_800_000 : undefined)
  })
})

describe('what a host is believed to have', () => {
  const state = (AAAA: string): HostState => ({ A: [], AAAA: [AAAA] })
  const [old, newer, newest] = [state('::1'), state('::2'), state('::3')]

  it('is what was written, until DNS had a quarter of an hour to show it', () => {
    let clock = 0
    const memory = createHostMemory(() => new Date(clock))
    expect(memory.believe(www, old)).toBe(old)
    memory.wrote(www, newer)
    memory.wrote(www, newest)
    clock = 14 * 60_000
    expect([old, newer, newest].map((seen) => memory.believe(www, seen))).toEqual([
      newest,
      newest,
      newest,
    ])
    clock = 15 * 60_000
    expect(memory.believe(www, old)).toBe(old)
    expect(memory.last(www)).toBe(old)
  })

  it('is at once what DNS shows when nobody here has written that', () => {
    const memory = createHostMemory(() => new Date(0))
    memory.believe(www, old)
    memory.wrote(www, newer)
    expect(memory.believe(www, newest)).toBe(newest)
    expect(memory.believe(parseName('other.example.test'), old)).toBe(old)
  })
})
