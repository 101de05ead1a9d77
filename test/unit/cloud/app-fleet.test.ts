import { describe, expect, it } from 'vitest'
import { parseVkey } from '../../../shared/checkpoint.ts'
import { verifyEnrolmentReceipt } from '../../../shared/receipt.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'
import { expectIntact, kinds } from './app-checks.ts'

describe('an enrolment', () => {
  it('gives a proof that verifies, and what the host may claim', async () => {
    const cloud = await startTestCloud()
    const { join } = await cloud.addHost('home')
    const { key, body } = await cloud.enrol(join)
    const verifiers = [await parseVkey(cloud.signer.vkey)]
    const proven = await verifyEnrolmentReceipt(body, { verifiers, kid: key.kid })
    expect(proven.result).toMatchObject({ host: 'home', prefixes: ['2001:db8::/32'] })
  })

  it('answers the same key again, and no other key', async () => {
    const cloud = await startTestCloud()
    const { join } = await cloud.addHost('home')
    const { jws, body } = await cloud.enrol(join)
    expect(await (await cloud.post('/v1/enroll', jws)).json()).toEqual(body)
    expect((await cloud.enrol(join)).body).toMatchObject({ status: 403, code: 'TOKEN_USED' })
    expect(await kinds(cloud)).toEqual(['genesis', 'policy', 'enroll'])
  })

  it.each([false, true])('survives a store that fails, having stored: %s', async (hasStored) => {
    const cloud = await startTestCloud()
    const { join } = await cloud.addHost('home')
    cloud.commitFaults.push({ entry: '"kind":"enroll"', hasStored })
    const { jws, response } = await cloud.enrol(join)
    expect(response.status).toBe(503)
    expect((await cloud.post('/v1/enroll', jws)).status).toBe(200)
    expect(await kinds(cloud)).toEqual(['genesis', 'policy', 'enroll'])
  })

  it('is won by one of two keys that race for a token', async () => {
    const cloud = await startTestCloud()
    const { join } = await cloud.addHost('home')
    const answers = await Promise.all([cloud.enrol(join), cloud.enrol(join), cloud.enrol(join)])
    expect(answers.map(({ response }) => response.status).sort()).toEqual([200, 403, 403])
  })

  it('is refused after its time, and with a join string that a later one replaced', async () => {
    const cloud = await startTestCloud()
    const { join: early } = await cloud.addHost('home')
    cloud.clock.ms += 25 * 3_600_000
    expect((await cloud.enrol(early)).body).toMatchObject({ code: 'TOKEN_EXPIRED' })
    cloud.clock.ms -= 25 * 3_600_000
    const headers = cloud.adminHeaders
    await cloud.app.request('/v1/admin/hosts/home/revoke', { method: 'POST', headers })
    const { join: late } = await cloud.addHost('home')
    expect((await cloud.enrol(early)).body).toMatchObject({ code: 'TOKEN_INVALID' })
    expect((await cloud.enrol(late)).response.status).toBe(200)
    await expectIntact(cloud)
  })
})

describe('the operator', () => {
  it('is let in by the token only', async () => {
    const cloud = await startTestCloud()
    for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${cloud.deps.adminToken}`]) {
      for (const path of ['/v1/admin/hosts', '/v1/admin/hosts/home', '/v1/log/entries']) {
        const response = await cloud.app.request(path, { headers: { authorization } })
        expect(response.status).toBe(401)
        expect(await response.json()).toMatchObject({ code: 'UNAUTHORIZED' })
      }
    }
  })

  it('cannot add a host twice, nor one with a policy that says nothing sensible', async () => {
    const cloud = await startTestCloud()
    expect((await cloud.addHost('home')).response.status).toBe(201)
    expect((await cloud.addHost('home')).body).toMatchObject({ status: 409, code: 'HOST_EXISTS' })
    const faulty = [{ names: [] }, { names: ['-'] }, { prefixes: ['2001:db8::1/32'] }, { other: 1 }]
    for (const policy of faulty) {
      const { body } = await cloud.addHost('office', policy)
      expect(body).toMatchObject({ status: 400, code: 'REQUEST_INVALID' })
    }
  })

  it('changes parts of a policy, which is logged and holds from the next report on', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    const init = { method: 'PATCH', headers: cloud.adminHeaders }
    const body = JSON.stringify({ names: ['mail.example.org'] })
    const response = await cloud.app.request('/v1/admin/hosts/home', { ...init, body })
    expect(await response.json()).toMatchObject({
      policy: { names: ['mail.example.org'], prefixes: ['2001:db8::/32'] },
    })
    expect((await agent.report()).body).toMatchObject({ code: 'POLICY_NAME' })
    await expectIntact(cloud)
  })
})

describe('the rest', () => {
  it('tells an IPv4 peer on a dual-stack socket its IPv4 address', async () => {
    const cloud = await startTestCloud()
    const response = await cloud.app.request('/v1/whoami')
    expect(await response.json()).toEqual({ address: '192.0.2.7' })
  })

  it('gives every answer a request id and every unknown path a problem', async () => {
    const cloud = await startTestCloud()
    const response = await cloud.app.request('/v2/reports')
    expect(response.headers.get('x-request-id')).toBe('request-1')
    expect(await response.json()).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    expect((await cloud.app.request('/healthz')).status).toBe(200)
  })

  it('keeps the text of its own faults to itself', async () => {
    const cloud = await startTestCloud({
      peerAddress: () => {
        throw new Error('secret inside')
      },
    })
    const response = await cloud.app.request('/v1/whoami')
    expect(response.status).toBe(500)
    expect(response.headers.get('x-request-id')).toBe('request-1')
    expect(await response.text()).not.toContain('secret inside')
    expect(cloud.lines.some(({ message }) => message.includes('secret inside'))).toBe(true)
  })
})
