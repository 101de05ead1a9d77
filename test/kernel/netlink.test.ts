import { type ChildProcess, spawn } from 'node:child_process'
import { afterEach, expect, it } from 'vitest'
import { runCommand } from '../../agent/adapters/command.ts'
import { createIproute } from '../../agent/adapters/iproute.ts'
import { createNetlinkNetwork } from '../../agent/adapters/netlink-network.ts'
import { loadNetlink, type Netlink } from '../../agent/adapters/netlink-socket.ts'
import type { AddressStep, HostStep, Network } from '../../agent/adapters/network.ts'
import { type Address, parseAddress, parsePrefix } from '../../shared/ipv6.ts'
import { run, tryRun } from '../lab/command.ts'
import { waitFor } from '../lab/deadline.ts'
import { describeLab } from '../lab/harness.ts'

/** Everything that the agent tells apart: addresses, routes and neighbours of each kind. */
const SCENE: readonly string[] = [
  'link add eth0 address 02:00:00:00:00:01 type veth peer name eth1 address 02:00:00:00:00:02',
  'link add br-web address 02:00:00:00:00:03 type bridge',
  'link set lo up',
  'link set eth0 up',
  'link set eth1 up',
  'link set br-web up',
  'address add 2001:db8:1:1::1/64 dev eth0 nodad',
  'address add 2001:db8:1:1::2/64 dev eth0 nodad preferred_lft 600 valid_lft 7200',
  'address add 2001:db8:1:1::3/64 dev eth0 nodad preferred_lft 0 valid_lft 7200',
  'address add 2001:db8:1:1::4/64 dev eth0 nodad preferred_lft 0 valid_lft forever',
  'address add 2001:db8:1:1::5/64 dev eth0 nodad mngtmpaddr preferred_lft 600 valid_lft 7200',
  'address add 2001:db8:1:1::6 peer 2001:db8:1:1::7/128 dev eth0 nodad',
  // Tentative, while the kernel looks for duplicates.
  'address add 2001:db8:1:1::8/64 dev eth1',
  'address add fd00:aa:1::101/80 dev eth1 nodad',
  'route add 2001:db8:1:1:1::/80 dev br-web proto 174',
  'route add 2001:db8:1:1:2::/80 dev br-web proto static',
  'route add 2001:db8:1:1:3::1/128 dev br-web proto 174',
  'route add 2001:db8:1:1:4::/80 dev br-web proto 174 table 100',
  'route add default via fe80::1 dev eth0 proto ra metric 100',
  'route add default via fe80::2 dev eth0 proto ra metric 200',
  'route add default via fe80::1 dev eth0 proto static metric 300',
  'route add default proto ra metric 400 nexthop via fe80::3 dev eth0 nexthop via fe80::4 dev eth1',
  'route add unreachable 2001:db8:7:700::/56 dev lo proto dhcp',
  'route add unreachable 2001:db8:8::/48 dev lo proto static table 100',
  'route add blackhole 2001:db8:9::/60 dev lo proto ra',
  'route add unreachable 2001:db8:b::/56 dev lo proto bird',
  'route add unreachable 2001:db8:c::/40 dev lo proto dhcp',
  'neigh add proxy 2001:db8:1:1:1::101 dev eth0 protocol 174',
  'neigh add proxy 2001:db8:1:1:1::102 dev eth0',
]

/** A network namespace of its own, alive as long as this process. */
interface Namespace {
  readonly pid: number
  readonly network: Record<'netlink' | 'iproute', Network>
  /** What `ip` shows of it. */
  shows(): Promise<string>
}

function load(): Netlink {
  const missing: string[] = []
  const netlink = loadNetlink((reason) => missing.push(reason))
  if (netlink === null) throw new Error(`koffi does not work here: ${missing.join()}`)
  return netlink
}

