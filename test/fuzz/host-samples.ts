import { readFileSync } from 'node:fs'
import { type Attribute, encodeRequest, uint32 } from '../../agent/adapters/netlink-message.ts'
import { ADDRESS_BYTES, KIND, LINK, NEIGHBOUR, ROUTE } from '../../agent/adapters/rtnetlink.ts'
import { setAddress, setRoute } from '../../agent/adapters/rtnetlink-requests.ts'
import { CLASS, encodeQuery, encodeRecord, encodeValue, TYPE } from '../../cloud/dns/dns-message.ts'
import { parseAddress, parsePrefix } from '../../shared/ipv6.ts'
import { answerTo, now, tsigKey } from '../unit/cloud/dns/signed-answers.ts'

export const TSIG_KEY = tsigKey
export const NOW = now

function fixture(path: string): string {
  return readFileSync(`test/fixtures/${path}`, 'utf8')
}

export const IP_ADDRESS = ['initial', 'flash-temp', 'temp-graceful'].map((name) =>
  fixture(`ip/ip-6.1.0-${name}.addr.json`),
)
export const IP_ROUTE = [
  ...['initial', 'flash'].map((name) => fixture(`ip/ip-6.1.0-${name}.route.json`)),
  JSON.stringify([
    { type: 'unreachable', dst: '2001:db8:1::/56', protocol: 'dhcp', expires: 3600 },
    { dst: 'default', protocol: 'ra', nexthops: [{ gateway: 'fe80::1', dev: 'eth0' }] },
  ]),
]
export const IP6TABLES = [
  fixture('ip6tables/ip6tables-1.8.9-two-bridges.txt'),
  '-P INPUT ACCEPT\n-P FORWARD DROP\n-N DOCKER-USER\n-A DOCKER-USER -j REPREFIX\n',
  'ip6tables v1.8.9 (nf_tables)\n',
]
export const PROC_NET = [
  '20010db8000100000000000000000001 02 40 00 80     eth0\nfe800000000000000000000000000001 02 40 20 80 eth0\n',
  '20010db8000100000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000400 00000001 00000000 00000001     eth0\n',
]
export const NDPPD = [
  '',
  'route-ttl 30000\nproxy eth0 {\n  router yes\n  rule 2001:db8::/64 { static }\n}\n',
  '# proxy eth0 {\n/* a { */ proxy "eth1" { ttl = 5 rule ::/0 { iface br-x } }\n// end',
]
export const DELEGATIONS = [
  '2001:db8:1::/56\n',
  '# from the router\n2001:db8:1::/56 preferred 3600 valid 7200\n2001:db8:2::/60 preferred infinity valid infinity\n',
]
export const DAEMON_JSON = [
  '{}',
  '{"ipv6": true, "fixed-cidr-v6": "2001:db8:1::/64"}',
  '{\n  "log-opts": {"fixed-cidr-v6": "x", "a": [1, {"b": null}]},\n  "fixed-cidr-v6": "fd00::/64"\n}\n',
]
export const ANSWERS = [
  '{"entry":"{}","proof":"","consistency":[],"result":{"outcomes":[]}}',
  '{"status":"pending","retryAfterSeconds":2}',
  '{"type":"about:blank","title":"t","status":401,"code":"USE_NONCE","detail":"d","nonce":"n"}',
  '{"code":"SEQUENCE_STALE","detail":"d","seq":1772366400000}',
]

