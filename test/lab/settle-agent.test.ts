import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AgentProcess, prepareAgent } from './agent-process.ts'
import { inNamespace, tryRun } from './command.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES } from './harness.ts'
import { pageOf } from './image.ts'
import { createLab, type Lab } from './lab.ts'
import { usable } from './router.ts'
import { createScene, NETWORK, RUNNING, SUBNETS } from './settle-scene.ts'

const { p1, p2, p3 } = PREFIXES
const THIRD = '2001:db8:3:3:5::/80'
const SETUP_TIMEOUT_MS = 120_000

describeLab('an agent that settles at once', () => {
  let lab: Lab
  let agent: AgentProcess

  beforeAll(async () => {
    lab = await createLab({ containers: 0 })
    await createScene(lab.home.docker.api)
    // Not enrolled: it renumbers all the same.
    agent = await prepareAgent(lab, { cloud: 'https://cloud.invalid', docker: { settle: 'now' } })
    await lab.router.announce([usable(p1)])
    await agent.start()
    await agent.event('made', ({ event }) => event === 'made')
  }, SETUP_TIMEOUT_MS)
  afterAll(async () => {
    await agent?.stop()
    lab?.close()
  })

  async function subnets(): Promise<readonly string[]> {
    const { IPAM } = Object(await lab.home.docker.api.call('GET', `/networks/${NETWORK}`))
    return Object(IPAM.Config).map(({ Subnet }: { Subnet: string }) => Subnet)
  }

  async function pids(): Promise<readonly number[]> {
    const { api } = lab.home.docker
    const all = RUNNING.map((name) => api.call('GET', `/containers/${name}/json`))
    return (await Promise.all(all)).map((one) => Object(one).State.Pid)
  }

  async function expectEverybodyAt(subnet: string): Promise<void> {
    expect(await subnets()).toContain(subnet)
    for (const name of RUNNING.filter((one) => one !== 'follower')) {
      const said = Object(await lab.home.docker.api.call('GET', `/containers/${name}/json`))
      const address: string = said.NetworkSettings.Networks[NETWORK].GlobalIPv6Address
      expect(address.startsWith(subnet.split('::')[0] ?? '-')).toBe(true)
      // A stranger first: the host asking would make its neighbour entry for them.
      for (const place of [lab.namespaces.client, lab.namespaces.home]) {
        await waitFor(`the page of ${name} at ${address} from ${place}`, () =>
          hasPage(place, address, name),
        )
      }
    }
  }

  async function hasPage(place: string, address: string, name: string): Promise<true | undefined> {
    // Not wget's own -T: Debian 12's busybox ends with a segmentation fault there.
    const argv = ['timeout', '2', 'busybox', 'wget', '-qO-', `http://[${address}]/`]
    const { stdout } = await tryRun(inNamespace(place, argv))
    return stdout.includes(pageOf(name)) ? true : undefined
  }

  it('is reached from outside before anything is settled', async () => {
    await expectEverybodyAt(SUBNETS[0])
  })

  it('makes first, then settles, and leaves the processes alone', async () => {
    const before = await pids()
    const seen = agent.events.length
    await lab.router.announce([usable(p2)])
    const settled = await agent.event('settled', ({ event }) => event === 'settled', seen)
    const order = agent.events.slice(seen).map(({ event }) => event)
    expect(order.indexOf('made')).toBeGreaterThanOrEqual(0)
    expect(order.indexOf('made')).toBeLessThan(order.indexOf('settling'))
    expect(settled.fields).toMatchObject({ network: NETWORK, to: SUBNETS[1] })
    await expectEverybodyAt(SUBNETS[1])
    expect(await pids()).toEqual(before)
  })

  it('is finished by the next start when the agent is killed in the middle', async () => {
    const before = await pids()
    const seen = agent.events.length
    await lab.router.announce([usable(p3)])
    await agent.event('settling', ({ event }) => event === 'settling', seen)
    await agent.kill()
    const again = agent.events.length
    await agent.start()
    await waitFor(
      'the new subnet',
      async () => {
        const now: readonly string[] = await subnets().catch(() => [])
        return now.includes(THIRD) ? true : undefined
      },
      { timeoutMs: 30_000, intervalMs: 100 },
    )
    await agent.event('settled', ({ event }) => event === 'settled', again)
    await expectEverybodyAt(THIRD)
    expect(await pids()).toEqual(before)
  })
})
