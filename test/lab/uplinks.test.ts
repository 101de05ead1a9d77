import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import type { Prefix } from '../../shared/ipv6.ts'
import { inNamespace, run } from './command.ts'
import { converged, describeLab, PREFIXES, sharedHome } from './harness.ts'
import { HOME, INTERNET, labContainer, namespacePrefix } from './lab-names.ts'
import { linkLocalOf } from './lan-machines.ts'
import { prefixNumber } from './leftovers.ts'
import { NO_DAD, setKernel } from './namespaces.ts'
import { addressBelow } from './renumbering.ts'
import { OFTEN, type Router, startRouter, usable } from './router.ts'
import {
  addressOnSecond,
  createSecondNetwork,
  SECOND,
  startAt,
  untilSeenAt,
} from './second-network.ts'

const { p1, p2, p3 } = PREFIXES
/** The second provider's prefixes, told apart from the first one's by their range. */
const SECOND_RANGE = '2001:db8:2000::/36'
const UPLINK = 'eth1'
const PROVIDER = { ipv4: '203.0.113.2', ipv6: '2001:db8:ffff::2' } as const
const TABLE = '100'

describeLab('a home with two providers', () => {
  const home = sharedHome(1)
  let router: Router
  let namespace = ''
  let second: Prefix = prefixNumber(0x1f00)
  let first: Prefix = p1
  let used = 0x1f01
  const fresh = () => prefixNumber(used++)
  const onSecond = labContainer(1)
  const onBoth = labContainer(2)
  const onHost = (...argv: string[]) => run(inNamespace(home().lab.namespaces.home, argv))
  const state = () => join(home().lab.directory.path, 'agent/state/state.json')

  /** The interface as the host's settings make it; the host's own answers leave by the right uplink. */
  async function bringUp(): Promise<void> {
    await setKernel(home().lab.namespaces.home, {
      [`ipv6/conf/${UPLINK}/accept_ra`]: '2',
      [`ipv6/conf/${UPLINK}/proxy_ndp`]: '1',
      [`ipv6/conf/${UPLINK}/max_addresses`]: '64',
    })
    await onHost('ip', 'link', 'set', UPLINK, 'up')
    // Its other end has a carrier, and an address, from now on.
    const via = await linkLocalOf(namespace, 'lan')
    const route = ['default', 'via', via, 'dev', UPLINK, 'table', TABLE]
    await onHost('ip', '-6', 'route', 'replace', ...route)
  }

  /** The modem is pulled out: its interface is gone from the host. */
  const unplug = () => onHost('ip', 'link', 'set', UPLINK, 'netns', namespace)
  const plugIn = async () => {
    const { namespaces } = home().lab
    await run(['ip', '-n', namespace, 'link', 'set', UPLINK, 'netns', namespaces.home])
    await bringUp()
  }

  async function announceSecond(prefix: Prefix): Promise<void> {
    const { router: main } = home().lab.namespaces
    const route = ['route', 'replace', prefix, 'via', PROVIDER.ipv6, 'dev', 'wan']
    await run(['ip', '-n', main, ...route])
    second = prefix
    await router.announce([usable(prefix)], { interval: OFTEN, isUnseen: true })
  }
  async function announceFirst(prefix: Prefix): Promise<void> {
    first = prefix
    await home().lab.router.announce([usable(prefix)], { interval: OFTEN })
  }

  async function expectEverything(): Promise<void> {
    const { watched } = home()
    await untilSeenAt(home(), watched.domain, [addressBelow(first, watched)])
    await untilSeenAt(home(), onSecond.domain, [addressOnSecond(second, onSecond)])
    const both = [addressBelow(first, onBoth), addressOnSecond(second, onBoth)]
    await untilSeenAt(home(), onBoth.domain, both)
    await converged(home())
  }
  const renumberings = (from: number) =>
    home()
      .agent.events.slice(from)
      .filter(({ event }) => event === 'renumber')
      .map(({ fields }) => `${fields.uplink} ${fields.cause} ${fields.to}`)
      .sort()

  beforeAll(async () => {
    const { lab, agent } = home()
    const { api } = lab.home.docker
    await agent.stop()
    namespace = `${namespacePrefix(lab.directory.id)}provider2`
    await run(['ip', 'netns', 'add', namespace])
    await setKernel(namespace, { ...NO_DAD, 'ipv6/conf/all/forwarding': '1' })
    await run(['ip', '-n', lab.namespaces.router, '-batch', '-'], {
      input: `link add to-second type veth peer name wan netns ${namespace}
link set to-second master wan up\n`,
    })
    await run(['ip', '-n', namespace, '-batch', '-'], {
      input: `link set lo up
link set wan up
address add ${PROVIDER.ipv6}/64 dev wan
route add default via ${INTERNET.routerIPv6}
link add lan type veth peer name ${UPLINK} netns ${lab.namespaces.home}
link set lan up\n`,
    })
    await onHost('ip', '-6', 'rule', 'add', 'from', SECOND_RANGE, 'lookup', TABLE)
    await bringUp()
    router = await startRouter(
      lab.directory,
      { router: namespace, home: lab.namespaces.home },
      { name: 'provider2', uplink: UPLINK },
    )
    const settings = parse(await readFile(agent.configuration, 'utf8'))
    const { interface: _, ...others } = settings
    const uplinks = [{ interface: HOME.uplink }, { interface: UPLINK }]
    await writeFile(agent.configuration, stringify({ ...others, uplinks }))
    await createSecondNetwork(api, { 'reprefix.uplink': UPLINK })
    await startAt(api, onSecond, { networks: [SECOND.name] })
    await startAt(api, onBoth, { networks: [HOME.network, SECOND.name] })
    await announceSecond(second)
    await agent.start()
  })

  it('numbers each network from its own, and a name that is on both from both', async () => {
    await expectEverything()
  })

  it('follows both when they change at once, each once', async () => {
    const seen = home().agent.events.length
    await Promise.all([announceFirst(p2), announceSecond(fresh())])
    await expectEverything()
    await router.regular()
    expect(renumberings(seen)).toEqual([
      `${HOME.uplink} flash ${first}`,
      `${UPLINK} flash ${second}`,
    ])
  })

  it('keeps what is on the one that is unplugged, and follows the other', async () => {
    const { agent } = home()
    const seen = agent.events.length
    await unplug()
    await agent.event(
      'hold',
      ({ event, fields }) => event === 'hold' && fields.uplink === UPLINK,
      seen,
    )
    await announceFirst(p3)
    await expectNamesWithoutSecond()
    expect(renumberings(seen)).toEqual([`${HOME.uplink} flash ${p3}`])
  })

  /** What the names say while the second provider cannot be reached. */
  async function expectNamesWithoutSecond(): Promise<void> {
    const { watched } = home()
    await untilSeenAt(home(), watched.domain, [addressBelow(first, watched)])
    await untilSeenAt(home(), onSecond.domain, [addressOnSecond(second, onSecond)], {
      isDead: true,
    })
    const both = [addressBelow(first, onBoth), addressOnSecond(second, onBoth)]
    await untilSeenAt(home(), onBoth.domain, both, { isDead: true })
  }

  it('keeps them too when it has lost its state meanwhile', async () => {
    const { agent } = home()
    await agent.stop()
    await rm(state())
    await announceFirst(fresh())
    const seen = agent.events.length
    await agent.start()
    await agent.event('receipt', ({ event }) => event === 'receipt', seen)
    await expectNamesWithoutSecond()
  })

  it('follows it when it is plugged in with another prefix', async () => {
    await announceSecond(fresh())
    await plugIn()
    await expectEverything()
  })

  it('leaves a log that verifies', async () => {
    expect((await home().cloud.verifyAudit()).ok).toBe(true)
  })
})
