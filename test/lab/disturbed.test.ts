import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { inNamespace, run } from './command.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES, sharedHome, untilSeen } from './harness.ts'
import { addressBelow, restartsBetween } from './renumbering.ts'
import { usable } from './router.ts'

const { p2, p3, p4, p5 } = PREFIXES
const SECOND = { name: 'second', bridge: 'br-second', suffix: '::2:0:0:0/80' } as const

describeLab('renumbering on a host where other things happen', () => {
  const home = sharedHome()
  const onHost = (...argv: string[]) => run(inNamespace(home().lab.namespaces.home, argv))
  const stateFile = (name: string) =>
    readFile(join(home().lab.directory.path, 'agent/state', name), 'utf8')

  async function expectConverged() {
    await waitFor('a plan without changes', async () =>
      (await home().agent.command(['plan'])).code === 0 ? true : undefined,
    )
  }

  it.each([
    ['before the decision', 'observed', p2],
    ['between two stages', 'step', p3],
    ['before the receipt', 'report-sent', p4],
  ])('converges when it is killed %s', async (_when, event, prefix) => {
    const { lab, agent } = home()
    const seen = agent.events.length
    await lab.router.announce([usable(prefix)])
    await agent.event(event, (each) => each.event === event, seen, { intervalMs: 1 })
    await agent.kill()
    await agent.start()
    for (const container of lab.containers) {
      await untilSeen(home(), container.domain, addressBelow(prefix, container))
    }
    await agent.event('receipt', (each) => each.event === 'receipt', seen)
    await expectConverged()
    const journal = (await stateFile('journal.ndjson')).trim().split('\n')
    expect(journal.map((line) => JSON.parse(line).stage)).toContain('begin')
  })

  it('keeps its chain first when Docker is restarted', async () => {
    const { lab, watched } = home()
    const lives = await lab.home.lives(lab.containers)
    await lab.home.docker.stop()
    await lab.home.docker.start()
    // Docker 27 and newer leave a chain to users, ahead of their own rules.
    const chains = await onHost('ip6tables', '-S')
    const hook = chains.includes('-N DOCKER-USER') ? 'DOCKER-USER' : 'FORWARD'
    await waitFor(`the jump at the top of ${hook}`, async () =>
      (await onHost('ip6tables', '-S', hook)).split('\n')[1]?.endsWith('-j REPREFIX')
        ? true
        : undefined,
    )
    await untilSeen(home(), watched.domain, addressBelow(p4, watched))
    expect(restartsBetween(lives, await lab.home.lives(lab.containers))).toBe(0)
  })

  it('finds the bridge of a network that is made anew under the same name', async () => {
    const { lab, watched } = home()
    await lab.home.recreateNetwork(lab.containers)
    await untilSeen(home(), watched.domain, addressBelow(p4, watched))
    await expectConverged()
  })

  it('takes away everything of a network that is dropped from the settings', async () => {
    const { lab, agent, watched } = home()
    const { api } = lab.home.docker
    await api.call('POST', '/networks/create', {
      Name: SECOND.name,
      Driver: 'bridge',
      EnableIPv6: true,
      IPAM: { Config: [{ Subnet: '172.30.6.0/24' }, { Subnet: 'fd00:5eed:1:1:2::/80' }] },
      Options: { 'com.docker.network.bridge.name': SECOND.bridge },
    })
    await api.call('POST', `/networks/${SECOND.name}/connect`, { Container: watched.name })
    const traces = async () => {
      const [life] = await lab.home.lives([watched])
      const inside = ['nsenter', '-t', `${life?.pid}`, '-n', 'ip', '-6', 'address', 'show']
      const ndppd = await readFile(join(lab.directory.path, 'ndppd.conf'), 'utf8')
      return {
        addresses: (await run(inside)).includes('2001:db8:4:4:2:'),
        routes: (await onHost('ip', '-6', 'route', 'show', 'dev', SECOND.bridge)).includes('2001:'),
        proxy: ndppd.includes(SECOND.bridge),
        firewall: (await onHost('ip6tables', '-S', 'REPREFIX')).includes(SECOND.bridge),
      }
    }
    const settings = await readFile(agent.configuration, 'utf8')
    const { docker, ...others } = parse(settings)
    const networks = { [SECOND.name]: SECOND.suffix }
    const restartWith = async (text: string) => {
      await agent.stop()
      await writeFile(agent.configuration, text)
      await agent.start()
      await expectConverged()
    }
    await restartWith(stringify({ ...others, docker: { ...docker, networks } }))
    const all = { addresses: true, routes: true, proxy: true, firewall: true }
    expect(await traces()).toEqual(all)
    await restartWith(settings)
    expect(await traces()).toEqual({
      addresses: false,
      routes: false,
      proxy: false,
      firewall: false,
    })
    await untilSeen(home(), watched.domain, addressBelow(p4, watched))
  })

  it('has its key replaced while it runs, and while it does not', async () => {
    const { lab, agent, watched } = home()
    const kid = async () => {
      const { code, stdout, stderr } = await agent.command(['rotate', '--json'])
      expect(stderr).toBe('')
      expect(code).toBe(0)
      return String(JSON.parse(stdout).kid)
    }
    const first = await kid()
    await agent.stop()
    const second = await kid()
    expect(second).not.toBe(first)
    await agent.start()
    await lab.router.announce([usable(p5)])
    await untilSeen(home(), watched.domain, addressBelow(p5, watched))
    const { host } = JSON.parse((await agent.command(['status', '--json'])).stdout)
    const shown = await home().cloud.operate(['host', 'show', host, '--json'])
    expect(JSON.parse(shown.stdout).key.kid).toBe(second)
  })

  it('leaves a log that verifies', async () => {
    expect((await home().cloud.verifyAudit()).ok).toBe(true)
  })
})
