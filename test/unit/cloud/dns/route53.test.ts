import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { route53 } from '../../../../cloud/dns/hosted/route53.ts'
import type { Change } from '../../../../cloud/domain/dns-provider.ts'
import { parseName, type RRset } from '../../../../shared/rrset.ts'
import { createHttpRig, type HttpRig } from '../../../fakes/dns/hosted-rig.ts'
import { createRoute53Fake, route53Settings } from '../../../fakes/dns/route53.ts'

type Fake = Awaited<ReturnType<typeof createRoute53Fake>>

const change = (label: string, ...values: string[]): Change => {
  const name = parseName(`${label}.example.test`)
  const type = values[0]?.includes(':') ? 'AAAA' : 'A'
  return { name, type, set: { name, type, ttl: 60, values } }
}
const ENVELOPE = 'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"'
const xml = (status: number, body: string) => ({
  kind: 'answer' as const,
  answer: { status, body: `<?xml version="1.0"?>\n${body}` },
})
const error = (code: string, message: string) =>
  `<ErrorResponse ${ENVELOPE}><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`

let fake: Fake
let rig: HttpRig
beforeEach(async () => {
  fake = await createRoute53Fake()
  rig = createHttpRig(route53, route53Settings, fake)
})
afterEach(() => rig.close())

const apply = async (...changes: Change[]) =>
  rig.provider.apply(await rig.provider.findZone(rig.zone), changes)

