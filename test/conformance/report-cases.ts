import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { parseVkey } from '../../shared/checkpoint.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { generateSigningKey } from '../../shared/jws.ts'
import { EMPTY_ROOT } from '../../shared/merkle.ts'
import { verifyEnrolmentReceipt, verifyRotationReceipt } from '../../shared/receipt.ts'
import { parseName } from '../../shared/rrset.ts'
import { waitFor } from '../lab/deadline.ts'
import type { Client, World } from './client.ts'

const MOVED = { current: parsePrefix('2001:db8:2::/64'), cause: 'flash' } as const
/** Longer than a request waits for DNS. */
const SLOW_MS = 2500
/** More reports than a runtime has instances. */
const MANY = 8

/** What hosts do: enrol, report, ask again, replace their key. */
export function describeReports(
  { post, operate, invite, addAgent, report, lookAt }: Client,
  world: () => World,
): void {
  it('enrols a host with a proof, once', async () => {
    const { jws, agent } = await invite('enrolled')
    const first = await post('/v1/enroll', jws)
    expect(first.status, first.text).toBe(200)
    const verifiers = [await parseVkey(world().vkey)]
    const { kid } = agent.key
    const { result } = await verifyEnrolmentReceipt(first.body, { verifiers, kid })
    expect(result).toMatchObject({ host: 'enrolled', names: ['enrolled.example.test'] })
    expect((await post('/v1/enroll', jws)).body).toEqual(first.body)
  })

  it('writes what a report claims, and proves it', async () => {
    const agent = await addAgent('reporting')
    const first = await report(agent)
    expect(first.answer.status, first.answer.text).toBe(200)
    await agent.verify(first.jws, first.answer.body)
    expect(lookAt('reporting')).toEqual({ ttl: 60, values: ['2001:db8:1::1'] })
    const records = [
      {
        name: parseName('reporting.example.test'),
        type: 'AAAA' as const,
        values: ['2001:db8:2::1'],
      },
    ]
    const moved = await report(agent, { prefix: MOVED, records })
    const { entry } = await agent.verify(moved.jws, moved.answer.body)
    expect(entry.outcomes).toMatchObject([{ outcome: 'updated', values: ['2001:db8:2::1'] }])
    expect(lookAt('reporting')?.values).toEqual(['2001:db8:2::1'])
  })

  it('does not ask a service with each report what it calls a zone', async () => {
    const agent = await addAgent('returning')
    const { api } = world().dns
    const [reads, writes] = [api.reads(), api.writes()]
    const name = parseName('returning.example.test')
    const moves = Array.from({ length: MANY }, (_, i) => `2001:db8:1::${i + 1}`)
    for (const address of moves) {
      const records = [{ name, type: 'AAAA' as const, values: [address] }]
      const { answer } = await report(agent, { records })
      expect(answer.status, answer.text).toBe(200)
    }
    expect(api.writes() - writes).toBe(MANY)
    // What is there now is read each time; what a zone is called, by each instance at most.
    expect(api.reads() - reads).toBeLessThan(2 * MANY)
  })

  it('answers the same bytes alike, with no effect', async () => {
    const agent = await addAgent('repeating')
    const { jws, answer } = await report(agent)
    const writes = world().dns.api.writes()
    expect((await post('/v1/reports', jws)).body).toEqual(answer.body)
    expect(world().dns.api.writes()).toBe(writes)
  })

  it('finishes a report whose DNS failed at first', async () => {
    const agent = await addAgent('retried')
    const fault = { kind: 'answer', answer: world().dns.errorAnswer(503, 'busy') } as const
    world().dns.api.inject({ on: 'write', fault, times: 100 })
    const { jws, answer } = await report(agent)
    expect(answer.status, answer.text).toBe(202)
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    world().dns.api.clearFaults()
    const again = await post('/v1/reports', jws)
    expect(again.status, again.text).toBe(200)
    await agent.verify(jws, again.body)
    expect(lookAt('retried')?.values).toEqual(['2001:db8:1::1'])
  })

  it('finishes in the scheduled pass what nobody asks for again', async () => {
    const agent = await addAgent('left')
    const fault = { kind: 'answer', answer: world().dns.errorAnswer(503, 'busy') } as const
    world().dns.api.inject({ on: 'write', fault, times: 100 })
    expect((await report(agent)).answer.status).toBe(202)
    world().dns.api.clearFaults()
    expect(lookAt('left')).toBeNull()
    // A service that was busy is left alone for a while, by a pass too: the next one finds it well.
    const values = await waitFor('a pass to write it', async () => {
      await world().cloud.pass()
      return lookAt('left')?.values
    })
    expect(values).toEqual(['2001:db8:1::1'])
  })

  it('lets DNS that takes longer than the answer come to its end', async () => {
    const agent = await addAgent('slow')
    world().dns.api.beforeNextWrite(() => sleep(SLOW_MS))
    const { jws, answer } = await report(agent)
    expect(answer.status, answer.text).toBe(202)
    await waitFor('the records, without another request', () => lookAt('slow')?.values)
    const again = await post('/v1/reports', jws)
    expect(again.status, again.text).toBe(200)
    await agent.verify(jws, again.body)
  })

  it('takes many reports at once, and loses none', async () => {
    const hosts = ['one', 'two', 'three', 'four', 'five', 'six'].map((host) => `burst-${host}`)
    const agents = await Promise.all(hosts.map((host) => addAgent(host)))
    const answers = await Promise.all(agents.map((agent) => report(agent)))
    for (const [position, { jws, answer }] of answers.entries()) {
      let last = answer
      for (let round = 0; last.status === 202 && round < 20; round++) {
        last = await post('/v1/reports', jws)
      }
      expect(last.status, last.text).toBe(200)
      await agents[position]?.verify(jws, last.body)
    }
    expect(hosts.map((host) => lookAt(host)?.values)).toEqual(hosts.map(() => ['2001:db8:1::1']))
  })

  it('refuses a sequence that is not above the last one', async () => {
    const agent = await addAgent('stale')
    const old = agent.reportOf()
    await report(agent)
    const answer = await post('/v1/reports', await agent.sign(old))
    expect(answer).toMatchObject({ status: 409, body: { code: 'SEQUENCE_STALE' } })
  })

  it('gives a nonce to a host whose clock is wrong, and takes it', async () => {
    const agent = await addAgent('late')
    const claim = agent.reportOf()
    const asked = await post('/v1/reports', await agent.sign(claim, { iat: 1_000_000 }))
    expect(asked).toMatchObject({ status: 401, body: { code: 'USE_NONCE' } })
    const nonce = String(asked.body.nonce)
    const jws = await agent.sign(claim, { iat: 1_000_000, nonce })
    const answer = await post('/v1/reports', jws)
    expect(answer.status, answer.text).toBe(200)
    await agent.verify(jws, answer.body)
  })

  it('refuses what the policy does not permit', async () => {
    const agent = await addAgent('modest')
    const records = [
      { name: parseName('other.example.test'), type: 'AAAA' as const, values: ['2001:db8:1::1'] },
    ]
    const { answer } = await report(agent, { records })
    expect(answer).toMatchObject({ status: 403, body: { code: 'POLICY_NAME' } })
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
  })

  it('replaces a key, and takes one away', async () => {
    const agent = await addAgent('rotating')
    const { key: successor } = await generateSigningKey()
    const rotated = await post('/v1/rotate', await agent.rotation(successor))
    expect(rotated.status, rotated.text).toBe(200)
    await verifyRotationReceipt(rotated.body, {
      verifiers: [await parseVkey(world().vkey)],
      witness: { size: 0, root: EMPTY_ROOT },
      host: 'rotating',
      kid: agent.key.kid,
      successor: successor.kid,
    })
    expect((await report(agent)).answer).toMatchObject({ body: { code: 'KEY_REVOKED' } })
    const next = agent.withKey(successor)
    expect((await report(next)).answer.status).toBe(200)
    expect((await operate('/v1/admin/hosts/rotating/revoke', 'POST')).status).toBe(200)
    expect((await report(next)).answer).toMatchObject({ body: { code: 'KEY_REVOKED' } })
  })
}
