import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { desire } from '../../../../agent/domain/desired.ts'
import { type FirewalledNetwork, renderRules } from '../../../../agent/domain/firewall-rules.ts'
import { parseAddress, parsePrefix, parseSuffix } from '../../../../shared/ipv6.ts'
import { COMBINATIONS, readGolden } from './firewall-combinations.ts'
import {
  attachment,
  container,
  INTENT,
  NOW,
  network,
  observed,
  P1,
  P2,
  stateAt,
} from './host-simulator.ts'

const exposed: FirewalledNetwork['exposed'] = [
  {
    host: parseAddress('::1:0:0:102'),
    ports: [
      { port: 443, protocol: 'tcp' },
      { port: 80, protocol: 'tcp' },
      { port: 443, protocol: 'udp' },
      { port: 80, protocol: 'tcp' },
    ],
  },
  { host: parseAddress('::1:0:0:101'), ports: [{ port: 53, protocol: 'udp' }] },
  { host: parseAddress('::1:0:0:103'), ports: [] },
]
const PLACE = { uplink: 'eth0', prefixLength: 64, within: INTENT.within }
const web: FirewalledNetwork = {
  network: network('web'),
  suffix: parseSuffix('::1:0:0:0/80'),
  exposed,
  ...PLACE,
}
const base: FirewalledNetwork = {
  network: network('base', { allowsInterContainer: false }),
  suffix: parseSuffix('::/80'),
  exposed: [
    { host: parseAddress('::2'), ports: [{ port: 22, protocol: 'tcp' }] },
    { host: parseAddress('::1:2'), ports: [{ port: 22, protocol: 'tcp' }] },
    { host: parseAddress('::ffff:1:2'), ports: [{ port: 22, protocol: 'tcp' }] },
  ],
  ...PLACE,
}
const wide: FirewalledNetwork = {
  network: network('wide'),
  suffix: parseSuffix('::7:0:0:0:0/64'),
  exposed: [],
  ...PLACE,
  prefixLength: 56,
}

const drop = { ...INTENT, firewall: { backend: 'ip6tables' as const, default: 'drop' as const } }
const accept = {
  ...INTENT,
  firewall: { backend: 'ip6tables' as const, default: 'accept' as const },
}

/** Every file is what `ip6tables -S REPREFIX` printed after these rules were loaded. */
const GOLDEN = [
  ['drop', [web], drop],
  ['accept', [web], accept],
  ['two-bridges', [web, base], drop],
  ['length-56', [wide], drop],
  [
    'two-ranges',
    [{ ...web, within: [parsePrefix('2001:db8:1:1::/64'), parsePrefix('fd00::/8')] }],
    drop,
  ],
  ['empty', [], drop],
] as const

function golden(name: string): readonly string[] {
  const path = new URL(`../../../fixtures/ip6tables/ip6tables-1.8.9-${name}.txt`, import.meta.url)
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('-A '))
}

describe('renderRules', () => {
  it.each(GOLDEN)('renders %s exactly as ip6tables prints it back', (name, networks, intent) => {
    expect(renderRules(networks, intent)).toEqual(golden(name))
  })

  it.each(COMBINATIONS.map((one) => [one.name, one] as const))(
    'renders %s as both variants of ip6tables print it back',
    (_, one) => {
      const rules = renderRules(one.networks, one.intent)
      expect(rules.length).toBeGreaterThan(0)
      expect(rules).toEqual(readGolden(one))
    },
  )

  it.each(GOLDEN)('binds every rule of %s to one of our bridges', (_, networks, intent) => {
    const names = networks.map((one) => one.network.bridge)
    for (const rule of renderRules(networks, intent)) {
      expect(
        names.some((name) => rule.includes(` -o ${name} `) || rule.includes(` -i ${name} `)),
      ).toBe(true)
      if (rule.endsWith('-j DROP')) expect(rule).toMatch(/ -d \S+ -o br-\S+ -j DROP$/)
    }
  })

  it('does not depend on the order in which things are found', () => {
    const turned = { ...web, exposed: exposed.toReversed() }
    expect(renderRules([base, turned], drop)).toEqual(renderRules([web, base], drop))
  })
})

