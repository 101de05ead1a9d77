import { describe, expect, it } from 'vitest'
import { ZONE } from '../../fakes/test-cloud.ts'
import { aaaa, api, type TestCloud, www } from './app-checks.ts'
import { crashEverywhere } from './crashing-cloud.ts'

const BAD = '2001:db8::bad'

/** Enough for every lease to end and every report to be taken up. */
async function passes(cloud: TestCloud, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    cloud.clock.ms += 60_000
    await cloud.pass()
  }
}

async function kindsOf(cloud: TestCloud) {
  return (await cloud.entries()).map(({ kind }) => kind)
}

async function expectNothingLeft(cloud: TestCloud): Promise<void> {
  expect(await cloud.repository.unfinished(0, 10)).toEqual([])
  expect(await cloud.repository.pending(ZONE)).toEqual([])
  const kinds = await kindsOf(cloud)
  const count = (wanted: string) => kinds.filter((kind) => kind === wanted).length
  expect(count('applied')).toBe(count('report'))
}

describe('a cloud that is killed, or fails, at any call', () => {
  it.each(['test', 'another process'])(
    'between a report and its end, whose agent never comes back: %s finishes it in one pass',
    async (holder) => {
      const struck = await crashEverywhere(
        {
          prepare: async (cloud) => {
            const agent = await cloud.addAgent('home')
            await agent.report({
              records: [aaaa(www, '2001:db8:1::1'), aaaa(api, '2001:db8:1::2')],
            })
            return agent.sign(agent.reportOf({ records: [aaaa(www, '2001:db8:1::9')] }))
          },
          act: (cloud, jws) => cloud.post('/v1/reports', jws),
          settle: async (cloud) => {
            await passes(cloud, 1)
            await expectNothingLeft(cloud)
            const isLogged = (await kindsOf(cloud)).filter((kind) => kind === 'report').length === 2
            const values = isLogged
              ? [['2001:db8:1::9'], undefined]
              : [['2001:db8:1::1'], ['2001:db8:1::2']]
            for (const { values: at } of [cloud.dns, cloud.second]) {
              expect([at(www), at(api)]).toEqual(values)
            }
          },
        },
        { holder },
      )
      expect(struck).toBeGreaterThanOrEqual(28)
    },
  )

  it('of a pass that ends reports, repairs drift and flushes: the next one finishes', async () => {
    const struck = await crashEverywhere(
      {
        prepare: async (cloud) => {
          const [home, office] = [await cloud.addAgent('home'), await cloud.addAgent('office')]
          await home.report()
          cloud.second.faults.push({ kind: 'transient', hasWritten: false })
          await office.report({ records: [aaaa(api, '2001:db8:1::2')] })
          cloud.dns.seed({ name: www, type: 'AAAA', ttl: 60, values: [BAD] })
          cloud.clock.ms += 60_000
        },
        act: (cloud) => cloud.pass(),
        settle: async (cloud) => {
          await passes(cloud, 2)
          await expectNothingLeft(cloud)
          for (const { values } of [cloud.dns, cloud.second]) {
            expect([values(www), values(api)]).toEqual([['2001:db8:1::1'], ['2001:db8:1::2']])
          }
          expect((await kindsOf(cloud)).filter((kind) => kind === 'drift')).toHaveLength(1)
        },
      },
      { holder: 'another process' },
    )
    expect(struck).toBeGreaterThanOrEqual(60)
  })
})