describe('Route 53', () => {
  it('says nothing on its own', async () => {
    const warnings: Error[] = []
    const hear = (warning: Error) => void warnings.push(warning)
    process.on('warning', hear)
    await apply(change('www', '2001:db8::1'))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', hear)
    expect(warnings).toEqual([])
  })

  it('signs with the credentials of the environment where the settings have none', async () => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
    const restore = (name: string, value: string | undefined) => {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    process.env.AWS_ACCESS_KEY_ID = route53Settings.accessKeyId
    process.env.AWS_SECRET_ACCESS_KEY = route53Settings.secret
    try {
      const { provider } = createHttpRig(route53, { type: 'route53' }, fake)
      const { outcomes } = await provider.apply(await provider.findZone(rig.zone), [
        change('role', '2001:db8::1'),
      ])
      expect(outcomes).toMatchObject([{ kind: 'created' }])
    } finally {
      restore('AWS_ACCESS_KEY_ID', AWS_ACCESS_KEY_ID)
      restore('AWS_SECRET_ACCESS_KEY', AWS_SECRET_ACCESS_KEY)
    }
  })

  it('takes a key only with its secret', () => {
    const { secret: _, ...half } = route53Settings
    expect(v.safeParse(route53.settings, half).issues?.[0].message).toMatch(/or neither/)
  })

  it('asks for no zone where the settings have their ids', async () => {
    const zoneIds = { 'Example.Test.': 'Z0123456789ABC' }
    const { provider, requests } = createHttpRig(route53, { ...route53Settings, zoneIds }, fake)
    const zone = { name: 'example.test', id: 'Z0123456789ABC' }
    expect(await provider.findZone(rig.zone)).toEqual(zone)
    expect(await provider.findZone(parseName('www.example.test'))).toEqual(zone)
    await expect(provider.findZone(parseName('other.test'))).rejects.toMatchObject({
      kind: 'zone-not-found',
    })
    expect(requests()).toBe(0)
  })

  it.each(['/hostedzone/Z1', 'z1', ''])('takes %j for no id of a zone', (id) => {
    const zoneIds = { 'example.test': id }
    const { issues } = v.safeParse(route53.settings, { ...route53Settings, zoneIds })
    expect(issues?.[0].message).toBe('is not the ID of a hosted zone')
  })

  it('refuses a key whose secret is another one', async () => {
    const wrong = { ...route53Settings, secret: 'not-the-secret-of-this-key' }
    const { provider } = createHttpRig(route53, wrong, fake)
    await expect(provider.findZone(rig.zone)).rejects.toMatchObject({
      kind: 'auth',
      message: expect.stringMatching(/SignatureDoesNotMatch.*clock/),
    })
  })

  it('leaves aliases and routing policies alone, and writes the rest', async () => {
    const { outcomes, writes } = await apply(
      change('alias', '192.0.2.9'),
      change('near', '192.0.2.9'),
      change('www', '192.0.2.9'),
    )
    expect(outcomes).toMatchObject([
      { kind: 'failed', error: { kind: 'forbidden' } },
      { kind: 'failed', error: { kind: 'forbidden' } },
      { kind: 'created' },
    ])
    expect(writes).toBe(1)
    expect(fake.bystander()).toBe(true)
  })

  it('keeps the health check of a record that moves', async () => {
    await apply(change('checked', '192.0.2.4'))
    expect((await apply(change('checked', '192.0.2.3'))).outcomes).toEqual([{ kind: 'updated' }])
    expect(fake.bystander()).toBe(true)
  })

  it('tells when a change is served', async () => {
    const { receipt } = await apply(change('www', '192.0.2.9'))
    const states: unknown[] = []
    for (let poll = 0; poll < 3; poll += 1)
      states.push(await rig.provider.settled?.(receipt ?? { id: '' }))
    expect(states).toEqual(['pending', 'pending', 'live'])
  })

  it('parts what is too much for one request, and no more than that', async () => {
    const moved = Array.from({ length: 600 }, (_, i) => change(`n${i}`, `2001:db8:2::${i + 1}`))
    await apply(
      ...moved.map(({ name }, i) => change(name.split('.')[0] ?? '', `2001:db8:1::${i + 1}`)),
    )
    expect(await apply(...moved)).toMatchObject({ writes: 2 })
    expect(fake.sizes()).toEqual([600, 1000, 200])
    const long = Array.from({ length: 20 }, (_, i): Change => {
      const name = parseName(`t${i}.example.test`)
      const set: RRset = { name, type: 'TXT', ttl: 60, values: [`${i}`.padEnd(3000, 'x')] }
      return { name, type: 'TXT', set }
    })
    const { outcomes, writes } = await apply(...long)
    expect(outcomes).toEqual(long.map(() => ({ kind: 'created' })))
    expect(writes).toBe(2)
  })

  it('does not guess which of two public zones of one name is served', async () => {
    fake.twins()
    await expect(rig.provider.findZone(rig.zone)).rejects.toMatchObject({ kind: 'invalid' })
  })

  it('goes on behind sets with a routing policy where a page ends among them', async () => {
    fake.pageSize?.(1)
    const keys = ['www', 'zzz'].map((label) => change(label, '192.0.2.9'))
    for (const { set } of keys) if (set !== null) await rig.seed(set)
    const zone = await rig.provider.findZone(rig.zone)
    expect(await rig.provider.read(zone, keys)).toEqual(keys.map(({ set }) => set))
  })

  it.each([
    ['Throttling', 'Rate exceeded', 400, 'rate-limited', 1],
    ['PriorRequestNotComplete', 'still working on the last one', 400, 'conflict', 3],
    ['InvalidChangeBatch', '[Invalid Resource Record: x]', 400, 'invalid', 1],
    ['InvalidChangeBatch', '[Tried to create x but it already exists]', 400, 'conflict', 3],
    ['InvalidInput', 'no', 400, 'invalid', 1],
    ['RequestExpired', 'clock', 400, 'auth', 1],
    ['AccessDenied', 'not for you', 403, 'forbidden', 1],
    ['ServiceUnavailable', 'later', 503, 'transient', 3],
  ] as const)('takes %s (%s) with %i for %s', async (code, message, status, kind, most) => {
    rig.inject({ on: 'write', fault: xml(status, error(code, message)), times: 100 })
    const { outcomes, writes } = await apply(change('www', '2001:db8::1'))
    expect(outcomes).toMatchObject([{ error: { kind, message: expect.stringContaining(message) } }])
    expect(writes).toBe(most)
  })

  it('hears what the SDK drops: messages of a batch in its own form', async () => {
    const body = `<InvalidChangeBatch ${ENVELOPE}><Messages><Message>Tried to delete x but it was not found</Message></Messages></InvalidChangeBatch>`
    rig.inject({ on: 'write', fault: xml(400, body), times: 1 })
    expect(await apply(change('www', '2001:db8::1'))).toMatchObject({
      outcomes: [{ kind: 'created' }],
      writes: 2,
    })
  })

  it('waits for the next of its tokens when a read is throttled', async () => {
    rig.inject({ on: 'read', fault: xml(400, error('Throttling', 'Rate exceeded')), times: 2 })
    await rig.provider.findZone(rig.zone)
    expect(rig.waited()).toBe(2000)
  })
})