describe('desireFirewall', () => {
  const host = (labels: Readonly<Record<string, string>>, firewall = observed().firewall) =>
    observed({ containers: [container('a', [attachment('web', 'fd00::101')], labels)], firewall })
  const rulesOf = (one = host({}), state = stateAt(P1), intent = drop) =>
    desire(one, state, intent, NOW).desired.firewall?.rules ?? []
  const openings = (rules: readonly string[]) => rules.filter((rule) => rule.includes('--dport'))

  it('opens the ports of the label and of the settings', () => {
    const endpoints = [
      { container: 'a', dns: [], expose: [{ port: 53, protocol: 'udp' as const }] },
    ]
    const rules = rulesOf(host({ 'reprefix.expose': '80/tcp, 443/tcp' }), stateAt(P1), {
      ...drop,
      endpoints,
    })
    expect(openings(rules)).toEqual(
      ['udp -m udp --dport 53', 'tcp -m tcp --dport 80', 'tcp -m tcp --dport 443'].map(
        (match) =>
          `-A REPREFIX -d ::1:0:0:101/::ffff:ffff:ffff:ffff -o br-web -p ${match} -j ACCEPT`,
      ),
    )
  })

  it('is the same for every prefix, and before there is one', () => {
    const one = host({ 'reprefix.expose': '80/tcp' })
    const rules = rulesOf(one, stateAt(P1))
    expect(rulesOf(one, stateAt(P2, [[P1, 'flash', 500]]))).toEqual(rules)
    expect(rulesOf(one, stateAt(null))).toEqual(rules)
  })

  it.each(['http', '80', '0/tcp', '65536/tcp', '80/sctp', '80/tcp -j ACCEPT', '8\n0/tcp'])(
    'keeps closed what the label writes as %j',
    (text) => {
      const one = host({ 'reprefix.expose': text })
      expect(openings(rulesOf(one))).toEqual([])
      expect(desire(one, stateAt(P1), drop, NOW).problems).toMatchObject([
        { code: 'PORT_INVALID', where: 'container a, label reprefix.expose' },
      ])
    },
  )

  it('makes no chain for nothing, and empties one that is there', () => {
    const bare = observed({ networks: [] })
    const intent = { ...drop, networks: {} }
    const firewall = (rules: readonly string[] | null) =>
      desire(
        { ...bare, firewall: { rules, hookedIn: null, hook: 'FORWARD' } },
        stateAt(P1),
        intent,
        NOW,
      ).desired.firewall
    expect(firewall(null)).toBe(null)
    expect(firewall([])).toBe(null)
    expect(firewall(['-A REPREFIX -j DROP'])).toEqual({ rules: [], hook: 'FORWARD' })
  })

  it('says that both variants of iptables have rules, where that keeps ours from being made', () => {
    const mixed = { rules: null, hookedIn: null, hook: 'FORWARD' as const, conflict: 'both' }
    const problemsOf = (one: Parameters<typeof desire>[0], intent = drop) =>
      desire(one, stateAt(P1), intent, NOW).problems.map(({ code }) => code)
    expect(problemsOf(host({}, mixed))).toEqual(['FIREWALL_MIXED'])
    expect(rulesOf(host({}, mixed))).not.toEqual([])
    const nothing = observed({ networks: [], firewall: mixed })
    expect(problemsOf(nothing, { ...drop, networks: {} })).toEqual([])
  })

  it('leaves the firewall alone where the settings say so', () => {
    const intent = { ...drop, firewall: { backend: 'none' as const, default: 'drop' as const } }
    expect(desire(host({}), stateAt(P1), intent, NOW).desired.firewall).toBe(null)
  })
})
