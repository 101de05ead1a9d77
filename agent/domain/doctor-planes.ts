import { messageOf } from '../../shared/errors.ts'
import { type Address, contains, type Prefix } from '../../shared/ipv6.ts'
import { adviseDocker, adviseGateways, type DockerFacts } from './docker-advice.ts'
import { type Finding, fail, ok, type Read, warn } from './finding.ts'
import { UNMIX } from './firewall-rules.ts'
import type { Intent, NetworkState } from './model.ts'
import { renderNdppdConfig } from './ndppd-config.ts'
import type { Problem } from './problem.ts'

/** ndppd as it is installed and runs. */
export interface NdppdFacts {
  /** The version it prints, `null` where it is not installed. */
  readonly version: string | null
  readonly isRunning: boolean
  readonly configPath: string
  readonly configText: Read<string>
}

/** Which packet filter `ip6tables` writes to, and whether somebody uses the other one. */
export interface IptablesFacts {
  readonly version: string
  readonly variant: 'nft' | 'legacy'
  /** What is in the other filter; `null` where that is empty. */
  readonly conflict: string | null
}

/** Docker, its networks, and what is on its own bridge. */
export interface DockerHostFacts {
  readonly facts: DockerFacts
  /** All networks. */
  readonly networks: readonly NetworkState[]
  /** Names of those that take part. */
  readonly taking: readonly string[]
  readonly docker0: {
    readonly addresses: readonly Address[]
    /** Routes that are not ours. */
    readonly routes: readonly Prefix[]
  }
}

/** The planes of the host that a pass works on; `null` where the settings leave one to others. */
export interface PlaneFacts {
  readonly ndppd: NdppdFacts | null
  readonly iptables: Read<IptablesFacts> | null
  readonly docker: Read<DockerHostFacts>
  /** What a pass would leave out and go on without; `null` when a pass could not be planned. */
  readonly problems: Read<readonly Problem[]> | null
}

/** Both 0.2.4 and 0.2.5, the newest, print this. */
const NDPPD_PRINTED = '0.2.4'

/** Judges neighbour proxy, packet filter and Docker. */
export function judgePlanes(
  facts: PlaneFacts,
  intent: Pick<Intent, 'firewall' | 'within'>,
): readonly Finding[] {
  return [
    ...(facts.ndppd === null ? [] : judgeNdppd(facts.ndppd)),
    ...(facts.iptables === null ? [] : [judgeIptables(facts.iptables)]),
    ...judgeDocker(facts.docker, intent),
    ...(facts.problems === null ? [] : judgeProblems(facts.problems)),
  ]
}

function judgeNdppd(facts: NdppdFacts): readonly Finding[] {
  return [judgeNdppdProcess(facts), judgeNdppdConfig(facts)]
}

function judgeNdppdProcess({ version, isRunning, configPath }: NdppdFacts): Finding {
  if (version === null) return fail('ndppd', 'ndppd is not installed', 'apt-get install ndppd')
  if (!isRunning) {
    return fail(
      'ndppd',
      'ndppd does not run, so the router finds no container',
      `systemctl enable --now ndppd; if it does not stay: ndppd -vv -c ${configPath}`,
    )
  }
  if (version !== NDPPD_PRINTED) {
    return warn(
      'ndppd',
      `ndppd ${version} runs, which reprefix was not tested with`,
      'use the Debian package ndppd (0.2.5, which prints 0.2.4)',
    )
  }
  return ok('ndppd', 'ndppd runs (0.2.5 prints 0.2.4)')
}

