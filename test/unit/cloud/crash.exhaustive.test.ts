import { describe, expect, it } from 'vitest'
import { decodeBase64, encodeBase64 } from '../../../shared/base64.ts'
import { parseVkey } from '../../../shared/checkpoint.ts'
import { parseJoin } from '../../../shared/join.ts'
import { generateSigningKey, signEnrolment } from '../../../shared/jws.ts'
import {
  verifyEnrolmentReceipt,
  verifyReceipt,
  verifyRotationReceipt,
} from '../../../shared/receipt.ts'
import type { Report } from '../../../shared/report.ts'
import { signRotation } from '../../../shared/rotation.ts'
import { parseName } from '../../../shared/rrset.ts'
import { CLOUD_URL } from '../../fakes/test-cloud.ts'
import { aaaa, api, type TestCloud, www } from './app-checks.ts'
import { type Course, crashEverywhere, postUntilDone } from './crashing-cloud.ts'

type Agent = Awaited<ReturnType<TestCloud['addAgent']>>

async function countOf(cloud: TestCloud, kind: string, mark: string): Promise<number> {
  const entries = await cloud.entries()
  return entries.filter((one) => one.kind === kind && JSON.stringify(one).includes(mark)).length
}

/** The answer proves an entry that the store really has at that place. */
async function expectInLog(cloud: TestCloud, index: number, entry: unknown): Promise<void> {
  const [row] = await cloud.repository.rows([index])
  expect(JSON.parse(row?.entry ?? '')).toEqual(entry)
}

/** A report whose answer must come in the end, whatever went wrong during it. */
function reporting(
  before: (agent: Agent) => Promise<unknown>,
  change: Partial<Report>,
): Course<{ agent: Agent; report: Report; jws: string }> {
  return {
    prepare: async (cloud) => {
      const agent = await cloud.addAgent('home')
      await before(agent)
      const report = agent.reportOf(change)
      return { agent, report, jws: await agent.sign(report) }
    },
    act: (cloud, { jws }) => cloud.post('/v1/reports', jws),
    settle: async (cloud, { agent, report, jws }) => {
      const body = await (await postUntilDone(cloud, '/v1/reports', jws)).json()
      const witness = { size: report.log.size, root: decodeBase64(report.log.root) }
      const verifiers = [await parseVkey(cloud.signer.vkey)]
      const { entry, index } = await verifyReceipt(body, { verifiers, witness, jws })
      await expectInLog(cloud, index, entry)
      expect(entry.outcomes.every(({ outcome }) => outcome !== 'failed')).toBe(true)
      expect(await countOf(cloud, 'report', jws)).toBe(1)
      expect(await countOf(cloud, 'applied', entry.digest)).toBe(1)
      for (const { name, values } of report.records) {
        expect([cloud.dns.values(name), cloud.second.values(name)]).toEqual([values, values])
      }
      // The host goes on, with what it has seen by now.
      const later = cloud.createAgent('home', agent.key, agent.witness())
      const next = await later.report({ seq: report.seq + 1 })
      expect(next.response.status).toBe(200)
    },
  }
}

const nothing = async (): Promise<void> => undefined
const twoNames = { records: [aaaa(www, '2001:db8:1::1'), aaaa(api, '2001:db8:1::2')] }

