import { expect } from 'vitest'
import { ProviderError } from '../../../../cloud/domain/dns-provider.ts'
import { verifyLog } from '../../../../cloud/log/verify-log.ts'
import { copyStore } from '../../../fakes/copy-store.ts'
import { startTestCloud } from '../../../fakes/test-cloud.ts'
import { kinds, type TestCloud } from '../app-checks.ts'
import { claim, type Scene, type TestAgent } from './attack.ts'

/** An attack by whoever holds the store, or the log's key, or a provider: each has its own signs. */
export interface Trial {
  readonly row: string
  /** Path-like. */
  readonly name: string
  readonly run: (scene: Scene) => Promise<void>
}

const CHANGED = 'an entry changed, dropped or inserted'
const SPLIT = 'another history shown to another host'
const CUT = 'the end of the log cut off'

async function run(cloud: TestCloud, sql: string, ...args: (number | string)[]): Promise<void> {
  await cloud.store.batch([{ sql, args }])
}

async function findingsOf(cloud: TestCloud) {
  return (await verifyLog(await cloud.exportLines(), { vkeys: [cloud.signer.vkey] })).findings
}

/** A running cloud does not go on over an end of its log that is not the one it wrote. */
async function expectStopped(cloud: TestCloud, agent: TestAgent): Promise<void> {
  const [entries, written] = [await cloud.entries(), cloud.dns.written()]
  const { response, body } = await agent.report(claim('www.example.org'))
  expect(response.status).toBe(503)
  expect(body).toMatchObject({ code: 'LOG_ALTERED' })
  expect(await cloud.entries()).toEqual(entries)
  expect(cloud.dns.written()).toBe(written)
}

/** The cloud started anew on what is in the store, and the agents as they were. */
async function restart({ cloud, home, thief }: Scene) {
  const { store, signer } = cloud
  const again = await startTestCloud({}, { store, signer })
  again.clock.ms = cloud.clock.ms + 60_000
  const meet = ({ host, key, witness }: TestAgent) => again.createAgent(host, key, witness())
  return { cloud: again, home: meet(home), thief: meet(thief) }
}

/** The host refuses the answer, and keeps what it has seen. */
async function expectRefused(agent: TestAgent): Promise<void> {
  const witness = agent.witness()
  await expect(agent.report()).rejects.toMatchObject({ code: 'RECEIPT_INVALID' })
  expect(agent.witness()).toEqual(witness)
}

function altered(name: string, sql: string): Trial[] {
  return [
    {
      row: CHANGED,
      name: `log/${name}/while-the-cloud-runs`,
      run: async ({ cloud, home }) => {
        await run(cloud, sql)
        await expectStopped(cloud, home)
      },
    },
    {
      row: CHANGED,
      name: `log/${name}/found-by-audit-verify`,
      run: async ({ cloud }) => {
        expect(await findingsOf(cloud)).toEqual([])
        await run(cloud, sql)
        expect(await findingsOf(cloud)).not.toEqual([])
      },
    },
  ]
}

const LAST = '(SELECT max(i) FROM log)'
const SECRET = 'cf-token-3f9a71c04e'

/** A provider whose fault quotes the credential that it was called with. */
function leaking(name: string, fault: () => Error, code: string): Trial {
  return {
    row: 'a provider’s error text that quotes its credential',
    name,
    run: async ({ cloud, home }) => {
      cloud.second.provider.apply = async () => {
        throw fault()
      }
      const { jws, response } = await home.report(claim('www.example.org', '2001:db8:1::2'))
      const again = await cloud.post('/v1/reports', jws)
      expect([response.status, again.status]).toEqual([200, 200])
      const text = await again.text()
      expect(text).toContain(`"kind":"${code}"`)
      const read = await cloud.app.request('/v1/log/entries', { headers: cloud.adminHeaders })
      const told = [text, await read.text(), JSON.stringify(await cloud.exportLines())]
      for (const each of told) expect(each).not.toContain(SECRET)
    },
  }
}

/** Attacks on the log by those who could rewrite it, and on what is told. */
export const TRIALS: readonly Trial[] = [
  ...altered(
    'entry-changed',
    `UPDATE log SET body = replace(body, 'T12', 'T13') WHERE i = ${LAST}`,
  ),
  ...altered('hash-changed', `UPDATE log SET leaf = zeroblob(32) WHERE i = ${LAST}`),
  ...altered(
    'edge-changed',
    `UPDATE log SET frontier = zeroblob(length(frontier)) WHERE i = ${LAST}`,
  ),
  ...altered('last-dropped-and-another-moved', `UPDATE log SET i = ${LAST} + 1 WHERE i = ${LAST}`),
  {
    row: CHANGED,
    name: 'log/entry-dropped',
    run: async ({ cloud }) => {
      await run(cloud, 'DELETE FROM log WHERE i = 3')
      expect((await findingsOf(cloud))[0]).toMatchObject({ index: 4 })
    },
  },
  {
    row: SPLIT,
    name: 'log/fork',
    run: async (scene) => {
      const { cloud, home, thief } = scene
      const store = await copyStore(cloud.store)
      await home.report()
      const fork = await restart({ cloud: { ...cloud, store }, home, thief })
      // The other history has grown as far as the first one, without what the host did in it.
      await fork.thief.report(claim('thief.example.org'))
      await expectRefused(fork.home)
      const [finding] = await findingsOf(fork.cloud)
      expect(finding?.message).toMatch(/home has seen another log/)
    },
  },
  {
    row: CUT,
    name: 'log/truncation/while-the-cloud-runs',
    run: async ({ cloud, home }) => {
      await run(cloud, `DELETE FROM log WHERE i = ${LAST}`)
      await expectStopped(cloud, home)
    },
  },
  {
    row: CUT,
    name: 'log/truncation/before-a-start',
    run: async (scene) => {
      await scene.home.report()
      await run(scene.cloud, `DELETE FROM log WHERE i > ${LAST} - 2`)
      const { cloud, home } = await restart(scene)
      await expectRefused(home)
      expect((await findingsOf(cloud)).map(({ message }) => message)).toEqual([
        expect.stringMatching(/more than the log had: it was cut off/),
      ])
      expect(cloud.lines.filter(({ fields }) => fields.event === 'rollback')).toHaveLength(1)
    },
  },
  {
    row: CUT,
    name: 'log/rollback-to-a-backup',
    run: async (scene) => {
      const { cloud, home, thief } = scene
      const store = await copyStore(cloud.store)
      await home.report()
      const before = await restart({ cloud: { ...cloud, store }, home, thief })
      await expectRefused(before.home)
      // The names of the host are put right all the same, with an entry before it.
      expect((await kinds(before.cloud)).slice(-2)).toEqual(['report', 'applied'])
      expect(await findingsOf(before.cloud)).not.toEqual([])
    },
  },
  leaking('leak/error-of-a-library', () => new Error(`401 for Bearer ${SECRET}`), 'protocol'),
  leaking(
    'leak/cause-of-a-fault',
    () => new ProviderError('auth', 'not permitted', { cause: new Error(SECRET) }),
    'auth',
  ),
]
