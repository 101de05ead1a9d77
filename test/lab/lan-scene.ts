import { type Address, type Prefix, parseAddress, parsePrefix, splice } from '../../shared/ipv6.ts'
import { inNamespace, run, tryRun } from './command.ts'
import type { DockerApi } from './docker-api.ts'
import type { Home } from './home.ts'
import { containerCommand } from './image.ts'
import type { Lab } from './lab.ts'
import { HOME, labContainers } from './lab-names.ts'

/** A network whose containers are machines of the home's LAN, and its place below the prefix. */
export const LAN = {
  network: 'lan',
  subnet: parsePrefix('fd00:5eed:1:1:2::/80'),
  /** The router has a ULA of that subnet, as those of home networks do. */
  gateway: parseAddress('fd00:5eed:1:1:2::1'),
  suffix: '::2:0:0:0/80',
} as const

/** A container of the scene. */
export interface LanContainer {
  readonly name: string
  readonly domain: string
  readonly ipv4: string
  readonly ula: Address
}

const [, second, third] = labContainers(3)
const onLan = (name: string, domain: string, host: number): LanContainer => ({
  name,
  domain,
  ipv4: `198.51.100.${host}`,
  ula: splice(LAN.subnet, parseAddress(`::${host}`)),
})
/** Only on the LAN. */
export const PRINTER = onLan('printer', second?.domain ?? '', 65)
/** On the LAN and on the home server's bridge. */
export const BOTH = onLan('both', third?.domain ?? '', 66)
const BOTH_ON_BRIDGE = parseAddress('fd00:5eed:1:1:1::166')

/** Why this kernel cannot have such interfaces; `undefined` where it can. */
export async function lanObstacle(driver: string): Promise<string | undefined> {
  const script = 'ip link add v0 type veth peer name v1 && ip link add link v0 name c0 type "$0"'
  const { code, stderr } = await tryRun(['unshare', '--net', 'sh', '-c', script, driver])
  return code === 0 ? undefined : `the kernel has no ${driver}: ${stderr.trim()}`
}

/** The global address of a container on the LAN below a prefix. */
export function lanAddressBelow(
  prefix: Prefix,
  { ula }: LanContainer,
  suffix: string = LAN.suffix,
): Address {
  const [subnet = ''] = suffix.split('/')
  return splice(parsePrefix(`${splice(prefix, parseAddress(subnet))}/80`), ula)
}

/** The global address that `both` has behind the bridge. */
export function bridgeAddressBelow(prefix: Prefix): Address {
  return splice(prefix, BOTH_ON_BRIDGE)
}

/** Makes the network and its two containers, and gives the router its address there. */
export async function createLanScene({ lab }: Home, driver: string): Promise<void> {
  await createLanNetwork(lab, driver, LAN)
  await startOnLan(lab, PRINTER, { [LAN.network]: addressesOf(PRINTER) })
  await startOnLan(lab, BOTH, { [HOME.network]: { IPv6Address: BOTH_ON_BRIDGE } })
}

/** Makes a network on the LAN with that subnet, and gives the router the address of its gateway. */
export async function createLanNetwork(
  lab: Lab,
  driver: string,
  { subnet, gateway }: { readonly subnet: Prefix; readonly gateway: Address },
): Promise<void> {
  await addToRouter(lab, gateway)
  await lab.home.docker.api.call('POST', '/networks/create', {
    Name: LAN.network,
    Driver: driver,
    EnableIPv6: true,
    IPAM: {
      Config: [
        { Subnet: '198.51.100.0/24', Gateway: HOME.routerIPv4, IPRange: '198.51.100.64/26' },
        { Subnet: subnet, Gateway: gateway },
      ],
    },
    Options: { parent: HOME.uplink },
    Labels: { 'reprefix.subnet': LAN.suffix },
  })
}

/** Gives the router an address on the LAN. */
export async function addToRouter({ namespaces }: Lab, address: Address): Promise<void> {
  await run(['ip', '-n', namespaces.router, 'address', 'add', `${address}/80`, 'dev', 'lan'])
}

function addressesOf({ ipv4, ula }: LanContainer) {
  return { IPv4Address: ipv4, IPv6Address: ula }
}

/** Starts a container on the networks named, the first of which is its main one, and on the LAN. */
export async function startOnLan(
  lab: Lab,
  container: LanContainer,
  on: Readonly<Record<string, object>>,
): Promise<void> {
  const { api } = lab.home.docker
  const [first = ''] = Object.keys(on)
  await api.call('POST', `/containers/create?name=${container.name}`, {
    Image: 'reprefix-lab',
    Cmd: containerCommand(container.name),
    Labels: { 'reprefix.dns': container.domain, 'reprefix.expose': '80/tcp' },
    HostConfig: { NetworkMode: first },
    NetworkingConfig: { EndpointsConfig: { [first]: { IPAMConfig: on[first] } } },
  })
  if (first !== LAN.network) {
    await api.call('POST', `/networks/${LAN.network}/connect`, {
      Container: container.name,
      EndpointConfig: { IPAMConfig: addressesOf(container) },
    })
  }
  await startBeforeRouter(api, container.name)
}

/**
 * Starts a container. On the LAN a router advertisement can come between Docker's making of the
 * interface and its setting of the gateway, which Docker then reports as a failed start
 * ("file exists"); whoever runs the container starts it again.
 */
async function startBeforeRouter(api: DockerApi, name: string): Promise<void> {
  for (let left = 5; ; left -= 1) {
    try {
      await api.call('POST', `/containers/${name}/start`)
      return
    } catch (error) {
      const overtaken = String(error).includes('failed to set IPv6 gateway')
      if (!overtaken || left === 0) throw error
    }
  }
}

/** What a stranger gets from an address at once; `undefined` when it does not answer within two seconds. */
export async function pageFromOutside(
  { namespaces }: Lab,
  address: string,
): Promise<string | undefined> {
  const host = address.includes(':') ? `[${address}]` : address
  const argv = ['timeout', '2', 'busybox', 'wget', '-q', '-O', '-', `http://${host}/`]
  const { code, stdout } = await tryRun(inNamespace(namespaces.client, argv))
  return code === 0 ? stdout.trim() : undefined
}

/** One IPv6 address inside a container, as `ip -json` prints it. */
export interface InsideAddress {
  readonly local: string
  readonly deprecated?: boolean
  readonly mngtmpaddr?: boolean
}

/** The global addresses of a container on all its interfaces, those of Docker included. */
export async function insideAddresses(pid: number): Promise<readonly InsideAddress[]> {
  const argv = ['nsenter', '-t', `${pid}`, '-n', 'ip', '-6', '-json', 'address', 'show']
  const links = JSON.parse(await run(argv)) as {
    addr_info?: (InsideAddress & { scope?: string })[]
  }[]
  return links.flatMap(({ addr_info = [] }) => addr_info).filter(({ scope }) => scope === 'global')
}
