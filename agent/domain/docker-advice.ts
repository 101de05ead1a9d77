import { addressOf, contains, type Prefix } from '../../shared/ipv6.ts'
import { isOnLan } from './lan-networks.ts'
import type { Intent, NetworkState } from './model.ts'
import type { Problem } from './problem.ts'

/** What Docker says of itself (`GET /info`), as far as it decides who reaches a container. */
export interface DockerFacts {
  /** As Docker writes it, such as `20.10.24+dfsg1`. */
  readonly version: string
  /** Containers go on while dockerd is restarted. */
  readonly isLiveRestore: boolean
  /** The packet filter that Docker writes its rules with; only 29 and newer know another than iptables. */
  readonly firewallBackend: 'iptables' | 'nftables'
}

/** The first Docker that filters IPv6 by itself and knows gateway modes. */
const FIRST_WITH_GATEWAY_MODES = 27

const GATEWAY_MODE_OPTION = 'com.docker.network.bridge.gateway_mode_ipv6'

/** The first number of a version; `null` where there is none to be read. */
export function majorVersion(version: string): number | null {
  const digits = /^(\d{1,4})\./.exec(version)?.[1]
  return digits === undefined ? null : Number(digits)
}

/**
 * Lists what a user must change in Docker so that the containers of `networks`, those that take part,
 * are reachable at their global addresses. Empty where nothing stands in the way. Docker 20.10 and 26
 * do not filter IPv6 at all; from 27 on Docker drops what is not published, and what it does to its own
 * addresses depends on the gateway mode of each network. Addresses of the overlay need only our chain.
 */
export function adviseDocker(
  facts: DockerFacts,
  networks: readonly NetworkState[],
  intent: Pick<Intent, 'firewall' | 'within'>,
): readonly Problem[] {
  const major = majorVersion(facts.version)
  if (major === null || major < FIRST_WITH_GATEWAY_MODES) return []
  const bridges = networks.filter(({ driver, isInternal }) => driver === 'bridge' && !isInternal)
  if (bridges.length === 0) return []
  return [
    ...adviseFilter(facts, intent),
    ...bridges.flatMap((network) => adviseNetwork(network, intent.within)),
  ]
}

/**
 * Networks on the LAN to whose containers Docker gives a default route that may lead to nobody: it makes
 * up an IPv6 gateway where none is named (20.10, 26.1 and 28.5 do). The container then waits for that one
 * before it takes the router that it has learnt.
 */
export function adviseGateways(networks: readonly NetworkState[]): readonly Problem[] {
  return networks
    .filter((network) => isOnLan(network) && network.hasGateway === false)
    .filter(({ subnets, isInternal }) => subnets.length > 0 && !isInternal)
    .map(({ name, subnets }) => ({
      code: 'GATEWAY_UNNAMED',
      where: `network ${name}`,
      what: `it names no IPv6 gateway, so Docker gives its containers a default route to the first address of ${subnets[0]}, whether or not that is a router: their first answer takes 3 s where it is not`,
      remedy: "create it anew with --gateway and the router's address in that subnet",
    }))
}

function adviseFilter(
  { version, firewallBackend }: DockerFacts,
  { firewall }: Pick<Intent, 'firewall'>,
): readonly Problem[] {
  if (firewallBackend === 'nftables') {
    return [
      {
        code: 'DOCKER_FIREWALL',
        where: 'daemon.json, firewall-backend',
        what: `Docker ${version} filters with nftables, where no accepting rule of others counts`,
        remedy: 'set "firewall-backend": "iptables" in daemon.json and restart Docker',
      },
    ]
  }
  if (firewall.backend === 'ip6tables') return []
  return [
    {
      code: 'DOCKER_FIREWALL',
      where: 'settings, firewall.backend',
      what: `Docker ${version} drops what reaches containers at addresses it did not give them`,
      remedy: 'set firewall.backend to ip6tables, or accept the traffic in DOCKER-USER yourself',
    },
  ]
}

function adviseNetwork(
  { name, gatewayMode = 'nat', subnets }: NetworkState,
  within: readonly Prefix[],
): readonly Problem[] {
  const own = subnets.find((subnet) => isGlobal(subnet, within))
  if (gatewayMode === 'routed' || (own === undefined && gatewayMode !== 'isolated')) return []
  const what =
    gatewayMode === 'isolated'
      ? 'its gateway mode is isolated, so nothing outside this host reaches it'
      : gatewayMode === 'nat-unprotected'
        ? `Docker translates what containers send from ${own}, its own subnet`
        : `Docker drops what reaches containers in ${own}, its own subnet, and translates what they send`
  return [
    {
      code: 'GATEWAY_MODE',
      where: `network ${name}, option ${GATEWAY_MODE_OPTION}`,
      what,
      remedy:
        gatewayMode === 'isolated'
          ? 'create it anew with that option set to routed, or without it'
          : 'create it anew with a subnet of its own that never changes, such as fd00:1::/80' +
            ' (recommended), or with that option set to routed',
    },
  ]
}

/** True for a subnet inside what prefixes are taken from, as opposed to a ULA. */
export function isGlobal(subnet: Prefix, within: readonly Prefix[]): boolean {
  return within.some((range) => contains(range, addressOf(subnet)))
}
