import { describe, expect, it } from 'vitest'
import { createContainerInterfaces } from '../../../../agent/adapters/container-interfaces.ts'
import type { DockerApi } from '../../../../agent/adapters/docker.ts'
import { createDockerContainers } from '../../../../agent/adapters/docker-containers.ts'
import { createIproute } from '../../../../agent/adapters/iproute.ts'
import type { RouteState } from '../../../../agent/domain/model.ts'
import { parseAddress, parsePrefix } from '../../../../shared/ipv6.ts'
import { fakeProcesses } from '../../../fakes/process-table.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'
import { scriptedCommands } from '../../../fakes/scripted-commands.ts'

const NETWORK = {
  Id: 'aaaaaaaaaaaabbbb',
  Name: 'web',
  Driver: 'bridge',
  Internal: false,
  IPAM: { Config: [{ Subnet: '172.30.0.0/24' }, { Subnet: 'fd00:aa:1::/80' }] },
  Options: {},
  Labels: { 'reprefix.subnet': '::1:0:0:0/80' },
}
const container = (id: string, networks: object, more: object = {}) => ({
  Id: id,
  Names: [`/other/alias`, `/${id}`],
  Labels: {},
  NetworkSettings: { Networks: networks },
  ...more,
})
const onWeb = (host: number) => ({
  web: {
    NetworkID: NETWORK.Id,
    MacAddress: `02:42:AC:1E:00:0${host}`,
    GlobalIPv6Address: `fd00:aa:1::10${host}`,
  },
})
const LASTING = (host: number) =>
  `fd0000aa00010000000000000000010${host} 03 50 00 82     eth3\n` +
  `fe800000000000000042acfffe1e0002 03 40 20 80     eth3\n` +
  '00000000000000000000000000000001 01 80 10 80       lo\n'
const DEPRECATED = '20010db8000100010001000000000101 03 50 00 20     eth3\n'
const IP_JSON = (host: number) =>
  JSON.stringify([
    { ifindex: 1, ifname: 'lo', address: '00:00:00:00:00:00', addr_info: [] },
    {
      ifindex: 3,
      ifname: 'eth3',
      address: `02:42:ac:1e:00:0${host}`,
      addr_info: [
        {
          family: 'inet6',
          local: '2001:db8:1:1:1::101',
          prefixlen: 80,
          scope: 'global',
          deprecated: true,
          valid_life_time: 3000,
          preferred_life_time: 0,
        },
      ],
    },
  ])

const DEPRECATE = {
  kind: 'address-deprecate',
  container: 'c1',
  pid: 50,
  interface: 'eth3',
  address: parseAddress('2001:db8:1:1:1::101'),
  length: 80,
  validSeconds: 7200,
} as const

interface Host {
  readonly networks?: unknown
  readonly containers?: unknown
  readonly routes?: readonly RouteState[]
  readonly pids?: Readonly<Record<string, number | null>>
  readonly namespaces?: Readonly<Record<number, string | null>>
  readonly ifInet6?: Readonly<Record<number, string>>
  readonly script?: Parameters<typeof scriptedCommands>[0]
}

function docker(host: Host) {
  const inspected: string[] = []
  const api: DockerApi = {
    listNetworks: async () => host.networks ?? [NETWORK],
    listContainers: async () => host.containers ?? [],
    inspectContainer: async (id) => {
      inspected.push(id)
      const pid = host.pids?.[id]
      return pid === undefined || pid === null ? null : { State: { Running: pid > 0, Pid: pid } }
    },
    followEvents: async () => undefined,
  }
  const commands = scriptedCommands(host.script ?? {})
  const processes = fakeProcesses(host.namespaces)
  for (const [pid, text] of Object.entries(host.ifInet6 ?? {})) {
    processes.ifInet6.set(Number(pid), text)
  }
  const { log, lines } = recordedLog()
  let now = 0
  const interfaces = createContainerInterfaces(
    createIproute(commands.run, []),
    processes,
    () => now,
  )
  const made = createDockerContainers({
    api,
    interfaces,
    processes,
    linkIndexes: async () => new Map([['br-aaaaaaaaaaaa', 7]]),
    readRoutes: async () => host.routes ?? [],
    takesPart: ({ labels }) => 'reprefix.subnet' in labels,
    log,
  })
  const passTime = (ms: number): void => {
    now += ms
  }
  return { ...made, commands, inspected, lines, processes, interfaces, passTime }
}

