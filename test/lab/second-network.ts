import { type Address, type Prefix, parseAddress, parsePrefix, splice } from '../../shared/ipv6.ts'
import { waitFor } from './deadline.ts'
import type { DockerApi } from './docker-api.ts'
import type { Home } from './home.ts'
import { IMAGE } from './home-server.ts'
import { containerCommand } from './image.ts'
import { HOME, type LabContainer } from './lab-names.ts'
import type { Sight } from './probe-protocol.ts'
import { askFromOutside } from './prober.ts'

/** A second network of the home server, in the stable base layout like the first. */
export const SECOND = {
  name: 'second',
  bridge: 'br-second',
  suffix: '::2:0:0:0/80',
  ulaSubnet: parsePrefix('fd00:5eed:1:1:2::/80'),
  ipv4Subnet: '172.30.6.0/24',
} as const

/** Makes the second network; with labels of its own, say to number it from another uplink. */
export async function createSecondNetwork(
  api: DockerApi,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  await api.call('POST', '/networks/create', {
    Name: SECOND.name,
    Driver: 'bridge',
    EnableIPv6: true,
    IPAM: { Config: [{ Subnet: SECOND.ipv4Subnet }, { Subnet: SECOND.ulaSubnet }] },
    Options: { 'com.docker.network.bridge.name': SECOND.bridge },
    Labels: { 'reprefix.subnet': SECOND.suffix, ...labels },
  })
}

/** Where a container is connected, and what it shares. */
export interface Placement {
  /** Its networks, the first as its own; or `container:NAME`, whose namespace it shares. */
  readonly networks: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
}

/** Its own address on the second network, as Docker knows it. */
export function ulaOnSecond({ ula }: LabContainer): Address {
  return splice(SECOND.ulaSubnet, ula)
}

/** Its global address on the second network. */
export function addressOnSecond(prefix: Prefix, container: LabContainer): Address {
  return splice(prefix, ulaOnSecond(container))
}

function endpointOn(network: string, container: LabContainer): unknown {
  if (network === HOME.network) {
    return { IPAMConfig: { IPv4Address: container.ipv4, IPv6Address: container.ula } }
  }
  return { IPAMConfig: { IPv6Address: ulaOnSecond(container) } }
}

/** Connects a container to a network, at its address there. */
export async function connect(
  api: DockerApi,
  network: string,
  container: LabContainer,
): Promise<void> {
  const EndpointConfig = endpointOn(network, container)
  await api.call('POST', `/networks/${network}/connect`, {
    Container: container.name,
    EndpointConfig,
  })
}

/** Makes and starts a container at a place of its own, without published ports. */
export async function startAt(
  api: DockerApi,
  container: LabContainer,
  { networks, labels, command }: Placement,
): Promise<void> {
  const [own = HOME.network, ...others] = networks
  const isShared = own.startsWith('container:')
  await api.call('POST', `/containers/create?name=${container.name}`, {
    Image: IMAGE,
    Cmd: command ?? containerCommand(container.name),
    Labels: { 'reprefix.dns': container.domain, 'reprefix.expose': '80/tcp', ...labels },
    HostConfig: { NetworkMode: own },
    ...(isShared
      ? {}
      : { NetworkingConfig: { EndpointsConfig: { [own]: endpointOn(own, container) } } }),
  })
  for (const network of others) await connect(api, network, container)
  await api.call('POST', `/containers/${container.name}/start`)
}

/**
 * Waits until a stranger resolves a name to exactly these addresses and has a page of one of them; of
 * none where the addresses are `isDead`.
 */
export function untilSeenAt(
  home: Home,
  name: string,
  addresses: readonly string[],
  { isDead = addresses.length === 0, timeoutMs = 30_000 } = {},
): Promise<Sight> {
  const wanted = [...addresses].map(parseAddress).sort().join()
  return waitFor(
    `${name} at ${wanted || 'no address'}`,
    async () => {
      const sight = await askFromOutside(home.lab, name)
      const isThere = [...sight.addresses].sort().join() === wanted
      return isThere && (isDead || sight.page !== undefined) ? sight : undefined
    },
    { timeoutMs, intervalMs: 50 },
  )
}
