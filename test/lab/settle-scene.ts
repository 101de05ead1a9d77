import type { DockerControl } from '../../agent/adapters/docker.ts'
import { decodeSettleNetwork } from '../../agent/adapters/settle-decode.ts'
import { readEndpoints } from '../../agent/adapters/settle-endpoints.ts'
import { planSettle, type SettlePlan } from '../../agent/domain/settle-plan.ts'
import { type Prefix, parsePrefix } from '../../shared/ipv6.ts'
import type { DockerApi } from './docker-api.ts'
import { containerCommand } from './image.ts'
import { HOME } from './lab-names.ts'

/** Two prefixes below which the scene's network has its subnet in turn. */
export const SUBNETS = [
  parsePrefix('2001:db8:1:1:5::/80'),
  parsePrefix('2001:db8:2:2:5::/80'),
] as const
export const NETWORK = 'app'

const NETWORK_RECIPE = {
  Name: NETWORK,
  CheckDuplicate: true,
  Driver: 'bridge',
  EnableIPv6: true,
  Attachable: true,
  IPAM: {
    Config: [
      {
        Subnet: '172.30.7.0/24',
        Gateway: '172.30.7.1',
        IPRange: '172.30.7.128/25',
        AuxiliaryAddresses: { printer: '172.30.7.9' },
      },
      { Subnet: SUBNETS[0], Gateway: '2001:db8:1:1:5::ff' },
    ],
  },
  Options: { 'com.docker.network.bridge.name': 'br-app', 'com.docker.network.driver.mtu': '1400' },
  Labels: {
    'reprefix.subnet': '::5:0:0:0/80',
    'com.docker.compose.network': NETWORK,
    'com.docker.compose.project': 'shop',
  },
}

interface ContainerRecipe {
  readonly [member: string]: unknown
}

function container(name: string, more: ContainerRecipe, host: ContainerRecipe = {}): unknown {
  return {
    Image: 'reprefix-lab',
    Cmd: containerCommand(name),
    Labels: { 'com.docker.compose.config-hash': `hash of ${name}`, 'reprefix.expose': '80/tcp' },
    HostConfig: { NetworkMode: NETWORK, ...host },
    ...more,
  }
}

const on = (endpoint: ContainerRecipe) => ({
  NetworkingConfig: { EndpointsConfig: { [NETWORK]: endpoint } },
})
const fixed = (host: number) => ({
  IPAMConfig: { IPv4Address: `172.30.7.${host}`, IPv6Address: `2001:db8:1:1:5::${host}` },
})

/** Makes a network with a global subnet, and a container of every kind on it. */
export async function createScene(api: DockerApi): Promise<void> {
  const create = (name: string, recipe: unknown) =>
    api.call('POST', `/containers/create?name=${name}`, recipe)
  const start = (name: string) => api.call('POST', `/containers/${name}/start`)
  await api.call('POST', '/networks/create', NETWORK_RECIPE)
  await api.call('POST', '/networks/create', {
    Name: 'side',
    IPAM: { Config: [{ Subnet: '172.30.8.0/24' }] },
  })
  const published = { ExposedPorts: { '80/tcp': {} } }
  const binding = [{ HostIp: HOME.serverIPv4, HostPort: '8090' }]
  await create(
    'fixed',
    container(
      'fixed',
      { ...published, ...on({ ...fixed(50), Aliases: ['shop', 'f'] }) },
      { PortBindings: { '80/tcp': binding } },
    ),
  )
  await start('fixed')
  await create('free', container('free', on({ Aliases: ['a'], Links: ['fixed:database'] })))
  await create('both', container('both', {}))
  await api.call('POST', '/networks/side/connect', { Container: 'both' })
  await create('mac', container('mac', { MacAddress: '02:00:00:00:00:77' }))
  await create('paused', container('paused', on(fixed(51))))
  await create('exited', container('exited', on(fixed(52))))
  await create('exited-free', container('exited-free', {}))
  await create('never', container('never', on(fixed(53))))
  await create('never-free', container('never-free', {}))
  for (const name of ['free', 'both', 'mac', 'paused', 'exited', 'exited-free']) await start(name)
  await create('follower', {
    ...Object(container('follower', {}, { NetworkMode: 'container:free' })),
    Cmd: ['/bin/sh', '-c', 'exec nc -ll -p 8 -e cat'],
  })
  await start('follower')
  for (const name of ['exited', 'exited-free']) {
    await api.call('POST', `/containers/${name}/kill`)
    await api.call('POST', `/containers/${name}/wait`)
  }
}

/** Adds a container that ends after a second and is started again and again. */
export async function addLooping(api: DockerApi): Promise<void> {
  await api.call('POST', '/containers/create?name=looping', {
    Image: 'reprefix-lab',
    Cmd: ['/bin/sh', '-c', 'busybox sleep 1; exit 1'],
    HostConfig: { NetworkMode: NETWORK, RestartPolicy: { Name: 'always' } },
  })
  await api.call('POST', '/containers/looping/start')
}

/** The containers that run all the time, and those that do not. */
export const RUNNING = ['fixed', 'free', 'both', 'mac', 'paused', 'follower'] as const
export const STOPPED = ['exited', 'exited-free', 'never', 'never-free'] as const

/** Plans the settle of the scene's network as the agent would. */
export async function planScene(
  control: DockerControl,
  from: Prefix,
  to: Prefix,
  dockerMajor = 20,
): Promise<SettlePlan> {
  const network = decodeSettleNetwork(await control.inspectNetwork(NETWORK))
  const endpoints = await readEndpoints(control, NETWORK)
  const request = { network, endpoints, otherSubnets: [], from, to, dockerMajor }
  const result = planSettle(request)
  if ('problems' in result) throw new TypeError(JSON.stringify(result.problems))
  return result.plan
}

/** What Docker says of a network, without what is new by its nature. */
export async function pictureOfNetwork(api: DockerApi): Promise<unknown> {
  const { Id, Created, Containers, ...rest } = Object(await api.call('GET', `/networks/${NETWORK}`))
  return rest
}

/**
 * What Docker says of a container, without what is new by its nature: ids of network, endpoint and
 * sandbox key, and addresses that were chosen by Docker and are asked for since.
 */
export async function pictureOfContainer(api: DockerApi, name: string): Promise<unknown> {
  const said = Object(await api.call('GET', `/containers/${name}/json`))
  const { Networks, Ports } = said.NetworkSettings
  const places = Object.entries(Object(Networks)).map(([network, endpoint]) => {
    const { NetworkID, EndpointID, IPAMConfig, ...rest } = Object(endpoint)
    // Docker before 25 adds the short id whenever it connects by itself or is told to.
    const names: unknown[] = rest.Aliases ?? []
    const Aliases = names.filter((alias) => alias !== said.Id.slice(0, 12))
    return [network, { ...rest, Aliases, DriverOpts: rest.DriverOpts ?? {} }]
  })
  const { Pid, StartedAt, Status } = said.State
  return {
    State: { Pid, StartedAt, Status },
    Config: said.Config,
    HostConfig: said.HostConfig,
    Ports,
    Networks: Object.fromEntries(places),
  }
}