function judgeNdppdConfig({ configPath, configText }: NdppdFacts): Finding {
  if ('fault' in configText) {
    return fail('ndppd-config', configText.fault, `mend its permissions: ls -l ${configPath}`)
  }
  try {
    renderNdppdConfig(configText.value)
  } catch (cause) {
    return fail(
      'ndppd-config',
      `${configPath}: ${messageOf(cause)}`,
      'mend it; until then it is neither changed nor restarted',
    )
  }
  if (/^\s*rule\b[^#\n]*\{[^}#]*\bauto\b/m.test(configText.value)) {
    return warn(
      'ndppd-config',
      `${configPath} has a rule of method auto, by which ndppd 0.2.5 answers for one container at a time and crashes at a solicitation right after its start`,
      'write iface BRIDGE instead of auto',
    )
  }
  return ok('ndppd-config', `${configPath} is readable`)
}

function judgeIptables(facts: Read<IptablesFacts>): Finding {
  if ('fault' in facts) {
    return fail('iptables', facts.fault, 'run it yourself: ip6tables -S')
  }
  const { version, variant, conflict } = facts.value
  if (conflict !== null) return fail('iptables', conflict, UNMIX)
  return ok('iptables', `ip6tables ${version} (${variant})`)
}

function judgeDocker(
  facts: Read<DockerHostFacts>,
  intent: Pick<Intent, 'firewall' | 'within'>,
): readonly Finding[] {
  if ('fault' in facts) {
    return [fail('docker', facts.fault, 'systemctl start docker, or correct docker.socket')]
  }
  const { networks, taking, facts: docker } = facts.value
  const part = networks.filter(({ name }) => taking.includes(name))
  const names = part.map(({ name }) => name).join(', ')
  const what = `Docker ${docker.version} answers`
  return [
    part.length > 0
      ? ok('docker', `${what}; taking part: ${names}`)
      : warn(
          'docker',
          `${what}, but no network takes part`,
          'name one in docker.networks, or give it the label reprefix.subnet',
        ),
    ...judgeReach(docker, part, intent),
    ...adviseGateways(part).map(({ where, what, remedy }) =>
      warn('docker-gateway', `${where}: ${what}`, remedy),
    ),
    judgeDocker0(facts.value),
  ]
}

function judgeReach(
  facts: DockerFacts,
  part: readonly NetworkState[],
  intent: Pick<Intent, 'firewall' | 'within'>,
): readonly Finding[] {
  if (part.length === 0) return []
  const advice = adviseDocker(facts, part, intent)
  if (advice.length === 0) {
    return [ok('docker-reach', 'nothing in Docker keeps containers from being reached')]
  }
  return advice.map(({ where, what, remedy }) => fail('docker-reach', `${where}: ${what}`, remedy))
}

/** Docker 20.10 and 26 leave addresses and routes of former subnets there for good. */
function judgeDocker0({ networks, docker0 }: DockerHostFacts): Finding {
  const subnets = networks.find(({ name }) => name === 'bridge')?.subnets ?? []
  const isForeign = (range: Address | Prefix) => !subnets.some((subnet) => contains(subnet, range))
  const addresses = docker0.addresses.filter(isForeign)
  const routes = docker0.routes.filter(isForeign)
  if (addresses.length + routes.length === 0) return ok('docker0', 'no leftovers on docker0')
  const commands = [
    ...addresses.map((address) => `ip -6 address del ${address} dev docker0`),
    ...routes.map((route) => `ip -6 route del ${route} dev docker0`),
  ]
  return warn(
    'docker0',
    `docker0 has what Docker does not know: ${[...addresses, ...routes].join(', ')}`,
    commands.join('; '),
  )
}

/** Problems that other findings tell already, and tell better. */
const TOLD: ReadonlySet<Problem['code']> = new Set([
  'PROXY_CONFIG_INVALID',
  'FIREWALL_MIXED',
  'DOCKER_FIREWALL',
  'GATEWAY_MODE',
])

function judgeProblems(problems: Read<readonly Problem[]>): readonly Finding[] {
  if ('fault' in problems) {
    return [fail('plan', problems.fault, 'mend that, then try: reprefix-agent plan')]
  }
  const untold = problems.value.filter(({ code }) => !TOLD.has(code))
  if (untold.length === 0) return [ok('plan', 'every network, container and name is used')]
  return untold.map(({ where, what, remedy }) => warn('plan', `${where}: ${what}`, remedy))
}
