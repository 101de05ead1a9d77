import { type Address, suffixMask, suffixSubnetMask } from '../../shared/ipv6.ts'
import { splitLabel } from './claims.ts'
import type { PlacedContainer } from './container-placement.ts'
import { contestProblems, isHeldBack } from './firewall-contest.ts'
import { matchOf, narrow, renderMatch } from './ip6tables-match.ts'
import type {
  ContainerState,
  ExposedPort,
  FirewallState,
  Instant,
  Intent,
  Observed,
} from './model.ts'
import type { PlacedNetwork } from './placement.ts'
import type { Admitted, Problem } from './problem.ts'

/** The one chain of the filter table that is ours. */
export const CHAIN = 'REPREFIX'

/** On a container: ports open to the internet, separated by commas, such as `80/tcp,53/udp`. */
export const EXPOSE_LABEL = 'reprefix.expose'

/** What to do where both variants of iptables have rules. */
export const UNMIX =
  'use one of them: empty the other (ip6tables-legacy -F, or ip6tables-nft -F, and its policies to ACCEPT),' +
  ' or choose it with update-alternatives --config ip6tables; then restart Docker'

/**
 * ICMPv6 types that must not be filtered on the way to a host: destination unreachable, packet too
 * big, time exceeded, parameter problem, echo request and reply (RFC 4890 §4.3.1). Neighbour discovery
 * never crosses a router.
 */
const ICMPV6_TYPES = [1, 2, 3, 4, 128, 129]

/** One container interface and the ports to open on it. */
export interface ExposedHost {
  readonly host: Address
  readonly ports: readonly ExposedPort[]
}

/** One bridge and what is behind it. */
export interface FirewalledNetwork extends PlacedNetwork {
  readonly exposed: readonly ExposedHost[]
}

/**
 * Our chain and where it is hooked in, and problems. `null` where there is nothing to filter, and while
 * another program fights over its place: what is there of it stays as it is then.
 */
export function desireFirewall(
  observed: Observed,
  networks: readonly PlacedNetwork[],
  placed: readonly PlacedContainer[],
  intent: Intent,
  now: Instant,
): {
  readonly desired: { rules: readonly string[]; hook: FirewallState['hook'] } | null
  readonly problems: readonly Problem[]
} {
  if (intent.firewall.backend === 'none' || observed.firewall === null) {
    return { desired: null, problems: [] }
  }
  const { rules: before, hook, conflict, contest } = observed.firewall
  const problems: Problem[] = [...contestProblems(contest, now)]
  if (conflict !== undefined && networks.length > 0) {
    const where = 'packet filter'
    problems.push({ code: 'FIREWALL_MIXED', where, what: conflict, remedy: UNMIX })
  }
  const ports = new Map(
    observed.containers.map((container): [string, readonly ExposedPort[]] => {
      const label = readExposeLabel(container)
      problems.push(...label.problems)
      const settings = intent.endpoints.filter((endpoint) => endpoint.container === container.name)
      return [container.id, [...label.ports, ...settings.flatMap(({ expose }) => expose)]]
    }),
  )
  const firewalled = networks.map((network) => ({
    ...network,
    exposed: placed
      .filter((place) => place.network.id === network.network.id)
      .map(({ container, host }) => ({ host, ports: ports.get(container.id) ?? [] })),
  }))
  // No chain is made for nothing; one that is there is emptied, which lets everything pass it.
  if (networks.length === 0 && (before === null || before.length === 0)) {
    return { desired: null, problems }
  }
  const desired = { rules: renderRules(firewalled, intent), hook }
  return { desired: isHeldBack(contest, desired, now) ? null : desired, problems }
}

/**
 * Renders the rules of our chain exactly as `ip6tables -S` prints them back, so that text compares.
 *
 * No rule names the prefix: containers and subnets are matched by mask, below the prefix. Every rule is
 * bound to one of our bridges, so that nothing meant for other networks is decided here, and only the
 * last one of a bridge drops: new connections to its subnet, inside the ranges of `prefix.within`, to
 * ports that nobody has exposed. Traffic to Docker's own ULA addresses goes on to Docker's rules, and
 * from our containers only what leaves by their uplink is accepted, which keeps Docker's isolation.
 */
export function renderRules(
  networks: readonly FirewalledNetwork[],
  intent: Pick<Intent, 'firewall'>,
): readonly string[] {
  return networks
    .toSorted((a, b) => (a.network.bridge < b.network.bridge ? -1 : 1))
    .flatMap((network) => rulesOfBridge(network, intent))
}

function rulesOfBridge(
  { network, suffix, exposed, uplink, prefixLength, within }: FirewalledNetwork,
  intent: Pick<Intent, 'firewall'>,
): readonly string[] {
  const out = `-o ${network.bridge}`
  const inSubnet = matchOf(suffixSubnetMask(suffix, prefixLength))
  const subnet = renderMatch(inSubnet)
  const rest = intent.firewall.default === 'drop' ? 'DROP' : 'ACCEPT'
  const isTalking = network.allowsInterContainer !== false
  return [
    `${out} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    ...(isTalking ? [`-i ${network.bridge} ${out} -j ACCEPT`] : []),
    `-i ${network.bridge} -o ${uplink} -j ACCEPT`,
    ...ICMPV6_TYPES.map(
      (type) => `-d ${subnet} ${out} -p ipv6-icmp -m icmp6 --icmpv6-type ${type} -j ACCEPT`,
    ),
    ...exposed
      .filter(({ ports }) => ports.length > 0)
      .map(({ host, ports }) => ({ match: matchOf(suffixMask(host, prefixLength)), ports }))
      .toSorted((a, b) => (a.match.bits < b.match.bits ? -1 : 1))
      .flatMap(({ match, ports }) => {
        const destination = renderMatch(match)
        return distinct(ports).map(
          ({ port, protocol }) =>
            `-d ${destination} ${out} -p ${protocol} -m ${protocol} --dport ${port} -j ACCEPT`,
        )
      }),
    ...within.map((range) => `-d ${renderMatch(narrow(inSubnet, range))} ${out} -j ${rest}`),
  ].map((rule) => `-A ${CHAIN} ${rule}`)
}

function distinct(ports: readonly ExposedPort[]): readonly ExposedPort[] {
  const byKey = new Map(ports.map((port) => [`${port.protocol} ${port.port}`, port]))
  return [...byKey.values()].toSorted(
    (a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1),
  )
}

/** Untrusted text: what is no port is left out by itself, and stays closed. */
function readExposeLabel(container: ContainerState): {
  readonly ports: readonly ExposedPort[]
  readonly problems: readonly Problem[]
} {
  const parts = splitLabel(container.labels[EXPOSE_LABEL]).map(readPort)
  return {
    ports: parts.flatMap((part) => ('value' in part ? [part.value] : [])),
    problems: parts.flatMap((part) =>
      'fault' in part
        ? [
            {
              code: 'PORT_INVALID' as const,
              where: `container ${container.name}, label ${EXPOSE_LABEL}`,
              what: part.fault,
              remedy: 'write ports separated by commas, like 80/tcp,53/udp',
            },
          ]
        : [],
    ),
  }
}

function readPort(text: string): Admitted<ExposedPort> {
  const [, digits, protocol] = /^(\d{1,5})\/(tcp|udp)$/.exec(text) ?? []
  const port = Number(digits)
  if (!(port >= 1 && port <= 65_535)) return { fault: `${JSON.stringify(text)} is not a port` }
  return { value: { port, protocol: protocol === 'udp' ? 'udp' : 'tcp' } }
}
