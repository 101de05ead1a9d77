import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { contains, type Prefix, parseAddress, parsePrefix, splice } from '../../shared/ipv6.ts'
import { type AgentProcess, prepareAgent } from './agent-process.ts'
import { inNamespace, run } from './command.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES, sharedHome, untilSeen } from './harness.ts'
import type { Home } from './home.ts'
import { pageOf } from './image.ts'
import { createLab, type Lab } from './lab.ts'
import {
  addToRouter,
  BOTH,
  bridgeAddressBelow,
  createLanNetwork,
  createLanScene,
  insideAddresses,
  LAN,
  lanAddressBelow,
  lanObstacle,
  PRINTER,
  pageFromOutside,
  startOnLan,
} from './lan-scene.ts'
import { labObstacle } from './packages.ts'
import { deprecated, usable } from './router.ts'

const { p1, p2, p3, p4, p5 } = PREFIXES
const SETUP_TIMEOUT_MS = 60_000

/** Asks for the page at these addresses again and again, and tells which did not answer. */
async function watch({ lab }: Home, addresses: readonly string[]) {
  const lost: string[] = []
  let asked = 0
  const urls = addresses.map((one) => `http://${one.includes(':') ? `[${one}]` : one}/`)
  const script =
    'while :; do for u in "$@"; do timeout 3 busybox wget -q -O /dev/null $u && echo ok || echo $u; done; done'
  const daemon: Daemon = await startDaemon({
    name: 'watch',
    argv: inNamespace(lab.namespaces.client, ['sh', '-c', script, 'sh', ...urls]),
    logFile: join(lab.directory.path, 'watch.log'),
    onLine: (line) => {
      asked += 1
      if (line !== 'ok') lost.push(line)
    },
  })
  return {
    /** Waits until so many more requests were made. */
    asked: (more: number) => {
      const until = asked + more
      return waitFor(`${more} requests`, () => (asked >= until ? true : undefined), {
        hopeless: () => daemon.failure(),
        timeoutMs: 60_000,
      })
    },
    end: async () => {
      await daemon.stop('SIGKILL')
      return lost
    },
  }
}

