import { describe, expect, it } from 'vitest'
import { parseName } from '../../../shared/rrset.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'
import { aaaa } from './app-checks.ts'

describe('the routes', () => {
  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('take no %s of a report', async (method) => {
    const cloud = await startTestCloud()
    for (const path of ['/v1/reports', '/v1/enroll', '/v1/rotate']) {
      expect((await cloud.app.request(path, { method })).status).toBe(404)
    }
  })

  it('ignore what a header of a proxy says about the peer', async () => {
    const cloud = await startTestCloud()
    const headers = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' }
    const peer = await cloud.app.request('/v1/whoami', { headers })
    expect(await peer.json()).toEqual({ address: '192.0.2.7' })
  })

  it.each([
    '{"__proto__":{"names":["x.example.org"]}}',
    '{"constructor":1}',
    '{"names":null}',
    '[]',
    '{}',
    'null',
    `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
    'x',
  ])('refuse a change of policy such as %.40s', async (body) => {
    const cloud = await startTestCloud()
    await cloud.addHost('home')
    const init = { method: 'PATCH', headers: cloud.adminHeaders, body }
    const response = await cloud.app.request('/v1/admin/hosts/home', init)
    expect(await response.json()).toMatchObject({ status: 400, code: 'REQUEST_INVALID' })
    expect(await cloud.entries()).toHaveLength(2)
  })
})

describe('a name that no wildcard covers', () => {
  it.each([
    'example.org',
    '_acme-challenge.home.example.org',
    '_acme-challenge.a.home.example.org',
  ])('may be claimed where the policy has it by itself: %s', async (name) => {
    const cloud = await startTestCloud()
    const exact = await cloud.addAgent('exact', { names: [name] })
    const records = [aaaa(parseName(name), '2001:db8:1::9')]
    expect((await exact.report({ records })).response.status).toBe(200)
  })
})
