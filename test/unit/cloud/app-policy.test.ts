import { describe, expect, it } from 'vitest'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { parseName } from '../../../shared/rrset.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'
import { aaaa, api, expectIntact, type TestCloud, www } from './app-checks.ts'

const OFFICE = '2001:db8:2::/64'
const SHARED = { names: ['www.example.org', 'api.example.org'], shared: ['www.example.org'] }

/** A report of the office, whose prefix is another. */
const fromOffice = (...values: string[]) => ({
  prefix: { current: parsePrefix(OFFICE), cause: 'flash' as const },
  records: values.length === 0 ? [] : [aaaa(www, ...values)],
})
const fromHome = (...values: string[]) => ({
  records: values.length === 0 ? [] : [aaaa(www, ...values)],
})

async function change(cloud: TestCloud, host: string, policy: object) {
  const init = { method: 'PATCH', headers: cloud.adminHeaders, body: JSON.stringify(policy) }
  const response = await cloud.app.request(`/v1/admin/hosts/${host}`, init)
  return { status: response.status, body: Object(await response.json()) }
}

describe('a name that two hosts share', () => {
  async function twoHosts(home: object = SHARED, office: object = SHARED) {
    const cloud = await startTestCloud()
    return {
      cloud,
      home: await cloud.addAgent('home', { ...home }),
      office: await cloud.addAgent('office', { ...office }),
      values: () => cloud.dns.values('www.example.org'),
    }
  }

  it('has the addresses of both, and each changes only its own', async () => {
    const { cloud, home, office, values } = await twoHosts()
    await home.report(fromHome('2001:db8:1::1'))
    await office.report(fromOffice('2001:db8:2::1', '2001:db8:2::2'))
    expect(values()).toEqual(['2001:db8:1::1', '2001:db8:2::1', '2001:db8:2::2'])
    await home.report(fromHome('2001:db8:1::9'))
    expect(values()).toEqual(['2001:db8:1::9', '2001:db8:2::1', '2001:db8:2::2'])
    await office.report(fromOffice('2001:db8:2::2'))
    expect(values()).toEqual(['2001:db8:1::9', '2001:db8:2::2'])
    await expectIntact(cloud)
  })

  it('keeps those of the other when one leaves, and goes with the last one', async () => {
    const { cloud, home, office, values } = await twoHosts()
    await home.report(fromHome('2001:db8:1::1'))
    await office.report(fromOffice('2001:db8:2::1'))
    await home.report(fromHome())
    expect(values()).toEqual(['2001:db8:2::1'])
    await office.report(fromOffice())
    expect(values()).toBeUndefined()
    // It belongs to nobody now.
    const third = await cloud.addAgent('third')
    expect((await third.report(fromHome('2001:db8:1::3'))).response.status).toBe(200)
    await expectIntact(cloud)
  })

  it('no longer has those of a revoked host once the other reports', async () => {
    const { cloud, home, office, values } = await twoHosts()
    await home.report(fromHome('2001:db8:1::1'))
    await office.report(fromOffice('2001:db8:2::1'))
    await cloud.post('/v1/admin/hosts/home/revoke', '', cloud.adminHeaders)
    expect(values()).toEqual(['2001:db8:1::1', '2001:db8:2::1'])
    await office.report(fromOffice('2001:db8:2::3'))
    expect(values()).toEqual(['2001:db8:2::3'])
    await expectIntact(cloud)
  })

  it.each([
    ['only-the-first-shares', SHARED, {}],
    ['only-the-second-shares', {}, SHARED],
    ['neither-shares', {}, {}],
    ['another-name-is-shared', { ...SHARED, shared: ['api.example.org'] }, SHARED],
  ])('needs both policies to say so: %s', async (_, first, second) => {
    const { cloud, home, office, values } = await twoHosts(first, second)
    await home.report(fromHome('2001:db8:1::1'))
    expect((await office.report(fromOffice('2001:db8:2::1'))).body).toMatchObject({
      code: 'NAME_OWNED',
    })
    expect(values()).toEqual(['2001:db8:1::1'])
    await expectIntact(cloud)
  })

  it('is shared by wildcards too, name by name', async () => {
    const policy = { names: ['*.home.example.org'], shared: ['*.home.example.org'] }
    const { cloud, home, office } = await twoHosts(policy, policy)
    const one = parseName('one.home.example.org')
    await home.report({ records: [aaaa(one, '2001:db8:1::1')] })
    await office.report({ ...fromOffice(), records: [aaaa(one, '2001:db8:2::1')] })
    expect(cloud.dns.values('one.home.example.org')).toEqual(['2001:db8:1::1', '2001:db8:2::1'])
    await expectIntact(cloud)
  })

  it('can come to be shared later, and address twice is once', async () => {
    const { cloud, home, office, values } = await twoHosts({}, {})
    await home.report(fromHome('2001:db8:1::1'))
    const shared = ['www.example.org']
    await change(cloud, 'home', { shared, values: ['2001:db8:9::/48'] })
    await change(cloud, 'office', { shared, values: ['2001:db8:9::/48'] })
    await home.report(fromHome('2001:db8:1::1', '2001:db8:9::1'))
    await office.report(fromOffice('2001:db8:2::1', '2001:db8:9::1'))
    expect(values()).toEqual(['2001:db8:1::1', '2001:db8:2::1', '2001:db8:9::1'])
    await expectIntact(cloud)
  })
})

