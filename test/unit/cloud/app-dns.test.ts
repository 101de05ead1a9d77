import { describe, expect, it } from 'vitest'
import { ReprefixError } from '../../../shared/errors.ts'
import { parseName } from '../../../shared/rrset.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'

const www = { name: parseName('www.example.org'), type: 'AAAA' } as const
const VALUE = '2001:db8:1::1'

interface Answer {
  readonly zones: readonly {
    readonly changes?: readonly unknown[]
    readonly rrsets?: readonly unknown[]
  }[]
}

async function startWithReport() {
  const cloud = await startTestCloud()
  const agent = await cloud.addAgent('home')
  await agent.report()
  const get = async (path: string, headers: Record<string, string> = cloud.adminHeaders) => {
    const response = await cloud.app.request(`/v1/admin/dns/${path}`, { headers })
    return { status: response.status, body: (await response.json()) as Answer }
  }
  return { cloud, agent, get }
}

describe('the operator’s look at DNS', () => {
  it('plans nothing when every provider has what it shall have', async () => {
    const { get } = await startWithReport()
    const planned = (provider: string) => ({
      ...{ ...www, provider, action: 'unchanged', found: [VALUE], wanted: [VALUE] },
    })
    expect(await get('plan')).toEqual({
      status: 200,
      body: { zones: [{ zone: 'example.org', changes: [planned('first'), planned('second')] }] },
    })
  })

  it('plans what each provider lacks, has too much or has otherwise, and changes nothing', async () => {
    const { cloud, agent, get } = await startWithReport()
    cloud.dns.seed({ ...www, ttl: 60, values: ['2001:db8::bad'] })
    const writes = cloud.dns.written()
    const { body } = await get('plan?zone=example.org')
    expect(body.zones[0]?.changes).toMatchObject([
      { provider: 'first', action: 'update', found: ['2001:db8::bad'], wanted: [VALUE] },
      { provider: 'second', action: 'unchanged' },
    ])
    expect(cloud.dns.written()).toBe(writes)
    await agent.report({ records: [] })
    // What is withdrawn and gone may be somebody else's from now on.
    expect((await get('plan')).body.zones[0]?.changes).toEqual([])
  })

  it('says of a provider that cannot be read why, and reads the others', async () => {
    const { cloud, get } = await startWithReport()
    cloud.dns.failReads('the service is down')
    expect((await get('plan')).body.zones[0]?.changes).toMatchObject([
      { provider: 'first', action: 'unknown', fault: 'the service is down' },
      { provider: 'second', action: 'unchanged' },
    ])
  })

  it('says of a zone whose name servers cannot be found that it is so', async () => {
    const { cloud, get } = await startWithReport()
    const fault = new ReprefixError('DNS_LOOKUP', 'example.org is not delegated')
    cloud.served.dns.nameServers = () => Promise.reject(fault)
    expect(await get('check')).toMatchObject({
      status: 502,
      body: { code: 'DNS_LOOKUP', detail: 'example.org is not delegated' },
    })
  })

  it('tells what every name server serves', async () => {
    const { cloud, get } = await startWithReport()
    cloud.served.serve(www, [VALUE])
    const live = await get('check')
    expect(live.body.zones).toMatchObject([
      { zone: 'example.org', rrsets: [{ ...www, wanted: [VALUE], state: { kind: 'live' } }] },
    ])
    cloud.served.serve(www, { kind: 'unknown', reason: 'no answer' }, ['ns2.example.org'])
    expect((await get('check')).body.zones[0]?.rrsets).toMatchObject([
      {
        state: { kind: 'lagging', servers: ['ns2.example.org'] },
        answers: [
          { server: 'ns1.example.org', served: { kind: 'rrset', values: [VALUE] } },
          { server: 'ns2.example.org', served: { kind: 'unknown', reason: 'no answer' } },
        ],
      },
    ])
  })

  it('tells a name that a provider proxies from one that somebody else has written', async () => {
    const { cloud, get } = await startWithReport()
    const states = async () =>
      (await get('check')).body.zones[0]?.rrsets?.map((one) => Object(one).state.kind)
    cloud.served.serve(www, ['2001:db8:cafe::1'])
    expect(await states()).toEqual(['overwritten'])
    cloud.dns.proxy(www)
    expect(await states()).toEqual(['proxied'])
    cloud.served.serve(www, { kind: 'absent' }, ['ns2.example.org'])
    expect(await states()).toEqual(['lagging'])
    cloud.served.serve(www, ['2001:db8:cafe::1'])
    cloud.dns.seed({ ...www, ttl: 60, values: ['2001:db8::bad'] })
    expect(await states()).toEqual(['overwritten'])
    cloud.dns.seed({ ...www, ttl: 60, values: [VALUE] })
    cloud.dns.failReads('the service is down')
    expect(await states()).toEqual(['overwritten'])
    expect(cloud.lines.filter(({ message }) => message === 'the service is down')).toHaveLength(1)
  })

  it('is for the operator alone, and only of zones of this cloud', async () => {
    const { get } = await startWithReport()
    for (const path of ['plan', 'check']) {
      expect(await get(path, {})).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } })
      expect(await get(`${path}?zone=other.org`)).toMatchObject({
        status: 404,
        body: { code: 'NOT_FOUND', detail: expect.stringMatching(/there: example\.org/) },
      })
      expect(await get(`${path}?zone=-`)).toMatchObject({ status: 400 })
    }
  })
})