function testsOn(driver: string): void {
  const home = sharedHome(1)
  const { api } = { api: () => home().lab.home.docker.api }

  beforeAll(async () => {
    await createLanScene(home(), driver)
  }, SETUP_TIMEOUT_MS)

  const life = async (name: string): Promise<{ Pid: number; StartedAt: string }> => {
    const { Pid, StartedAt } = Object(await api().call('GET', `/containers/${name}/json`)).State
    return { Pid, StartedAt }
  }
  const lives = () => Promise.all([PRINTER, BOTH].map(({ name }) => life(name)))
  const inside = async (name: string) => insideAddresses((await life(name)).Pid)
  const below = async (name: string, prefix: Prefix) =>
    (await inside(name)).filter(({ local }) => contains(prefix, parseAddress(local)))
  const page = (address: string) => pageFromOutside(home().lab, address)
  // The old addresses go a moment after the new ones are there.
  const untilDeprecated = (name: string, prefix: Prefix) =>
    waitFor(`${name} without a preferred address of ${prefix}`, async () => {
      const former = await below(name, prefix)
      return former.every(({ deprecated }) => deprecated) ? former : undefined
    })

  async function expectReached(prefix: Prefix): Promise<void> {
    await untilSeen(home(), PRINTER.domain, lanAddressBelow(prefix, PRINTER))
    for (const address of [lanAddressBelow(prefix, BOTH), bridgeAddressBelow(prefix)]) {
      await waitFor(`the page of both at ${address}`, async () => {
        return (await page(address)) === pageOf(BOTH.name) ? true : undefined
      })
    }
  }

  it('are reached by name from the internet, on the LAN and behind a bridge', async () => {
    await expectReached(p1)
    const { stdout } = await home().agent.command(['plan'])
    expect(stdout).toContain('nothing to do')
  })

  it.each([
    ['flash', p1, p2],
    ['planned', p2, p3],
  ] as const)('are renumbered without a loss: %s', async (cause, from, to) => {
    const { lab, agent } = home()
    const before = await lives()
    const kept = [PRINTER.ipv4, lanAddressBelow(from, PRINTER), lanAddressBelow(from, BOTH)]
    const watching = await watch(home(), kept)
    await watching.asked(30)
    const announced = cause === 'flash' ? [usable(to)] : [usable(to), deprecated(from)]
    const seen = agent.events.length
    const announcedAt = await lab.router.announce(announced)
    await agent.event('renumber', ({ event }) => event === 'renumber', seen)
    const made = await agent.event('made', ({ event }) => event === 'made', seen)
    // At the first asking: the router finds the container at once.
    expect(await page(lanAddressBelow(to, PRINTER))).toBe(pageOf(PRINTER.name))
    const ms = Math.round(made.time - announcedAt)
    process.stderr.write(`${driver}: ${cause}: made ${ms} ms after the announcement\n`)
    await expectReached(to)
    await watching.asked(30)
    expect(await watching.end()).toEqual([])
    expect(await lives()).toEqual(before)
    for (const { name } of [PRINTER, BOTH]) {
      const former = await untilDeprecated(name, from)
      expect(former.length).toBeGreaterThan(1)
      // What its own kernel has learnt from the router is there beside ours, and stays the kernel's.
      expect(former.some((one) => one.mngtmpaddr)).toBe(true)
      expect((await below(name, to)).some((one) => one.mngtmpaddr && !one.deprecated)).toBe(true)
    }
  })

  it('are in no route, neighbour rule or firewall rule of the host', async () => {
    const onHost = (...argv: string[]) => run(inNamespace(home().lab.namespaces.home, argv))
    expect(await onHost('ip', '-6', 'route', 'show', 'proto', '174')).not.toContain(':2::/80')
    expect(await onHost('ip6tables', '-S', 'REPREFIX')).not.toContain('::2:0:0:')
    const ndppd = await readFile(join(home().lab.directory.path, 'ndppd.conf'), 'utf8')
    expect(ndppd.match(/iface /g)).toHaveLength(1)
  })

  it('are said to be unfiltered, in the plan and by the doctor', async () => {
    const { agent } = home()
    const plan = await agent.command(['plan'])
    expect(plan.stdout).toContain(`problem   network ${LAN.network}: its containers are on the LAN`)
    expect(plan.code).toBe(0)
    const doctor = await agent.command(['doctor'])
    expect(doctor.stdout).toMatch(/warn +plan +network lan: .*packet filter sees none/)
    const status = await agent.command(['status'])
    expect(status.stdout).toContain(`network ${LAN.network}`)
  })

  it('have their address again after a restart', async () => {
    await api().call('POST', `/containers/${PRINTER.name}/restart?t=0`)
    await untilSeen(home(), PRINTER.domain, lanAddressBelow(p3, PRINTER))
  })

  it('are right after an agent that was killed in the middle', async () => {
    const { lab, agent } = home()
    const seen = agent.events.length
    await lab.router.announce([usable(p4)])
    await agent.event('step', ({ event }) => event === 'step', seen, { intervalMs: 1 })
    await agent.kill()
    await agent.start()
    await expectReached(p4)
    await untilDeprecated(PRINTER.name, p3)
  })

  it('keep nothing of a subnet that they had before the settings named another', async () => {
    const { lab, agent } = home()
    const suffix = '::3:0:0:0/80'
    const settings = parse(await readFile(agent.configuration, 'utf8'))
    await agent.stop()
    const docker = { ...settings.docker, networks: { [LAN.network]: suffix } }
    await writeFile(agent.configuration, stringify({ ...settings, docker }))
    await agent.start()
    const wanted = lanAddressBelow(p4, PRINTER, suffix)
    await untilSeen(home(), PRINTER.domain, wanted)
    const ours = async () =>
      (await below(PRINTER.name, p4)).filter((one) => !one.mngtmpaddr).map(({ local }) => local)
    await waitFor('the former address to go', async () => {
      return (await ours()).join() === wanted ? true : undefined
    })
    await lab.router.announce([usable(p5)])
    await untilSeen(home(), PRINTER.domain, lanAddressBelow(p5, PRINTER, suffix))
  })

  it('are forgotten with their network', async () => {
    const { lab, agent } = home()
    for (const { name } of [PRINTER, BOTH])
      await api().call('DELETE', `/containers/${name}?force=1`)
    const seen = agent.events.length
    await api().call('DELETE', `/networks/${LAN.network}`)
    const state = join(lab.directory.path, 'agent/state/state.json')
    await waitFor('the state without them', async () => {
      return (await readFile(state, 'utf8')).includes('"lan"') ? undefined : true
    })
    expect(agent.events.slice(seen).filter(({ event }) => event === 'pass-failed')).toEqual([])
  })
}