describe('reading Docker', () => {
  it('gives networks that take part, with the bridge by its name in this namespace', async () => {
    const other = { ...NETWORK, Id: 'cccc', Name: 'other', Labels: null, Options: null, IPAM: null }
    const { networks } = await docker({ networks: [NETWORK, other] }).read()
    expect(networks).toEqual([
      {
        id: NETWORK.Id,
        name: 'web',
        driver: 'bridge',
        bridge: 'br-aaaaaaaaaaaa',
        bridgeIndex: 7,
        isInternal: false,
        subnets: ['fd00:aa:1::/80'],
        labels: NETWORK.Labels,
      },
    ])
  })

  it.each([
    ['false', false],
    ['0', false],
    ['true', undefined],
  ])('knows whether containers may talk to each other: enable_icc=%s', async (text, expected) => {
    const options = { 'com.docker.network.bridge.enable_icc': text }
    const { networks } = await docker({ networks: [{ ...NETWORK, Options: options }] }).read()
    expect(networks[0]?.allowsInterContainer).toBe(expected)
  })

  it('is not stopped by a subnet that was typed with host bits', async () => {
    const odd = { ...NETWORK, IPAM: { Config: [{ Subnet: '2001:db8:7::1/64' }] } }
    const { networks } = await docker({ networks: [odd] }).read()
    expect(networks[0]?.subnets).toEqual(['2001:db8:7::/64'])
  })

  it('gives a network that no longer takes part when it is asked for by id', async () => {
    const dropped = { ...NETWORK, Labels: null }
    const host = docker({ networks: [dropped, { ...dropped, Id: 'cccc', Name: 'other' }] })
    expect((await host.read()).networks).toEqual([])
    const { networks } = await host.read(new Set([NETWORK.Id, 'gone']))
    expect(networks.map(({ name }) => name)).toEqual(['web'])
  })

  it('gives a network that no longer takes part while it has a route of ours', async () => {
    const dropped = { ...NETWORK, Labels: null }
    const subnet = parsePrefix('2001:db8:1:1:1::/80')
    const routes = [{ subnet, interface: 'br-aaaaaaaaaaaa' }]
    expect((await docker({ networks: [dropped] }).read()).networks).toEqual([])
    expect((await docker({ networks: [dropped], routes }).read()).networks).toMatchObject([
      { name: 'web', labels: {} },
    ])
  })

  it('takes the name of the bridge from the network when it has one', async () => {
    const named = { ...NETWORK, Options: { 'com.docker.network.bridge.name': 'br-web' } }
    const { networks } = await docker({ networks: [named] }).read()
    expect(networks[0]).toMatchObject({ bridge: 'br-web', bridgeIndex: null })
  })

  it('finds the interface by Docker’s address, without a process, while all addresses last', async () => {
    const host = docker({
      containers: [container('c1', onWeb(1))],
      pids: { c1: 50 },
      ifInet6: { 50: LASTING(1) },
    })
    const { containers } = await host.read()
    expect(containers).toMatchObject([
      {
        name: 'c1',
        pid: 50,
        attachments: [
          {
            interface: 'eth3',
            dockerAddress: 'fd00:aa:1::101',
            addresses: [{ address: 'fd00:aa:1::101', length: 80, validSeconds: null }],
          },
        ],
      },
    ])
    expect(host.commands.calls).toEqual([])
  })

  it('looks inside, by MAC address, where lifetimes matter', async () => {
    const host = docker({
      containers: [container('c1', onWeb(1))],
      pids: { c1: 50 },
      ifInet6: { 50: LASTING(1) + DEPRECATED },
      script: { 'nsenter -t 50 -n ip -json address show': { stdout: IP_JSON(1) } },
    })
    const read = async () => (await host.read()).containers[0]?.attachments[0]
    expect(await read()).toMatchObject({
      interface: 'eth3',
      addresses: [{ address: '2001:db8:1:1:1::101', isDeprecated: true, validSeconds: 3000 }],
    })
    host.passTime(5000)
    expect((await read())?.addresses).toContainEqual(
      expect.objectContaining({ address: '2001:db8:1:1:1::101', validSeconds: 2995 }),
    )
    expect(host.commands.calls).toHaveLength(1)
  })

  it.each<[string, (host: ReturnType<typeof docker>) => void]>([
    [
      'an address or a flag has changed',
      ({ processes }) => void processes.ifInet6.set(50, DEPRECATED),
    ],
    ['a quarter of an hour has gone by', ({ passTime }) => passTime(900_001)],
    [
      'a step that failed may have changed it',
      ({ interfaces }) => interfaces.changed(DEPRECATE, false),
    ],
    [
      'this agent has put it back to use',
      ({ interfaces }) => interfaces.changed({ ...DEPRECATE, kind: 'address-remove' }, true),
    ],
  ])('looks inside again when %s', async (_, happen) => {
    const host = docker({
      containers: [container('c1', onWeb(1))],
      pids: { c1: 50 },
      ifInet6: { 50: LASTING(1) + DEPRECATED },
      script: { nsenter: { stdout: IP_JSON(1) } },
    })
    await host.read()
    happen(host)
    await host.read()
    expect(host.commands.calls).toHaveLength(2)
  })

  it('needs no process to know the lifetimes that this agent has given', async () => {
    const host = docker({
      containers: [container('c1', onWeb(1))],
      pids: { c1: 50 },
      ifInet6: { 50: LASTING(1) + DEPRECATED },
    })
    host.interfaces.changed(DEPRECATE, true)
    host.passTime(200_000)
    const { containers } = await host.read()
    expect(containers[0]?.attachments[0]?.addresses).toMatchObject([
      { address: 'fd00:aa:1::101', isDeprecated: false, validSeconds: null, isDynamic: false },
      {
        address: '2001:db8:1:1:1::101',
        isDeprecated: true,
        preferredSeconds: 0,
        validSeconds: 7000,
        isDynamic: true,
      },
    ])
    expect(host.commands.calls).toEqual([])
  })

  it('asks Docker for the process again only when that very process has ended', async () => {
    const namespaces: Record<number, string | null> = {}
    const host = docker({
      containers: [container('c1', onWeb(1))],
      pids: { c1: 50 },
      ifInet6: { 50: LASTING(1) },
      namespaces,
    })
    await host.read()
    await host.read()
    expect(host.inspected).toEqual(['c1'])
    namespaces[50] = null
    await host.read()
    expect(host.inspected).toEqual(['c1', 'c1'])
  })

  it('leaves out containers that end while they are read, and none other', async () => {
    const { containers } = await docker({
      containers: [
        container('gone', onWeb(1)),
        container('ending', onWeb(2)),
        container('here', onWeb(3)),
        container('restarting', onWeb(4)),
      ],
      pids: { gone: null, ending: 51, here: 52, restarting: 0 },
      namespaces: { 51: null },
      ifInet6: { 52: LASTING(3) },
    }).read()
    expect(containers.map(({ name }) => name)).toEqual(['here'])
  })

  it('never takes the host’s own interfaces for a container’s', async () => {
    const { containers } = await docker({
      containers: [container('c1', onWeb(1))],
      pids: { c1: 50 },
      namespaces: { 50: 'net:[1]' },
      ifInet6: { 50: LASTING(1) },
    }).read()
    expect(containers).toEqual([])
  })

  it('lists containers that are on no network of ours without looking into them', async () => {
    const host = docker({
      containers: [container('hostmode', { host: { NetworkID: 'h' } }), container('shared', {})],
    })
    expect((await host.read()).containers).toMatchObject([
      { name: 'hostmode', attachments: [] },
      { name: 'shared', attachments: [] },
    ])
    expect(host.inspected).toEqual([])
  })

  it('keeps a container that cannot be looked into, as unknown and not as gone', async () => {
    const host = docker({
      containers: [container('c1', onWeb(1))],
      pids: { c1: 50 },
      ifInet6: { 50: DEPRECATED },
      script: { nsenter: { exitCode: 1, stderr: 'nsenter: reassociate failed' } },
    })
    const { containers } = await host.read()
    expect(containers[0]?.attachments).toMatchObject([{ interface: null, addresses: [] }])
    expect(host.lines[0]?.message).toContain('left as it is')
  })

  it('refuses an answer that is not Docker’s', async () => {
    await expect(docker({ networks: { message: 'page not found' } }).read()).rejects.toMatchObject({
      code: 'DOCKER_UNREACHABLE',
    })
  })
})
