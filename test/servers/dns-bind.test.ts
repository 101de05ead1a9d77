import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRfc2136Provider } from '../../cloud/dns/rfc2136.ts'
import { createTcpDialer } from '../../cloud/dns/tcp-dialer.ts'
import type { Change, ChangeOutcome } from '../../cloud/domain/dns-provider.ts'
import { parseName } from '../../shared/rrset.ts'
import { describeDnsProvider } from '../contract/dns-provider.ts'
import { describeServer, nsupdate, openUpdateRig, settingsFor } from './update-rig.ts'
import { type LabKey, startBind, type UpdateServer } from './update-server.ts'

const NEEDED = { named: 'bind9', nsupdate: 'bind9-dnsutils' }
const zone = { name: parseName('example.test'), id: 'example.test' }

describeServer('RFC 2136 at BIND', NEEDED, () => {
  describeDnsProvider('BIND', () => openUpdateRig(startBind))

  let server: UpdateServer
  beforeAll(async () => {
    server = await startBind()
  })
  afterAll(() => server?.stop())

  const provider = (key: LabKey, now = () => new Date()) =>
    createRfc2136Provider('lan', settingsFor(server, key), { now, dial: createTcpDialer(2000) })
  const put = (label: string, value = '2001:db8::1'): Change => {
    const name = parseName(`${label}.example.test`)
    return { name, type: 'AAAA', set: { name, type: 'AAAA', ttl: 60, values: [value] } }
  }
  const kinds = (outcomes: readonly ChangeOutcome[]) =>
    outcomes.map((one) => (one.kind === 'failed' ? one.error.kind : one.kind))
  const faultOf = (outcome: ChangeOutcome | undefined) =>
    outcome?.kind === 'failed' ? outcome.error : expect.unreachable('the change was accepted')

  it.each(['admin', 'narrow'] as const)(
    'takes the key %s with its own algorithm',
    async (which) => {
      const key = server[which]
      if (key === undefined) throw new Error('BIND has every key')
      const { outcomes } = await provider(key).apply(zone, [
        put('only', which === 'admin' ? '::1' : '::2'),
      ])
      expect(kinds(outcomes)[0]).toMatch(/created|updated/)
    },
  )

  it('lets the names pass that the key may change when one of the batch is refused', async () => {
    if (server.narrow === undefined) throw new Error('BIND has every key')
    const changes = [put('a1'), put('only', '2001:db8::5'), put('a2')]
    const { outcomes } = await provider(server.narrow).apply(zone, changes)
    expect(kinds(outcomes)).toEqual(['forbidden', 'updated', 'forbidden'])
  })

  it('calls a wrong secret, an unknown key and a wrong clock by their names', async () => {
    const wrong = { ...server.addresses, secret: Buffer.alloc(32).toString('base64') }
    const [bad] = (await provider(wrong).apply(zone, [put('x')])).outcomes
    expect(faultOf(bad)).toMatchObject({
      kind: 'auth',
      message: expect.stringMatching(/check its secret/),
    })
    expect(faultOf(bad).message).not.toContain(wrong.secret)
    const [unknown] = (
      await provider({ ...server.addresses, name: 'nobody' }).apply(zone, [put('x')])
    ).outcomes
    expect(faultOf(unknown)).toMatchObject({
      kind: 'forbidden',
      message: expect.stringMatching(/does not know the key nobody/),
    })
    const late = () => new Date(Date.now() - 3_600_000)
    const [clock] = (await provider(server.addresses, late).apply(zone, [put('x')])).outcomes
    expect(faultOf(clock)).toMatchObject({
      kind: 'auth',
      message: expect.stringMatching(/clocks.*there it is \d{4}-/),
    })
    await expect(provider(server.addresses, late).read(zone, [put('x')])).rejects.toMatchObject({
      kind: 'auth',
    })
  })

  it('refuses an alias and a delegated name, and writes the rest', async () => {
    const changes = [put('alias'), put('www.delegated'), put('fine')]
    const { outcomes } = await provider(server.addresses).apply(zone, changes)
    expect(kinds(outcomes)).toEqual(['invalid', 'zone-not-found', 'created'])
    expect(faultOf(outcomes[0]).message).toMatch(/alias\.example\.test is an alias/)
  })

  it('creates records below a wildcard alias, which is not the name itself', async () => {
    await nsupdate(server, ['update add *.wild.example.test 60 CNAME ns1.example.test.'])
    const { outcomes } = await provider(server.addresses).apply(zone, [put('www.wild')])
    expect(kinds(outcomes)).toEqual(['created'])
  })

  it('keeps the other parts of a TXT record that somebody wrote in pieces', async () => {
    const name = parseName('pieces.example.test')
    await nsupdate(server, [`update add ${name} 60 TXT "a" "b"`, `update add ${name} 60 TXT "c"`])
    const set = { name, type: 'TXT' as const, ttl: 60, values: ['ab', 'd'] }
    const { outcomes } = await provider(server.addresses).apply(zone, [{ name, type: 'TXT', set }])
    expect(kinds(outcomes)).toEqual(['updated'])
    expect(await provider(server.addresses).read(zone, [{ name, type: 'TXT' }])).toEqual([set])
  })

  it('moves a thousand RRsets in a handful of messages', async () => {
    const changes = Array.from({ length: 1000 }, (_, i) => put(`n${i}.bulk`))
    const first = await provider(server.addresses).apply(zone, changes)
    expect(new Set(kinds(first.outcomes))).toEqual(new Set(['created']))
    expect(first.writes).toBeLessThanOrEqual(4)
    expect((await provider(server.addresses).apply(zone, changes)).writes).toBe(0)
  })

  it('is transient while the server is away', async () => {
    const gone = await startBind()
    await gone.stop()
    const away = createRfc2136Provider('lan', settingsFor(gone, gone.addresses), {
      now: () => new Date(),
      dial: createTcpDialer(500),
    })
    expect(kinds((await away.apply(zone, [put('x')])).outcomes)).toEqual(['transient'])
  })
})