/** A network whose subnet at Docker is a global one, under an agent that settles at once. */
function settlesOn(driver: string): void {
  const [from, to] = [p1, p2].map((prefix) => ({
    subnet: parsePrefix(`${splice(prefix, parseAddress('::2:0:0:0'))}/80`),
    gateway: splice(prefix, parseAddress('::2:0:0:1')),
    address: splice(prefix, parseAddress('::2:0:0:65')),
  }))
  let lab: Lab
  let agent: AgentProcess

  beforeAll(async () => {
    if (!from || !to) throw new TypeError('two prefixes')
    lab = await createLab({ containers: 0 })
    await createLanNetwork(lab, driver, from)
    await addToRouter(lab, to.gateway)
    await startOnLan(lab, PRINTER, {
      [LAN.network]: { IPv4Address: PRINTER.ipv4, IPv6Address: from.address },
    })
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

  it('is made anew with the same parent, and its containers go on', async () => {
    if (!from || !to) throw new TypeError('two prefixes')
    const { api } = lab.home.docker
    const inspect = async () => Object(await api.call('GET', `/containers/${PRINTER.name}/json`))
    const network = async () => Object(await api.call('GET', `/networks/${LAN.network}`))
    const [{ State: before }, { Driver, Options, Labels }] = [await inspect(), await network()]
    const seen = agent.events.length
    await lab.router.announce([usable(p2)])
    await agent.event('settled', ({ event }) => event === 'settled', seen, { timeoutMs: 60_000 })
    const after = await network()
    expect(after).toMatchObject({ Driver, Options, Labels })
    expect(after.IPAM.Config).toContainEqual({ Subnet: to.subnet, Gateway: to.gateway })
    const { State, NetworkSettings } = await inspect()
    expect([State.Pid, State.StartedAt]).toEqual([before.Pid, before.StartedAt])
    expect(NetworkSettings.Networks[LAN.network].GlobalIPv6Address).toBe(to.address)
    for (const address of [to.address, PRINTER.ipv4]) {
      await waitFor(`the page at ${address}`, async () => {
        return (await pageFromOutside(lab, address)) === pageOf(PRINTER.name) ? true : undefined
      })
    }
  })
}

for (const driver of ['macvlan', 'ipvlan']) {
  const obstacle = labObstacle() === undefined ? await lanObstacle(driver) : undefined
  if (obstacle === undefined) {
    describeLab(`containers on a ${driver} network`, () => testsOn(driver))
    describeLab(`a ${driver} network that is settled`, () => settlesOn(driver))
  } else {
    process.stderr.write(`\nNOT RUN: containers on a ${driver} network: ${obstacle}\n`)
    describe.skip(`NOT RUN: containers on a ${driver} network: ${obstacle}`, () => {
      it('is not run', () => undefined)
    })
  }
}