describe('a cloud that crashes at any call, while', () => {
  const courses: readonly [string, (agent: Agent) => Promise<unknown>, Partial<Report>, number][] =
    [
      ['a first report comes', nothing, {}, 40],
      [
        'a later report comes, its key and the last row at hand',
        (agent: Agent) => agent.report(twoNames),
        { records: [aaaa(www, '2001:db8:1::9'), aaaa(api, '2001:db8:1::2')] },
        28,
      ],
      [
        'a name is withdrawn',
        (agent: Agent) => agent.report(twoNames),
        { records: [aaaa(api, '2001:db8:1::2')] },
        28,
      ],
    ]
  it.each(courses)('%s: is made good by the same bytes', async (_, before, change, calls) => {
    expect(await crashEverywhere(reporting(before, change))).toBeGreaterThanOrEqual(calls)
  })

  it('a report is denied: denies the same bytes, once in the log', async () => {
    const struck = await crashEverywhere({
      prepare: async (cloud) => {
        const agent = await cloud.addAgent('home')
        const records = [aaaa(parseName('mail.example.org'), '2001:db8:1::1')]
        return agent.sign(agent.reportOf({ records }))
      },
      act: (cloud, jws) => cloud.post('/v1/reports', jws),
      settle: async (cloud, jws) => {
        const response = await postUntilDone(cloud, '/v1/reports', jws)
        const { code, index } = Object(await response.json())
        expect([response.status, code]).toEqual([403, 'POLICY_NAME'])
        await expectInLog(cloud, index, (await cloud.entries())[index])
        expect(await countOf(cloud, 'denied', jws)).toBe(1)
        expect(cloud.dns.applied()).toBe(0)
      },
    })
    expect(struck).toBeGreaterThanOrEqual(16)
  })

  it('reports of several hosts come at once: makes each good', async () => {
    const names = [0, 1, 2].map((i) => parseName(`h${i}.home.example.org`))
    const struck = await crashEverywhere({
      prepare: async (cloud) => {
        const agents = await Promise.all(names.map((_, i) => cloud.addAgent(`host-${i}`)))
        const reports = agents.map((agent, i) =>
          agent.sign(
            agent.reportOf({ records: names.slice(i, i + 1).map((n) => aaaa(n, '2001:db8:1::1')) }),
          ),
        )
        return Promise.all(reports)
      },
      act: (cloud, reports) => Promise.all(reports.map((jws) => cloud.post('/v1/reports', jws))),
      settle: async (cloud, reports) => {
        for (const [i, jws] of reports.entries()) {
          expect((await postUntilDone(cloud, '/v1/reports', jws)).status).toBe(200)
          expect(await countOf(cloud, 'report', jws)).toBe(1)
          expect(cloud.dns.values(names[i] ?? '')).toEqual(['2001:db8:1::1'])
        }
        expect(await countOf(cloud, 'applied', '')).toBe(3)
      },
    })
    expect(struck).toBeGreaterThanOrEqual(30)
  })

  it('a key is enrolled: enrols it once, and gives the proof', async () => {
    const struck = await crashEverywhere({
      prepare: async (cloud) => {
        const { join } = await cloud.addHost('home')
        const { key } = await generateSigningKey()
        return { key, jws: await signEnrolment(parseJoin(join), key, 1) }
      },
      act: (cloud, { jws }) => cloud.post('/v1/enroll', jws),
      settle: async (cloud, { key, jws }) => {
        const response = await postUntilDone(cloud, '/v1/enroll', jws)
        const verifiers = [await parseVkey(cloud.signer.vkey)]
        const expected = { verifiers, kid: key.kid }
        const { entry, index } = await verifyEnrolmentReceipt(await response.json(), expected)
        await expectInLog(cloud, index, entry)
        expect(await countOf(cloud, 'enroll', key.kid)).toBe(1)
        expect((await cloud.createAgent('home', key).report()).response.status).toBe(200)
      },
    })
    expect(struck).toBeGreaterThanOrEqual(12)
  })

  it('a key is replaced: replaces it once, and one of the two always speaks for the host', async () => {
    const struck = await crashEverywhere({
      prepare: async (cloud) => {
        const agent = await cloud.addAgent('home')
        await agent.report()
        const { key: successor } = await generateSigningKey()
        const { size, root } = agent.witness()
        const jws = await signRotation(
          { host: 'home', log: { size, root: encodeBase64(root) } },
          { key: agent.key, successor },
          { url: `${CLOUD_URL}/v1/rotate`, iat: Math.floor(cloud.clock.ms / 1000) },
        )
        return { agent, successor, jws }
      },
      act: (cloud, { jws }) => cloud.post('/v1/rotate', jws),
      settle: async (cloud, { agent, successor, jws }) => {
        const speaks = (await cloud.repository.host('home'))?.key?.kid
        expect([agent.key.kid, successor.kid]).toContain(speaks)
        const response = await postUntilDone(cloud, '/v1/rotate', jws)
        const { entry, index } = await verifyRotationReceipt(await response.json(), {
          verifiers: [await parseVkey(cloud.signer.vkey)],
          witness: agent.witness(),
          ...{ host: 'home', kid: agent.key.kid, successor: successor.kid },
        })
        await expectInLog(cloud, index, entry)
        expect(await countOf(cloud, 'rotate', successor.kid)).toBe(1)
        const seq = cloud.clock.ms + 1000
        const after = cloud.createAgent('home', successor, agent.witness())
        expect((await after.report({ seq })).response.status).toBe(200)
        const former = cloud.createAgent('home', agent.key, agent.witness())
        expect((await former.report({ seq: seq + 1 })).body).toMatchObject({ code: 'KEY_REVOKED' })
      },
    })
    expect(struck).toBeGreaterThanOrEqual(12)
  })
})
