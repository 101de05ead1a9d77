import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { createIproute } from '../../../../agent/adapters/iproute.ts'
import { createKernel, type KernelUplink } from '../../../../agent/adapters/kernel.ts'
import { parseKnownAddresses, subnetsRoutedTo } from '../../../../agent/adapters/proc-net.ts'
import { scriptedCommands } from '../../../fakes/scripted-commands.ts'

const LINKS = JSON.stringify([
  { ifindex: 1, ifname: 'lo', link_type: 'loopback', address: '00:00:00:00:00:00' },
  { ifindex: 7, ifname: 'br-web', link_type: 'ether', address: '02:42:C2:D6:78:E2' },
  { ifindex: 9, ifname: 'eth0', link_type: 'ether', address: 'b6:ff:c2:ef:ab:72' },
])
const ADDRESSES = JSON.stringify([
  {
    ifindex: 9,
    ifname: 'eth0',
    addr_info: [
      {
        family: 'inet6',
        local: '2001:db8:2:2:0:5eff:fe00:5301',
        prefixlen: 64,
        scope: 'global',
        tentative: true,
        dynamic: true,
        valid_life_time: 86400,
        preferred_life_time: 14400,
      },
    ],
  },
])
const ROUTES = JSON.stringify([
  { dst: '2001:db8:1:1:1::/80', dev: 'br-web', protocol: '174', metric: 1024, flags: [] },
  { dst: '2001:db8:9::/48', gateway: 'fe80::9', dev: 'eth0', protocol: 'static', flags: [] },
  { dst: 'fd00:aa:1::/80', dev: 'br-web', protocol: 'kernel', metric: 256, flags: [] },
  { dst: 'default', gateway: 'fe80::1', dev: 'eth0', protocol: 'ra', flags: [] },
  { dst: 'default', gateway: 'fe80::2', dev: 'eth0', protocol: 'ra', flags: [] },
])

/** iproute2 6.1.0, with routes as clients leave them; the one of another kind is a firewall's. */
const DELEGATED = {
  input:
    'route show\nroute show table all type unreachable\nroute show table all type blackhole\nneigh show proxy\n' +
    'address show dev eth0\naddress show dev ppp0\nlink show\n',
  stdout:
    '[{"type":"unreachable","dst":"2001:db8:7:700::/56","dev":"lo","protocol":"dhcp","metric":1024,"flags":[],"pref":"medium"},{"type":"blackhole","dst":"2001:db8:9::/60","dev":"lo","protocol":"ra","metric":5,"flags":[],"pref":"medium"},{"type":"unreachable","dst":"default","dev":"lo","metric":4278198272,"flags":[],"pref":"medium"}]\n' +
    '[{"type":"unreachable","dst":"2001:db8:8::/48","dev":"lo","table":"100","protocol":"static","metric":1024,"flags":[],"pref":"medium"},{"type":"unreachable","dst":"2001:db8:7:700::/56","dev":"lo","protocol":"dhcp","metric":1024,"flags":[],"pref":"medium"},{"type":"unreachable","dst":"2001:db8:b::/56","dev":"lo","protocol":"bird","metric":1024,"flags":[],"pref":"medium"},{"type":"unreachable","dst":"default","dev":"lo","metric":4278198272,"flags":[],"pref":"medium"}]\n' +
    '[{"type":"blackhole","dst":"2001:db8:9::/60","dev":"lo","protocol":"ra","metric":5,"flags":[],"pref":"medium"}]\n' +
    `${ADDRESSES}\n${LINKS}\n`,
}

function kernel(
  stdout: string,
  more: { exitCode?: number; stderr?: string } = {},
  uplinks: readonly KernelUplink[] = [{ uplink: 'eth0', source: 'slaac' }],
) {
  const commands = scriptedCommands({
    'ip -6 -json -force -batch -': { stdout, ...more },
  })
  return { ...createKernel(createIproute(commands.run, uplinks), uplinks), commands }
}

