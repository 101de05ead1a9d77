import { contains, lengthOf, overlaps, type Prefix } from '../../shared/ipv6.ts'
import { type Finding, fail, ok, type Read, warn } from './finding.ts'
import type { UplinkIntent } from './model.ts'

/** Kernel settings of one uplink; `null` where the kernel has no such setting. */
export interface UplinkSettings {
  readonly forwarding: number | null
  readonly acceptRa: number | null
  readonly proxyNdp: number | null
  readonly proxyDelay: number | null
  readonly maxAddresses: number | null
}

/** One uplink as it is now. */
export interface UplinkFacts {
  readonly intent: UplinkIntent
  readonly isPresent: boolean
  readonly isUp: boolean
  readonly settings: UplinkSettings
  /** Usable prefixes in sight, and how many addresses the kernel keeps there. */
  readonly prefixes: readonly Prefix[]
  readonly addressCount: number
  /** Whether its prefix comes by router advertisements, as opposed to a file, route or command. */
  readonly isAdvertised: boolean
  /** Why its source says nothing, `null` when it does. */
  readonly unknown: string | null
}

/** A rule of the host's policy routing. */
export interface RuleFacts {
  /** `null` for every source. */
  readonly source: Prefix | null
  readonly table: string
}

/** The kernel's table of IPv6 neighbours, which all network namespaces of a machine share. */
export interface NeighbourTable {
  readonly entries: number
  /** How many it holds at most (gc_thresh3). */
  readonly limit: number
  /** How often it has been full since the machine started. */
  readonly timesFull: number
}

/** The uplinks and how packets leave by them. */
export interface NetworkFacts {
  readonly forwardsIPv6: boolean
  readonly uplinks: readonly UplinkFacts[]
  readonly rules: Read<readonly RuleFacts[]>
  readonly proxy: 'ndppd' | 'kernel' | 'none'
  /** `null` inside a network namespace, where the kernel does not tell. */
  readonly neighbours: NeighbourTable | null
}

const CONF = 'net.ipv6.conf'
const FILE = '/etc/sysctl.d/90-reprefix.conf'
const ENOUGH_ADDRESSES = 64
const ENOUGH_NEIGHBOURS = 8192

/** The interface's part of a kernel setting's name: a dot in it is written as a slash. */
function inSetting(interfaceName: string): string {
  return interfaceName.replaceAll('.', '/')
}

/** Sets a kernel setting now and for the next start. */
function set(name: string, value: number): string {
  return `sysctl -w ${name}=${value}, and put ${name} = ${value} into ${FILE}`
}

/** Judges the uplinks, and what the kernel does with what arrives there. */
export function judgeNetwork(facts: NetworkFacts): readonly Finding[] {
  const present = facts.uplinks.filter(({ isPresent }) => isPresent)
  return [
    ...facts.uplinks.map(judgeUplink),
    facts.forwardsIPv6
      ? ok('forwarding', 'the host forwards IPv6')
      : fail(
          'forwarding',
          'the host does not forward IPv6, so no container is reached',
          set(`${CONF}.all.forwarding`, 1),
        ),
    ...present.filter(({ isAdvertised }) => isAdvertised).map((up) => judgeAcceptRa(up, facts)),
    ...present.filter(({ isAdvertised }) => isAdvertised).map(judgeMaxAddresses),
    ...present.map(judgePrefix),
    ...(facts.neighbours === null ? [] : [judgeNeighbours(facts.neighbours)]),
    ...judgeRouting(facts),
    ...(facts.proxy === 'kernel' ? present.flatMap(judgeKernelProxy) : []),
  ]
}

function judgeUplink({ intent: { uplink }, isPresent, isUp }: UplinkFacts): Finding {
  if (!isPresent) {
    return fail(
      'uplink',
      `there is no interface ${uplink}`,
      'correct its name in the settings (ip link shows what there is), or plug it in',
    )
  }
  if (!isUp) return fail('uplink', `${uplink} is down`, `ip link set ${uplink} up`)
  return ok('uplink', `${uplink} is up`)
}

/** A forwarding kernel listens to router advertisements only when told so explicitly. */
function judgeAcceptRa(uplink: UplinkFacts, { forwardsIPv6 }: NetworkFacts): Finding {
  const { settings, prefixes, intent } = uplink
  const name = `${CONF}.${inSetting(intent.uplink)}.accept_ra`
  const isForwarding = forwardsIPv6 || settings.forwarding === 1
  const value = settings.acceptRa
  if (value === 2 || (value === 1 && !isForwarding)) {
    return ok('accept-ra', `${intent.uplink} listens to router advertisements (accept_ra ${value})`)
  }
  const what = `the kernel ignores router advertisements on ${intent.uplink} (accept_ra ${value ?? 'unset'}, forwarding ${isForwarding ? 'on' : 'off'})`
  if (value === 0 && prefixes.length > 0) {
    return warn(
      'accept-ra',
      `${what}, yet it has an address: another program seems to handle them`,
      `let that program keep the lifetimes right, or ${set(name, 2)}`,
    )
  }
  return fail('accept-ra', what, set(name, 2))
}