const ID = 'aaaaaaaaaaaabbbbccccddddeeee'
export const DOCKER_NETWORKS = [
  {
    Id: ID,
    Name: 'web',
    Driver: 'bridge',
    Scope: 'local',
    Internal: false,
    EnableIPv4: true,
    EnableIPv6: true,
    IPAM: {
      Driver: 'default',
      Options: {},
      Config: [
        { Subnet: '172.18.0.0/16', Gateway: '172.18.0.1' },
        { Subnet: '2001:db8:1:1::/80', Gateway: '2001:db8:1:1::1', AuxiliaryAddresses: { a: 'b' } },
      ],
    },
    Options: {
      'com.docker.network.bridge.name': 'br-web',
      'com.docker.network.bridge.gateway_mode_ipv6': 'routed',
    },
    Labels: { 'reprefix.suffix': '::1:0:0:0/80' },
  },
  { Id: ID, Name: 'lan', Driver: 'macvlan', Options: { parent: 'eth0', macvlan_mode: 'bridge' } },
]
const ENDPOINT = {
  NetworkID: ID,
  IPAMConfig: { IPv6Address: '2001:db8:1:1::5', LinkLocalIPs: ['fe80::1'] },
  Aliases: ['web', ID.slice(0, 12)],
  Links: null,
  DriverOpts: { a: 'b' },
  GwPriority: 1,
  IPAddress: '172.18.0.5',
  GlobalIPv6Address: '2001:db8:1:1::5',
  MacAddress: '02:42:AC:12:00:05',
}
export const DOCKER_CONTAINERS = [
  {
    Id: ID,
    Names: ['/web', '/other/web'],
    Labels: { 'reprefix.name': 'www.example.org' },
    NetworkSettings: { Networks: { web: ENDPOINT } },
  },
]
export const DOCKER_INFO = {
  ServerVersion: '29.7.2',
  LiveRestoreEnabled: true,
  ContainersRunning: 3,
  FirewallBackend: { Driver: 'nftables+firewalld' },
}
export const DOCKER_CONTAINER = {
  Id: ID,
  Name: '/web',
  State: { Running: true, Restarting: false, Status: 'running', Error: '', Pid: 42 },
  Config: { MacAddress: '' },
  HostConfig: { NetworkMode: 'web' },
  NetworkSettings: { Networks: { web: ENDPOINT } },
}

/** What the kernel sends for links, addresses, routes and neighbours. */
export function netlink(): readonly Uint8Array[] {
  const address = parseAddress('2001:db8:1::5')
  const lasting = { index: 2, address, length: 64, flags: 0x80, preferred: 1800, valid: 3600 }
  const bytes = Buffer.alloc(ADDRESS_BYTES, 7)
  const body = (length: number) => Buffer.alloc(length, 2)
  const hop = Buffer.concat([Buffer.from([28, 0, 0, 0, 2, 0, 0, 0, 20, 0, 5, 0]), bytes])
  const multipath: readonly Attribute[] = [
    [ROUTE.destination, bytes],
    [ROUTE.table, uint32(254)],
    [ROUTE.cacheInfo, Buffer.alloc(32, 1)],
    [ROUTE.multipath, Buffer.concat([hop, hop])],
  ]
  const route = Buffer.from([10, 64, 0, 0, 254, 9, 0, 1, 0, 0, 0, 0])
  const requests = [
    setAddress(lasting),
    setRoute(parsePrefix('2001:db8:1:1::/80'), 3, 9),
    { type: KIND.newRoute, flags: 0, body: route, attributes: multipath },
    {
      type: KIND.newLink,
      flags: 0,
      body: body(LINK.bodyBytes),
      attributes: [
        [LINK.name, Buffer.from('eth0\0')],
        [LINK.address, bytes.subarray(0, 6)],
      ] as const,
    },
    {
      type: KIND.newNeighbour,
      flags: 0,
      body: body(NEIGHBOUR.bodyBytes),
      attributes: [
        [NEIGHBOUR.destination, bytes],
        [NEIGHBOUR.protocol, Buffer.from([9])],
      ] as const,
    },
  ]
  const messages = requests.map((request, index) => encodeRequest(request, index))
  return [...messages, Buffer.concat(messages)]
}

/** What a DNS server answers. */
export function dns(): readonly Uint8Array[] {
  const query = encodeQuery(7, 'www.example.org', TYPE.AAAA)
  const record = { name: 'www.example.org', type: TYPE.AAAA, class: CLASS.IN, ttl: 60 }
  const answers = [
    encodeRecord({ ...record, rdata: encodeValue('AAAA', '2001:db8::1') }),
    encodeRecord({ ...record, type: TYPE.TXT, rdata: encodeValue('TXT', 'text') }),
  ]
  const mac = new Uint8Array(32)
  return [
    answerTo(query, mac, {}),
    answerTo(query, mac, { answers }),
    answerTo(query, mac, { error: 18, serverTime: now }),
  ]
}