/** That of this thread, which its children inherit. */
const ownNamespace = () => run(['readlink', '/proc/self/ns/net'])

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function enterNamespace(scene: readonly string[]): Promise<Namespace> {
  const child = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' })
  children.push(child)
  const pid = child.pid ?? 0
  const enter = ['nsenter', '-t', `${pid}`, '-n']
  const link = (of: number | 'self') => run(['readlink', `/proc/${of}/ns/net`])
  await waitFor('a namespace', async () => (await link(pid)) !== (await link('self')) || undefined)
  // Duplicates are looked for as long as anybody looks here.
  const slow = 'echo 600 >/proc/sys/net/ipv6/conf/default/dad_transmits'
  await run([...enter, 'sh', '-c', slow])
  await run([...enter, 'ip', '-6', '-batch', '-'], { input: `${scene.join('\n')}\n` })
  const netlink = load()
  // The agent's own namespace is this one, for both.
  const uplinks = ['eth0', 'eth1', 'usb0'].map((uplink) => ({ uplink, source: 'route' as const }))
  return {
    pid,
    network: {
      netlink: createNetlinkNetwork({
        talk: (who, conversation) => netlink.talk(who === 'self' ? pid : who, conversation),
      }),
      iproute: createIproute((argv, options) => {
        const isInside = argv[0] === 'nsenter'
        return runCommand(isInside ? argv : ['nsenter', '-t', `${pid}`, '-n', ...argv], options)
      }, uplinks),
    },
    shows: async () => {
      const objects = ['address', 'route show table all', 'neigh show proxy']
      const texts = objects.map((object) => run([...enter, 'ip', '-6', ...object.split(' ')]))
      return (await Promise.all(texts)).join('')
    },
  }
}

/** Seconds pass between two looks: what is left of a lifetime is told to the minute. */
function withRoundLifetimes(value: unknown): unknown {
  const isLifetime = (key: string) => key === 'preferredSeconds' || key === 'validSeconds'
  return JSON.parse(
    JSON.stringify(value, (key, one) =>
      isLifetime(key) && typeof one === 'number' ? Math.ceil(one / 60) : one,
    ),
  )
}

async function hostAsSeenBy(network: Network): Promise<unknown> {
  const view = await network.lookAtHost()
  const interfaces = ['eth0', 'eth1', 'br-web', 'usb0']
  return withRoundLifetimes({
    links: view.links,
    addresses: interfaces.map(view.addressesOf),
    routers: interfaces.map(view.routersOf),
    delegations: view.delegations.toSorted((a, b) => a.prefix.localeCompare(b.prefix)),
    routes: view.routes,
    neighbours: view.neighbours,
  })
}

