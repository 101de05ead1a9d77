import { type Address, parseAddress, parsePrefix, parseSuffix } from '../../shared/ipv6.ts'

/** How the names of a lab's network namespaces begin. */
export function namespacePrefix(id: string): string {
  return `rpl-${id}-`
}

/** The control group that holds a lab's containers. */
export function cgroupOf(id: string): string {
  return `reprefix-lab-${id}`
}

/** The part of the lab's internet that does not change. Documentation ranges (RFC 5737, RFC 3849). */
export const INTERNET = {
  routerIPv4: '203.0.113.1',
  routerIPv6: parseAddress('2001:db8:ffff::1'),
  clientIPv4: '203.0.113.20',
  clientIPv6: parseAddress('2001:db8:ffff::20'),
  dnsIPv4: '203.0.113.53',
  dnsIPv6: parseAddress('2001:db8:ffff::53'),
  cloudIPv4: '203.0.113.80',
  cloudIPv6: parseAddress('2001:db8:ffff::80'),
} as const

/** The home network. */
export const HOME = {
  routerIPv4: '198.51.100.1',
  serverIPv4: '198.51.100.10',
  uplink: 'eth0',
  /** Every prefix that the provider hands out lies in here. */
  range: parsePrefix('2001:db8::/34'),
  zone: 'example.org',
  network: 'home',
  bridge: 'br-home',
  /** The stable base: what Docker itself knows never changes. */
  ulaSubnet: parsePrefix('fd00:5eed:1:1:1::/80'),
  ipv4Subnet: '172.30.5.0/24',
  suffix: parseSuffix('::1:0:0:0/80'),
} as const

/** One container of the home server, as the lab makes it. */
export interface LabContainer {
  readonly name: string
  readonly domain: string
  readonly ipv4: string
  readonly ula: Address
  /** Port 80, published on the server's IPv4 address. */
  readonly httpPort: number
  /** Port 7, an echo service, published likewise. */
  readonly echoPort: number
}

const NAMES = [
  ['web', 'www'],
  ['api', 'api'],
  ['files', 'files'],
] as const

/** The first `count` containers; the first is `web`, known as www.example.org. */
export function labContainers(count: number): readonly LabContainer[] {
  return Array.from({ length: count }, (_, index) => {
    const [name, host] = NAMES[index] ?? [`app-${index + 1}`, `app-${index + 1}`]
    return {
      name,
      domain: `${host}.${HOME.zone}`,
      ipv4: `172.30.5.${101 + index}`,
      ula: parseAddress(`fd00:5eed:1:1:1::${(0x101 + index).toString(16)}`),
      httpPort: 8001 + index,
      echoPort: 7001 + index,
    }
  })
}

/** The container of that place in `labContainers`, from 0: one that a test makes by itself. */
export function labContainer(index: number): LabContainer {
  const container = labContainers(index + 1).at(-1)
  if (container === undefined) throw new RangeError(`no container ${index}`)
  return container
}
