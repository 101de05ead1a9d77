import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { netcup } from '../../../../cloud/dns/hosted/netcup.ts'
import { parseName, type RRset } from '../../../../shared/rrset.ts'
import { createHttpRig, type HttpRig } from '../../../fakes/dns/hosted-rig.ts'
import { createNetcupFake, netcupSettings } from '../../../fakes/dns/netcup.ts'

describe('netcup', () => {
  let fake: Awaited<ReturnType<typeof createNetcupFake>>
  let rig: HttpRig
  beforeEach(async () => {
    fake = await createNetcupFake()
    rig = createHttpRig(netcup, netcupSettings, fake)
  })
  afterEach(() => rig.close())

  const name = parseName('www.example.test')
  const set: RRset = { name, type: 'AAAA', ttl: 300, values: ['2001:db8::1'] }
  const changes = [{ name, type: set.type, set }]
  const place = { name: parseName('example.test'), id: 'example.test' }
  const refusal = (statuscode: number, longmessage: string) => ({
    kind: 'answer' as const,
    answer: { status: 200, body: { status: 'error', statuscode, longmessage } },
  })

  it('logs in once for what belongs together, and out after it', async () => {
    const before = rig.requests()
    const { outcomes } = await rig.provider.apply(place, changes)
    expect(outcomes).toEqual([{ kind: 'created' }])
    // login, infoDnsRecords, updateDnsRecords, logout
    expect(rig.requests() - before).toBe(4)
    expect(fake.sessions()).toBe(0)
  })

  it('shares a session between what happens at the same time', async () => {
    const key = { name, type: 'AAAA' } as const
    const before = rig.requests()
    await Promise.all([1, 2, 3].map(() => rig.provider.read(place, [key])))
    expect(rig.requests() - before).toBe(5)
    expect(fake.sessions()).toBe(0)
  })

  it('does not log in when there is nothing to do', async () => {
    await rig.provider.apply(place, [])
    expect(rig.requests()).toBe(0)
  })

  it('logs out also when something went wrong', async () => {
    rig.inject({ on: 'write', times: 1, fault: refusal(4013, 'Validation Error.') })
    const { outcomes } = await rig.provider.apply(place, changes)
    expect(outcomes).toMatchObject([{ kind: 'failed', error: { kind: 'invalid' } }])
    expect(fake.sessions()).toBe(0)
  })

  it('is not troubled when it cannot log out', async () => {
    rig.inject({ on: 'read', skip: 2, times: 1, fault: refusal(9999, 'not now') })
    const { outcomes } = await rig.provider.apply(place, changes)
    expect(outcomes).toEqual([{ kind: 'created' }])
  })

  it('logs in again when the service has forgotten the session, which it does', async () => {
    const fault = refusal(4001, 'The session id is not in a valid format.')
    rig.inject({ on: 'read', skip: 1, times: 1, fault })
    rig.inject({ on: 'write', times: 1, fault })
    const { outcomes } = await rig.provider.apply(place, changes)
    expect(outcomes).toEqual([{ kind: 'created' }])
    expect(await rig.look(set)).toMatchObject({ values: set.values })
  })

  it.each([
    [4013, 'Too many error messages, please check your commands.'],
    [4013, 'More than 180 requests per minute. Please wait and retry later.'],
  ])('waits when it has asked too much, told as %i: %s', async (code, text) => {
    rig.inject({ on: 'read', times: 100, fault: refusal(code, text) })
    const before = rig.requests()
    await expect(rig.provider.findZone(name)).rejects.toMatchObject({
      kind: 'rate-limited',
      retryAfterMs: 30_000,
    })
    expect(rig.requests() - before).toBe(1)
  })

  it('tells wrong credentials from invalid records, and shows none', async () => {
    const password = 'wrong-password-0123456789'
    const { provider, requests, close } = createHttpRig(
      netcup,
      { ...netcupSettings, password },
      await createNetcupFake(),
    )
    try {
      const attempt = provider.findZone(name)
      await expect(attempt).rejects.toMatchObject({ kind: 'auth' })
      await expect(attempt).rejects.toThrow(/^(?!.*wrong-password).*check customer, apiKey/)
      expect(requests()).toBe(1)
    } finally {
      await close()
    }
  })

  it('changes nothing for another TTL, as records have none', async () => {
    await rig.provider.apply(place, changes)
    const slower = [{ name, type: set.type, set: { ...set, ttl: 3600 } }]
    expect(await rig.provider.apply(place, slower)).toMatchObject({
      outcomes: [{ kind: 'unchanged' }],
      writes: 0,
    })
  })
})