/** The kernel ignores a new prefix while so many announced addresses are valid. */
function judgeMaxAddresses({ settings, addressCount, intent }: UplinkFacts): Finding {
  const limit = settings.maxAddresses
  const name = `${CONF}.${inSetting(intent.uplink)}.max_addresses`
  if (limit === null || limit === 0 || limit >= ENOUGH_ADDRESSES) {
    return ok('max-addresses', `${intent.uplink} may have ${limit || 'any number of'} addresses`)
  }
  const what = `${intent.uplink} may have ${limit} addresses and has ${addressCount}: after that it ignores a new prefix`
  const remedy = set(name, ENOUGH_ADDRESSES)
  return addressCount >= limit
    ? fail('max-addresses', what, remedy)
    : warn('max-addresses', what, remedy)
}

/** Each container has one entry for each of its addresses, in every prefix that still works. */
function judgeNeighbours({ entries, limit, timesFull }: NeighbourTable): Finding {
  const table = 'net.ipv6.neigh.default'
  const remedy = `${set(`${table}.gc_thresh3`, ENOUGH_NEIGHBOURS)}; likewise ${table}.gc_thresh2 = ${ENOUGH_NEIGHBOURS / 2}`
  const what = `the kernel knows ${entries} IPv6 neighbours, of at most ${limit}`
  if (limit >= ENOUGH_NEIGHBOURS) return ok('neighbours', what)
  if (timesFull > 0) {
    const detail = `${what}, and had no room for another one ${timesFull} times: those were not reached`
    return fail('neighbours', detail, remedy)
  }
  return entries * 2 > limit ? warn('neighbours', what, remedy) : ok('neighbours', what)
}

function judgePrefix({ intent, prefixes, isAdvertised, unknown }: UplinkFacts): Finding {
  const range = intent.within.join(', ')
  if (prefixes.length > 0) {
    return ok('prefix', `${prefixes.join(', ')} in sight on ${intent.uplink}`)
  }
  if (unknown !== null) {
    return fail(
      'prefix',
      `no prefix for ${intent.uplink}: ${unknown}`,
      'mend its source (prefix.source in the settings); until then everything stays as it is',
    )
  }
  const from = isAdvertised ? 'the router announces one' : 'its source names one'
  return fail(
    'prefix',
    `no usable prefix on ${intent.uplink}: none of length ${intent.prefixLength} inside ${range}`,
    `see whether ${from} (ip -6 address show dev ${intent.uplink}), and correct prefix.length and prefix.within in the settings`,
  )
}

/** Answers from a prefix of one provider are dropped by every other: they must leave by their own. */
function judgeRouting({ uplinks, rules }: NetworkFacts): readonly Finding[] {
  const [, ...others] = uplinks
  if (others.length === 0) return []
  if ('fault' in rules) {
    return [warn('policy-routing', rules.fault, 'look at it yourself: ip -6 rule show')]
  }
  return others.flatMap(({ intent, prefixes }) => {
    const sourced = rules.value.flatMap(({ source }) => source ?? [])
    const unruled = prefixes.filter((prefix) => !sourced.some((source) => covers(source, prefix)))
    if (prefixes.length === 0) return []
    if (unruled.length === 0) {
      return [ok('policy-routing', `answers from ${prefixes.join(', ')} have a route of their own`)]
    }
    const range = intent.within.find((within) => lengthOf(within) > 3) ?? unruled[0]
    return [
      warn(
        'policy-routing',
        `no rule sends answers from ${unruled.join(', ')} out by ${intent.uplink}: its provider’s addresses would leave by another`,
        `ip -6 rule add from ${range} lookup 100, and a default route by ${intent.uplink} in table 100`,
      ),
    ]
  })
}

function covers(source: Prefix, prefix: Prefix): boolean {
  return overlaps(source, prefix) && contains(source, prefix)
}

function judgeKernelProxy({ intent, settings }: UplinkFacts): readonly Finding[] {
  const name = `${CONF}.${inSetting(intent.uplink)}.proxy_ndp`
  const delay = `net.ipv6.neigh.${inSetting(intent.uplink)}.proxy_delay`
  return [
    settings.proxyNdp === 1
      ? ok('proxy-ndp', `the kernel answers for neighbours on ${intent.uplink}`)
      : warn(
          'proxy-ndp',
          `the kernel does not answer for containers on ${intent.uplink}`,
          `the agent's next pass sets it; where it may not: ${set(name, 1)}`,
        ),
    settings.proxyDelay === 0 || settings.proxyDelay === null
      ? ok('proxy-delay', 'it answers at once')
      : warn(
          'proxy-delay',
          `it waits up to ${settings.proxyDelay * 10} ms before each answer on ${intent.uplink}`,
          set(delay, 0),
        ),
  ]
}