describe('values outside the reported prefix', () => {
  it.each([
    ['aaaa/not-permitted', {}, aaaa(www, '2001:db8:7::1'), 'POLICY_VALUE'],
    ['aaaa/permitted', { values: ['2001:db8:7::/48'] }, aaaa(www, '2001:db8:7::1'), undefined],
    ['aaaa/beside-it', { values: ['2001:db8:7::/48'] }, aaaa(www, '2001:db8:8::1'), 'POLICY_VALUE'],
    ['aaaa/ula-by-all', { values: ['::/0'] }, aaaa(www, 'fd00::1'), 'POLICY_VALUE'],
    ['aaaa/ula-by-itself', { values: ['fd00::/8'] }, aaaa(www, 'fd00::1'), undefined],
    ['aaaa/loopback-by-all', { values: ['::/0'] }, aaaa(www, '::1'), 'POLICY_VALUE'],
    ['a/private', {}, { name: www, type: 'A', values: ['10.0.0.1'] }, 'POLICY_VALUE'],
    [
      'a/private-permitted',
      { values: ['10.0.0.0/8'] },
      { name: www, type: 'A', values: ['10.0.0.1'] },
      undefined,
    ],
    [
      'a/loopback-by-all',
      { values: ['0.0.0.0/0'] },
      { name: www, type: 'A', values: ['127.0.0.1'] },
      'POLICY_VALUE',
    ],
  ] as const)('%s', async (_, policy, record, code) => {
    const cloud = await startTestCloud()
    const types = ['A', 'AAAA']
    const agent = await cloud.addAgent('home', { types, ...policy })
    const { body } = await agent.report({ records: [{ ...record, values: [...record.values] }] })
    expect(body.code).toBe(code)
    await expectIntact(cloud)
  })
})

describe('the TTL', () => {
  it.each([
    [{}, 60],
    [{ minTtl: 300 }, 300],
    [{ maxTtl: 20 }, 20],
    [{ minTtl: 30, maxTtl: 90 }, 60],
  ])('of the zone within %j is %i', async (policy, ttl) => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home', policy)
    await agent.report({ records: [aaaa(api, '2001:db8:1::1')] })
    const [row] = await cloud.repository.desired([{ name: api, type: 'AAAA' }])
    expect(row?.set?.ttl).toBe(ttl)
  })

  it('has bounds in the right order', async () => {
    const cloud = await startTestCloud()
    await cloud.addAgent('home', { maxTtl: 100 })
    const { status, body } = await change(cloud, 'home', { minTtl: 200 })
    expect(status).toBe(400)
    expect(body.detail).toContain('minTtl above its maxTtl')
  })
})