describeLab('netlink and iproute2', () => {
  it('show the same host', async () => {
    const { network } = await enterNamespace(SCENE)
    const [ours, theirs] = [
      await hostAsSeenBy(network.netlink),
      await hostAsSeenBy(network.iproute),
    ]
    expect(ours).toEqual(theirs)
    expect(ours).toMatchObject({
      routers: [3, 1, 0, 0],
      routes: [{ subnet: '2001:db8:1:1:1::/80', interface: 'br-web' }],
      delegations: [
        { prefix: '2001:db8:7:700::/56', validSeconds: null },
        { prefix: '2001:db8:8::/48' },
        { prefix: '2001:db8:9::/60' },
      ],
    })
  })

  it('show the same container', async () => {
    const { network, pid } = await enterNamespace(SCENE)
    const views = [await network.netlink.lookInto(pid), await network.iproute.lookInto(pid)]
    const [ours, theirs] = views.map((view) =>
      withRoundLifetimes(view.links.map((link) => [link, view.addressesOf(link.name)])),
    )
    expect(ours).toEqual(theirs)
  })

  it('leave the same behind, and refuse the same', async () => {
    const inside = (host: string): Omit<AddressStep, 'kind'> => ({
      container: 'web',
      pid: 1,
      interface: 'eth0',
      address: parseAddress(`2001:db8:1:1${host}`),
      length: 64,
    })
    const at = (address: string) => ({ ...inside('::1'), address: parseAddress(address) })
    const to = (subnet: string) => ({ subnet: parsePrefix(subnet), bridge: 'br-web' })
    const steps: readonly (AddressStep | HostStep)[] = [
      { kind: 'address-add', bridge: '', ...at('2001:db8:2:2::101') },
      { kind: 'address-add', bridge: '', ...inside('::4') },
      { kind: 'address-add', bridge: '', ...inside('::9'), interface: 'eth9' },
      { kind: 'address-add', bridge: '', ...at('ff02::1') },
      { kind: 'address-deprecate', validSeconds: 7200, ...inside('::1') },
      { kind: 'address-deprecate', validSeconds: null, ...inside('::2') },
      { kind: 'address-deprecate', validSeconds: 7200, isLearnt: true, ...inside('::5') },
      { kind: 'address-deprecate', validSeconds: 7200, ...inside('::77') },
      { kind: 'uplink-deprecate', validSeconds: 600, ...inside('::3') },
      { kind: 'address-remove', ...inside('::4') },
      { kind: 'address-remove', ...inside('::4') },
      { kind: 'route-add', ...to('2001:db8:2:2:1::/80') },
      { kind: 'route-move', ...to('2001:db8:1:1:1::/80'), bridge: 'eth1' },
      { kind: 'route-add', ...to('2001:db8:2:2:2::/80'), bridge: 'gone' },
      { kind: 'route-remove', ...to('2001:db8:1:1:2::/80') },
      { kind: 'route-remove', ...to('2001:db8:2:2:1::/80') },
      { kind: 'route-remove', ...to('2001:db8:2:2:1::/80') },
    ]
    const outcomes = []
    for (const way of ['netlink', 'iproute'] as const) {
      const { network, shows, pid } = await enterNamespace(SCENE)
      const failures = await network[way].change(pid, steps)
      const shown = (await shows()).replaceAll(/(valid_lft|preferred_lft|expires) (\d+)sec/g, '$1')
      outcomes.push({ failed: [...failures.keys()], shown, words: [...failures.values()] })
    }
    const [ours, theirs] = outcomes
    // The kernel lists what came of two links in the order in which they came up. What is indented
    // belongs to the line before.
    const things = (shown = '') => shown.replaceAll(/\n\s+/g, ' ').split('\n').sort()
    expect(things(ours?.shown)).toEqual(things(theirs?.shown))
    expect(ours?.failed).toEqual(theirs?.failed)
    expect(ours?.failed).toEqual([2, 3, 13])
    expect(ours?.words).toEqual([
      expect.stringContaining('eth9'),
      expect.stringContaining('multicast'),
      expect.stringContaining('gone'),
    ])
  })

  it('number several containers, each in its own namespace', async () => {
    const before = await ownNamespace()
    const namespaces = await Promise.all(Array.from({ length: 5 }, () => enterNamespace(SCENE)))
    const address = parseAddress('2001:db8:2:2::101')
    for (const { network, pid } of namespaces) {
      const step = { kind: 'address-add', bridge: '', container: 'web', pid, address } as const
      await network.netlink.change(pid, [{ ...step, interface: 'eth1', length: 80 }])
    }
    const found = namespaces.map(async ({ network, pid }): Promise<readonly Address[]> => {
      const view = await network.iproute.lookInto(pid)
      return view.addressesOf('eth1').map((state) => state.address)
    })
    for (const addresses of await Promise.all(found)) expect(addresses).toContain(address)
    // This thread is back where it was, whatever it entered.
    expect(await ownNamespace()).toBe(before)
  })

  it('say so when a namespace is gone', async () => {
    const { network, pid } = await enterNamespace(SCENE)
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await waitFor(
      'its end',
      async () => (await tryRun(['ls', `/proc/${pid}/ns/net`])).code !== 0 || undefined,
    )
    await expect(network.netlink.lookInto(pid)).rejects.toThrow(/ENOENT|ESRCH/)
    await expect(network.iproute.lookInto(pid)).rejects.toThrow('failed to read the addresses')
  })
})
