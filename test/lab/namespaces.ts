import { inNamespace, run } from './command.ts'
import { HOME, INTERNET, namespacePrefix } from './lab-names.ts'

/** Names of a lab's network namespaces. */
export type Namespaces = Readonly<Record<'router' | 'home' | 'client' | 'dns' | 'cloud', string>>

/** The machines on the router's internet side. */
const HOSTS = [
  { host: 'client', ipv4: INTERNET.clientIPv4, ipv6: INTERNET.clientIPv6 },
  { host: 'dns', ipv4: INTERNET.dnsIPv4, ipv6: INTERNET.dnsIPv6 },
  { host: 'cloud', ipv4: INTERNET.cloudIPv4, ipv6: INTERNET.cloudIPv6 },
] as const

/** Writes kernel settings (paths below /proc/sys/net) in a network namespace. */
export async function setKernel(
  namespace: string,
  settings: Record<string, string>,
): Promise<void> {
  // The shell writes: /proc/sys/net shows the namespace of the process that opens it.
  const script = Object.entries(settings)
    .map(([key, value]) => `echo ${value} >/proc/sys/net/${key}`)
    .join(' && ')
  await run(inNamespace(namespace, ['sh', '-c', script]))
}

async function configure(namespace: string, lines: readonly string[]): Promise<void> {
  await run(['ip', '-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

/** Machines around the home server have fixed addresses: nobody else can own them, no DAD. */
export const NO_DAD = { 'ipv6/conf/all/accept_dad': '0', 'ipv6/conf/default/accept_dad': '0' }

async function makeRouter({ router, ...others }: Namespaces): Promise<void> {
  await setKernel(router, {
    ...NO_DAD,
    'ipv4/ip_forward': '1',
    'ipv6/conf/all/forwarding': '1',
  })
  await configure(router, [
    'link set lo up',
    // The provider's side: a switch between the router and the internet's machines.
    // A bridge without an address of its own takes the lowest of its ports': one that joins later would
    // take the router away from its neighbours, who do not ask again for up to 45 s.
    'link add wan address 02:00:00:00:00:01 type bridge',
    `address add ${INTERNET.routerIPv4}/24 dev wan`,
    `address add ${INTERNET.routerIPv6}/64 dev wan`,
    'link set wan up',
    ...HOSTS.flatMap(({ host }) => [
      `link add to-${host} type veth peer name eth0 netns ${others[host]}`,
      `link set to-${host} master wan up`,
    ]),
    // The home's side is a switch too: another router may join.
    'link add lan address 02:00:00:00:00:02 type bridge mcast_snooping 0',
    `link add to-home type veth peer name ${HOME.uplink} netns ${others.home}`,
    'link set to-home master lan up',
    `address add ${HOME.routerIPv4}/24 dev lan`,
    'link set lan up',
    // Prefixes not handed out: an answer at once instead of silence.
    `route add unreachable ${HOME.range}`,
  ])
}

async function makeHost(namespace: string, ipv4: string, ipv6: string): Promise<void> {
  await configure(namespace, [
    'link set lo up',
    'link set eth0 up',
    `address add ${ipv4}/24 dev eth0`,
    `address add ${ipv6}/64 dev eth0`,
    `route add default via ${INTERNET.routerIPv4}`,
    `route add default via ${INTERNET.routerIPv6}`,
  ])
}

async function makeHome(namespace: string): Promise<void> {
  await setKernel(namespace, {
    'ipv4/ip_forward': '1',
    'ipv6/conf/all/forwarding': '1',
    // 2: learn from the router although this host forwards itself.
    [`ipv6/conf/${HOME.uplink}/accept_ra`]: '2',
    [`ipv6/conf/${HOME.uplink}/proxy_ndp`]: '1',
  })
  await configure(namespace, [
    'link set lo up',
    `link set ${HOME.uplink} up`,
    `address add ${HOME.serverIPv4}/24 dev ${HOME.uplink}`,
    `route add default via ${HOME.routerIPv4}`,
  ])
}

/**
 * Makes the namespaces of lab `id` and wires them: the router between the home network and an
 * internet segment with the client, the DNS server and the cloud. Devices are made inside the
 * namespaces, so their short names cannot collide with those of another lab.
 */
export async function createNamespaces(id: string): Promise<Namespaces> {
  const prefix = namespacePrefix(id)
  const namespaces: Namespaces = {
    router: `${prefix}router`,
    home: `${prefix}home`,
    client: `${prefix}client`,
    dns: `${prefix}dns`,
    cloud: `${prefix}cloud`,
  }
  const names = Object.values(namespaces)
  await run(['ip', '-batch', '-'], {
    input: names.map((name) => `netns add ${name}\n`).join(''),
  })
  await Promise.all(HOSTS.map(({ host }) => setKernel(namespaces[host], NO_DAD)))
  await makeRouter(namespaces)
  await Promise.all([
    ...HOSTS.map(({ host, ipv4, ipv6 }) => makeHost(namespaces[host], ipv4, ipv6)),
    makeHome(namespaces.home),
  ])
  return namespaces
}
