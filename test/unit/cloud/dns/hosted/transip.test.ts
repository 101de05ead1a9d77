import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { transip } from '../../../../../cloud/dns/hosted/transip.ts'
import { parseName, type RRset } from '../../../../../shared/rrset.ts'
import type { FakeAnswer } from '../../../../fakes/dns/fake-api.ts'
import { createHttpRig, type HttpRig } from '../../../../fakes/dns/hosted-rig.ts'
import { createTransipFake, transipSettings } from '../../../../fakes/dns/transip.ts'

const name = parseName('www.example.test')
const place = { name: parseName('example.test'), id: 'example.test' }
const aaaa = (ttl: number, ...values: string[]): RRset => ({ name, type: 'AAAA', ttl, values })
const to = (set: RRset) => [{ name, type: set.type, set }]

describe('TransIP', () => {
  let fake: Awaited<ReturnType<typeof createTransipFake>>
  let rig: HttpRig
  beforeEach(async () => {
    fake = await createTransipFake()
    rig = createHttpRig(transip, transipSettings, fake)
  })
  afterEach(() => rig.close())

  const refusal = (status: number, error: string) => {
    const answer: FakeAnswer = { status, body: { error } }
    return { kind: 'answer', answer } as const
  }

  it('moves one address with one request', async () => {
    await rig.seed(aaaa(300, '2001:db8::1'))
    const result = await rig.provider.apply(place, to(aaaa(300, '2001:db8::2')))
    expect(result).toEqual({ outcomes: [{ kind: 'updated' }], writes: 1 })
  })

  it.each([
    ['another TTL', [300, '2001:db8::1'], [60, '2001:db8::1'], 2],
    ['another TTL and another address', [300, '2001:db8::1'], [60, '2001:db8::2'], 2],
    ['one address of two', [300, '2001:db8::1', '2001:db8::2'], [300, '2001:db8::3'], 3],
    ['both addresses', [300, '::1', '::2'], [300, '::3', '::4'], 4],
  ] as const)('adds before it removes for %s', async (_, [oldTtl, ...old], [ttl, ...values], n) => {
    await rig.seed(aaaa(oldTtl, ...old))
    expect(await rig.provider.apply(place, to(aaaa(ttl, ...values)))).toEqual({
      outcomes: [{ kind: 'updated' }],
      writes: n,
    })
    expect(await rig.look(aaaa(ttl))).toEqual({ ttl, values })
    expect(await rig.provider.apply(place, to(aaaa(ttl, ...values)))).toMatchObject({ writes: 0 })
  })

  it('removes the double of a record that a change of the TTL has left', async () => {
    const changes = to(aaaa(60, '2001:db8::1'))
    await rig.seed(aaaa(300, '2001:db8::1'))
    rig.inject({ on: 'write', skip: 1, times: 1, fault: refusal(406, 'no') })
    const [outcome] = (await rig.provider.apply(place, changes)).outcomes
    expect(outcome).toMatchObject({ kind: 'failed', error: { kind: 'partial' } })
    expect(await rig.provider.apply(place, changes)).toMatchObject({ writes: 1 })
    expect(await rig.look(aaaa(60))).toEqual({ ttl: 60, values: ['2001:db8::1'] })
  })

  it('reads again when an entry is no longer the only one, or no longer there', async () => {
    await rig.seed(aaaa(300, '2001:db8::1'))
    rig.beforeNextWrite(() => rig.seed(aaaa(300, '2001:db8::7', '2001:db8::8')))
    expect(await rig.provider.apply(place, to(aaaa(300, '2001:db8::2')))).toMatchObject({
      outcomes: [{ kind: 'updated' }],
    })
    expect(await rig.look(aaaa(300))).toEqual({ ttl: 300, values: ['2001:db8::2'] })
  })

  it('tries again later while changes are switched off', async () => {
    const fault = refusal(403, 'DNS Entry changes have temporarily been disabled')
    rig.inject({ on: 'write', times: 9, fault })
    const [outcome] = (await rig.provider.apply(place, to(aaaa(300, '::1')))).outcomes
    expect(outcome).toMatchObject({ kind: 'failed', error: { kind: 'transient' } })
  })

  it('takes a name that cannot be a domain for none of its zones', async () => {
    const fault = refusal(406, "This is not a valid domain name: 'www.example.test'")
    await rig.provider.read(place, [{ name, type: 'A' }])
    rig.inject({ on: 'read', times: 1, fault })
    expect(await rig.provider.findZone(name)).toEqual(place)
  })

  it('asks for one token, and for another when that is not taken any more', async () => {
    const keys = [{ name, type: 'A' as const }]
    await Promise.all([1, 2, 3].map(() => rig.provider.read(place, keys)))
    expect(fake.tokens()).toBe(1)
    fake.revoke()
    await expect(rig.provider.read(place, keys)).rejects.toMatchObject({ kind: 'auth' })
    expect(await rig.provider.read(place, keys)).toEqual([null])
    expect(fake.tokens()).toBe(2)
  })

  it('waits when the limit of the account is reached, also before a token is given out', async () => {
    const headers = { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': '1769861100' }
    const answer = { ...refusal(429, 'Too many requests').answer, headers }
    rig.inject({ on: 'read', times: 9, fault: { kind: 'answer', answer } })
    await expect(rig.provider.findZone(name)).rejects.toMatchObject({
      kind: 'rate-limited',
      retryAfterMs: 300_000,
    })
    expect(rig.requests()).toBe(1)
  })

  it.each([
    ['that cannot sign', transipSettings.privateKey.replace(/MII/, 'XXX'), 0],
    ['of an account of another name', transipSettings.privateKey, 1],
  ])('calls a key %s by its name, and does not show it', async (_, privateKey, requests) => {
    const settings = { ...transipSettings, privateKey, login: requests === 0 ? 'alice' : 'bob' }
    const other = createHttpRig(transip, settings, fake)
    const attempt = other.provider.findZone(name)
    await expect(attempt).rejects.toMatchObject({ kind: 'auth' })
    await expect(attempt).rejects.not.toThrow(privateKey.slice(60, 80))
    expect(other.requests()).toBe(requests)
  })
})
