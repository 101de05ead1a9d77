import { afterAll, beforeAll, expect, it } from 'vitest'
import { createNodeDns } from '../../cloud/dns/verify/node-dns.ts'
import { verifyRRsets, type Wanted } from '../../cloud/dns/verify/verify-rrsets.ts'
import { parseName } from '../../shared/rrset.ts'
import { describeServer, nsupdate } from './update-rig.ts'
import { startBind, startKnot, type UpdateServer } from './update-server.ts'

const ZONE = parseName('example.test')
const NEEDED = { named: 'bind9', knotd: 'knot', nsupdate: 'bind9-dnsutils' }
const www = { name: parseName('www.example.test'), type: 'AAAA' } as const

describeServer('what name servers serve', NEEDED, () => {
  let first: UpdateServer
  let second: UpdateServer
  beforeAll(async () => {
    ;[first, second] = await Promise.all([startBind(), startKnot()])
  })
  afterAll(async () => {
    await Promise.all([first?.stop(), second?.stop()])
  })

  const put = (server: UpdateServer, ...values: readonly string[]) =>
    nsupdate(server, [
      `update delete ${www.name} AAAA`,
      ...values.map((value) => `update add ${www.name} 60 AAAA ${value}`),
    ])
  async function check(wanted: Wanted) {
    const known = [first, second].map(({ port }, i) => ({
      ...{ name: `ns${i + 1}`, addresses: [{ host: '127.0.0.1', port }] },
    }))
    const dns = createNodeDns(new Map([[ZONE, known]]))
    const [found] = await verifyRRsets([wanted], await dns.nameServers(ZONE), dns)
    return found
  }

  it('is live, lags, or was overwritten', async () => {
    const wanted = { ...www, values: ['2001:db8::1', '2001:db8::2'] }
    await Promise.all([put(first, '2001:db8::1'), put(second, '2001:db8::1')])
    await put(first, '2001:db8::2', '2001:db8::1')
    expect((await check(wanted))?.state).toEqual({ kind: 'lagging', servers: ['ns2'] })
    await put(second, '2001:db8::1', '2001:db8::2')
    expect((await check(wanted))?.state).toEqual({ kind: 'live' })
    await Promise.all([put(first, '2001:db8::bad'), put(second, '2001:db8::bad')])
    const state = { kind: 'overwritten', values: ['2001:db8::bad'] }
    expect((await check(wanted))?.state).toEqual(state)
  })

  it('tells a name without such records from one that is not there, and both are absent', async () => {
    const host = { name: parseName('ns1.example.test'), type: 'AAAA' } as const
    const nobody = { name: parseName('nobody.example.test'), type: 'AAAA' } as const
    for (const one of [host, nobody]) {
      expect((await check({ ...one, values: null }))?.state).toEqual({ kind: 'live' })
    }
  })

  it('has texts of several parts and of any letters whole', async () => {
    const text = { name: parseName('txt.example.test'), type: 'TXT' } as const
    const long = 'é'.repeat(200)
    for (const server of [first, second]) {
      await nsupdate(server, [
        `update add ${text.name} 60 TXT "${'é'.repeat(100)}" "${'é'.repeat(100)}"`,
      ])
    }
    expect((await check({ ...text, values: [long] }))?.state).toEqual({ kind: 'live' })
  })

  it('says why a server does not tell', async () => {
    const foreign = { name: parseName('www.other.test'), type: 'AAAA' } as const
    expect(await check({ ...foreign, values: null })).toMatchObject({
      state: { kind: 'lagging', servers: ['ns1', 'ns2'] },
      answers: [
        { server: 'ns1', served: { kind: 'unknown', reason: 'refuses to answer' } },
        { server: 'ns2', served: { kind: 'unknown' } },
      ],
    })
    await second.halt()
    const halted = await check({ ...www, values: ['2001:db8::bad'] })
    await second.resume()
    expect(halted).toMatchObject({
      state: { kind: 'lagging', servers: ['ns2'] },
      answers: [
        {},
        { served: { kind: 'unknown', reason: expect.stringMatching(/listens|answer/) } },
      ],
    })
  })
})