describe('reading the kernel', () => {
  it('reads uplink, routes and links of one pass with one process', async () => {
    const host = kernel(`${ROUTES}\n${ADDRESSES}\n${LINKS}\n`)
    const [[uplink], routes, links] = await Promise.all([
      host.kernel.readUplinks(),
      host.kernel.readRoutes(),
      host.linkIndexes(),
    ])
    expect(uplink).toMatchObject({
      interface: 'eth0',
      routers: 2,
      addresses: [{ address: '2001:db8:2:2:0:5eff:fe00:5301', isTentative: true }],
    })
    expect(routes).toEqual([{ subnet: '2001:db8:1:1:1::/80', interface: 'br-web' }])
    expect(links.get('br-web')).toBe(7)
    expect(host.commands.calls).toHaveLength(1)
    expect(host.commands.calls[0]?.input).toBe(
      'route show\nneigh show proxy\naddress show dev eth0\nlink show\n',
    )
    await host.kernel.readUplinks()
    expect(host.commands.calls).toHaveLength(2)
  })

  it.each([
    ['empty-lists', `[]\n${ADDRESSES}\n${LINKS}\n`],
    ['empty-objects', `[{}]\n${ADDRESSES}\n${LINKS}\n`],
    ['nothing-at-all', `${ADDRESSES}\n${LINKS}\n`],
  ])('is not confused by how a version prints %s', async (_, stdout) => {
    const host = kernel(stdout)
    expect(await host.kernel.readRoutes()).toEqual([])
    expect((await host.kernel.readUplinks())[0]?.addresses).toHaveLength(1)
  })

  it('reads each of several uplinks, and says which of them is not there', async () => {
    const other = ADDRESSES.replace('eth0', 'wan0').replace('2001:db8:2:2:', '2001:db8:3:3:')
    const links = JSON.stringify([
      ...JSON.parse(LINKS),
      { ifindex: 11, ifname: 'wan0', link_type: 'ether' },
    ])
    const stdout = `${ROUTES}\n${ADDRESSES}\n${other}\n${links}\n`
    const stderr = 'Device "usb0" does not exist.\nCommand failed -:4\n'
    const host = kernel(stdout, { exitCode: 1, stderr }, [
      { uplink: 'eth0', source: 'slaac' },
      { uplink: 'usb0', source: 'slaac' },
      { uplink: 'wan0', source: 'slaac' },
    ])
    expect(await host.kernel.readUplinks()).toMatchObject([
      { interface: 'eth0', routers: 2, addresses: [{ address: '2001:db8:2:2:0:5eff:fe00:5301' }] },
      {
        interface: 'usb0',
        isPresent: false,
        addresses: [],
        unknown: expect.stringContaining('there is no interface usb0: correct its name'),
      },
      { interface: 'wan0', routers: 0, addresses: [{ address: '2001:db8:3:3:0:5eff:fe00:5301' }] },
    ])
  })

  it('reads the delegations in all routing tables for an uplink that has them as its source', async () => {
    const { stdout, input } = DELEGATED
    const host = kernel(stdout, {}, [
      { uplink: 'eth0', source: 'slaac' },
      { uplink: 'ppp0', source: 'route' },
    ])
    const forever = { preferredSeconds: null, validSeconds: null }
    expect(await host.kernel.readUplinks()).toEqual([
      expect.objectContaining({ interface: 'eth0', isPresent: true }),
      {
        interface: 'ppp0',
        isPresent: false,
        addresses: [],
        routers: 0,
        delegations: [
          { prefix: '2001:db8:7:700::/56', ...forever },
          { prefix: '2001:db8:9::/60', ...forever },
          { prefix: '2001:db8:8::/48', ...forever },
        ],
      },
    ])
    expect(host.commands.calls[0]?.input).toBe(input)
    expect(await host.kernel.readRoutes()).toEqual([])
  })

  it.each([
    ['another-line', 'RTNETLINK answers: Operation not permitted\nCommand failed -:1\n'],
    ['no-line', 'Cannot open netlink socket: Too many open files\n'],
    ['uplink-that-is-there', 'Dump was interrupted and may be inconsistent.\nCommand failed -:3\n'],
  ])('does not take the failure of %s for an uplink that is missing', async (_, stderr) => {
    const stdout = `${ROUTES}\n${ADDRESSES}\n${LINKS}\n`
    await expect(
      kernel(stdout, { exitCode: 1, stderr }).kernel.readUplinks(),
    ).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
    })
  })

  it.each([
    ['truncated', ROUTES.slice(0, 40)],
    ['other-shape', '[{"dst":7,"dev":"x"}]'],
  ])('refuses %s output', async (_, stdout) => {
    await expect(kernel(stdout).kernel.readRoutes()).rejects.toMatchObject({
      code: 'IP_OUTPUT_INVALID',
    })
  })
})

describe('reading /proc', () => {
  it('knows the addresses of a container while all of them last', () => {
    const text =
      'fe800000000000000042acfffe1e0002 03 40 20 80     eth0\n' +
      'fd0000aa000100000000000000000101 03 50 00 82     eth0\n' +
      '20010db8000200020001000000000101 03 50 00 c2     eth0\n'
    expect(parseKnownAddresses(text)).toMatchObject([
      { interface: 'eth0', state: { address: 'fd00:aa:1::101', length: 80, isTentative: false } },
      { interface: 'eth0', state: { address: '2001:db8:2:2:1::101', isTentative: true } },
    ])
  })

  it.each([
    ['deprecated', 'a0'],
    ['with a lifetime', '02'],
  ])('knows that it does not know the lifetime of an address that is %s', (_, flags) => {
    const text = `20010db8000100010001000000000101 03 50 00 ${flags}     eth0\n`
    expect(parseKnownAddresses(text)).toBeNull()
  })

  it.each([
    `${'g'.repeat(32)} 03 50 00 80 eth0`,
    `0x${'0'.repeat(30)} 03 50 00 80 eth0`,
    `${'0'.repeat(32)} 03 81 00 80 eth0`,
    `${'0'.repeat(32)} 03 x 00 80 eth0`,
  ])('does not guess at a line that no kernel writes: %s', (line) => {
    expect(parseKnownAddresses(`${line}\n`)).toBeNull()
    expect(subnetsRoutedTo(line.replace(' 03', ''), 'eth0')).toEqual([])
  })

  it('agrees with the running kernel about its form', async () => {
    const text = await readFile('/proc/self/net/if_inet6', 'utf8').catch(() => '')
    expect(() => parseKnownAddresses(text)).not.toThrow()
  })

  it('finds the subnets that are routed to an interface', () => {
    const zero = '0'.repeat(32)
    const line = (hex: string, bits: string, device: string) =>
      `${hex} ${bits} ${zero} 00 ${zero} 00000400 00000001 00000000 00000001   ${device}\n`
    const routes =
      line('20010db8000100010001000000000000', '50', 'br-web') + line(zero, '00', 'br-app')
    expect(subnetsRoutedTo(routes, 'br-web')).toEqual(['2001:db8:1:1:1::/80'])
    expect(subnetsRoutedTo(routes, 'br-app')).toEqual([])
    expect(subnetsRoutedTo(routes, 'web')).toEqual([])
    expect(subnetsRoutedTo('', 'br-web')).toEqual([])
  })
})
