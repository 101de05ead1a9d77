import { describe, expect, it } from 'vitest'
import { type AgentState, numberingOf } from '../../../../agent/domain/agent-state.ts'
import { claimAt, collectNames, rememberClaims } from '../../../../agent/domain/claims.ts'
import { desire } from '../../../../agent/domain/desired.ts'
import type { Intent, Observed, UplinkIntent } from '../../../../agent/domain/model.ts'
import { UNNUMBERED } from '../../../../agent/domain/numbering.ts'
import { planSteps } from '../../../../agent/domain/plan.ts'
import { passUplinks } from '../../../../agent/domain/uplink-pass.ts'
import { adoptUplinks } from '../../../../agent/domain/uplinks.ts'
import { parseAddress, parsePrefix, parseSuffix } from '../../../../shared/ipv6.ts'
import { parseName } from '../../../../shared/rrset.ts'
import {
  address,
  applySteps,
  attachment,
  container,
  INTENT,
  NOW,
  network,
  numberingAt,
  observed,
  P1,
  P2,
  P3,
  uplink,
} from './host-simulator.ts'
import { OVERLAY, plan } from './overlay-plan.ts'

const Q1 = parsePrefix('2001:db8:7:700::/56')
const WAN: UplinkIntent = {
  uplink: 'wan1',
  prefixLength: 56,
  within: [parsePrefix('2001:db8::/32')],
  settleMs: 100,
  source: 'slaac',
}

const two = (base: Intent): Intent => ({
  ...base,
  others: [WAN],
  networks: { web: parseSuffix('::1:0:0:0/80'), iot: parseSuffix('0:0:0:12::/64') },
  networkUplinks: { iot: 'wan1' },
})

const announced = (text: string) =>
  address(text, { length: 64, isDynamic: true, preferredSeconds: 900, validSeconds: 5000 })

const both = container('both', [
  attachment('web', 'fd00::101'),
  attachment('iot', 'fd00::102', { interface: 'eth1' }),
])

function host(more: Partial<Observed> = {}): Observed {
  return observed({
    uplinks: [
      uplink([announced('2001:db8:1:1::5e')]),
      uplink([announced('2001:db8:7:7ab::5e')], { interface: 'wan1' }),
    ],
    networks: [network('web'), network('iot', { bridgeIndex: 8 })],
    containers: [both],
    ...more,
  })
}

const stateOf = (uplinks: AgentState['uplinks']): AgentState => ({ v: 2, uplinks, claims: [] })
const numbered = stateOf({ eth0: numberingAt(P1), wan1: numberingAt(Q1) })

describe('several uplinks', () => {
  it('decides each by itself, with its own length and ranges', () => {
    const { main, others } = passUplinks(stateOf({}), host(), two(INTENT), NOW)
    expect(main).toMatchObject({ uplink: 'eth0', decision: { kind: 'renumber', to: P1 } })
    expect(others).toMatchObject([{ uplink: 'wan1', decision: { kind: 'renumber', to: Q1 } }])
  })

  it('holds on one that is missing, with all that was known of it, and goes on with the others', () => {
    const unknown = 'there is no interface wan1'
    const missing = uplink([], { interface: 'wan1', isPresent: false, unknown })
    const known = passUplinks(stateOf({}), host(), two(INTENT), NOW)
    const before = { eth0: UNNUMBERED, wan1: known.others[0]?.numbering ?? UNNUMBERED }
    const without = host({ uplinks: [uplink([announced('2001:db8:2:2::5e')]), missing] })
    const { main, others } = passUplinks(stateOf(before), without, two(INTENT), NOW + 5000)
    expect(main.decision).toMatchObject({ kind: 'renumber', to: P2 })
    expect(others[0]?.decision).toEqual({ kind: 'hold', reason: `${unknown}; ${Q1} is kept` })
    expect(others[0]?.numbering).toEqual(before.wan1)
  })

  it('numbers each network from the uplink that the settings or its label name', () => {
    const byLabel = host({
      networks: [
        network('web'),
        network('iot', { bridgeIndex: 8, labels: { 'reprefix.uplink': 'wan1' } }),
      ],
    })
    for (const [at, intent] of [
      [host(), two(OVERLAY)],
      [byLabel, { ...two(OVERLAY), networkUplinks: {} }],
    ] as const) {
      expect(plan(at, numbered, intent)).toEqual([
        'address-add both 2001:db8:7:712::102 dev eth1',
        'address-add both 2001:db8:1:1:1::101 dev eth0',
        'route-add 2001:db8:7:712::/64 dev br-iot',
        'route-add 2001:db8:1:1:1::/80 dev br-web',
      ])
    }
  })

  it('refuses a network that names an unknown uplink, and leaves it as it is', () => {
    const at = host({
      networks: [network('web', { labels: { 'reprefix.uplink': 'wan9' } })],
      containers: [
        container('a', [
          attachment('web', 'fd00::1', { addresses: [address('2001:db8:1:1:1::9')] }),
        ]),
      ],
    })
    const { desired, problems } = desire(at, numbered, { ...OVERLAY, others: [WAN] }, NOW)
    expect(problems).toMatchObject([
      {
        code: 'UPLINK_UNKNOWN',
        what: 'it names the uplink "wan9", and the settings have eth0, wan1',
      },
    ])
    expect(planSteps(desired, at)).toEqual([])
  })

  it('takes away what a network had before it was moved to another uplink', () => {
    const at = host({
      networks: [network('iot', { bridgeIndex: 8 })],
      containers: [container('a', [attachment('iot', 'fd00::1')])],
    })
    const intent = { ...two(OVERLAY), networks: { iot: parseSuffix('0:0:0:12::/64') } }
    const wide = { ...intent, prefixLength: 56, networkUplinks: {} }
    const state = stateOf({
      eth0: numberingAt(parsePrefix('2001:db8:1:100::/56')),
      wan1: numberingAt(Q1),
    })
    const before = applySteps(at, planSteps(desire(at, state, wide, NOW).desired, at))
    expect(plan(before, state, { ...wide, networkUplinks: { iot: 'wan1' } })).toEqual([
      'address-add a 2001:db8:7:712::1 dev eth0',
      'route-add 2001:db8:7:712::/64 dev br-iot',
      'address-remove a 2001:db8:1:112::1 dev eth0',
      'route-remove 2001:db8:1:112::/64 dev br-iot',
    ])
  })

  it('accepts what leaves by the uplink of its network, and proxies on uplinks that are there', () => {
    const at = host()
    const { desired } = desire(at, numbered, two(INTENT), NOW)
    expect(desired.firewall?.rules).toContain('-A REPREFIX -i br-web -o eth0 -j ACCEPT')
    expect(desired.firewall?.rules).toContain('-A REPREFIX -i br-iot -o wan1 -j ACCEPT')
    expect(desired.proxy?.bridges).toEqual(['br-iot', 'br-web'])
    const [first] = at.uplinks
    const missing = uplink([], { interface: 'wan1', isPresent: false })
    const without = host({ uplinks: [...(first ? [first] : []), missing] })
    // ndppd hangs at its start where an interface is missing.
    const { proxy } = desire(without, numbered, two(INTENT), NOW).desired
    expect(proxy?.bridges).toEqual(['br-web'])
    expect(proxy?.configText).not.toContain('wan1')
  })

  it('deprecates the own addresses of the uplink that was renumbered alone', () => {
    const state = stateOf({ eth0: numberingAt(P1), wan1: numberingAt(P3, [[Q1, 'flash', 5000]]) })
    const { uplink: wanted } = desire(host(), state, two(OVERLAY), NOW).desired
    expect(wanted).toMatchObject([{ interface: 'wan1', address: '2001:db8:7:7ab::5e' }])
  })
})

describe('claims on several uplinks', () => {
  const names = () => {
    const www = container('both', both.attachments, { 'reprefix.dns': 'www.example.org' })
    const at = host({ containers: [www] })
    const endpoints = [
      {
        address: parseAddress('::5:0:0:7'),
        uplink: 'wan1',
        dns: [parseName('nas.example.org')],
        expose: [],
      },
    ]
    const intent = { ...two(INTENT), endpoints }
    const { placed } = desire(at, numbered, intent, NOW)
    return rememberClaims([], collectNames(at.containers, placed, intent).names, NOW)
  }

  it('put the prefix of each network in front', () => {
    const prefixOf = (name: string) => numberingOf(numbered, name).current?.prefix ?? null
    expect(claimAt(prefixOf, names()).claims).toMatchObject([
      { name: 'nas.example.org', values: ['2001:db8:7:700:5::7'] },
      { name: 'www.example.org', values: ['2001:db8:1:1:1::101', '2001:db8:7:712::102'] },
    ])
  })

  it('leave out what an uplink without a prefix would add', () => {
    const prefixOf = (name: string) => (name === 'eth0' ? P1 : null)
    expect(claimAt(prefixOf, names()).claims).toMatchObject([
      { name: 'www.example.org', values: ['2001:db8:1:1:1::101'] },
    ])
  })
})

describe('adoptUplinks', () => {
  const claim = {
    name: parseName('www.example.org'),
    uplink: 'old0',
    hosts: [parseAddress('::1')],
    missingSince: null,
  }

  it('leaves a state alone whose uplinks are all in the settings', () => {
    expect(adoptUplinks(numbered, two(INTENT), NOW)).toBe(numbered)
    const one = stateOf({ eth0: numberingAt(P1) })
    expect(adoptUplinks(one, two(INTENT), NOW)).toBe(one)
  })

  it('follows an interface that was renamed', () => {
    const lan = [{ networkId: 'id-lan', subnet: P3 }]
    const numbering = numberingAt(P1, [[P2, 'flash', 500]])
    const before = { ...stateOf({ old0: numbering }), claims: [claim], lan }
    expect(adoptUplinks(before, INTENT, NOW)).toEqual({
      v: 2,
      uplinks: { eth0: numberingAt(P1, [[P2, 'flash', 500]]) },
      claims: [{ ...claim, uplink: 'eth0' }],
      lan,
    })
  })

  it('takes the prefixes of an uplink that is no longer named for former ones of the main one', () => {
    const mine = { ...claim, uplink: 'eth0', hosts: [parseAddress('::2')] }
    const before = {
      ...stateOf({ eth0: numberingAt(P1), old0: numberingAt(P3, [[P2, 'planned', 500]]) }),
      claims: [mine, claim],
    }
    const { uplinks, claims } = adoptUplinks(before, INTENT, NOW)
    expect(Object.keys(uplinks)).toEqual(['eth0'])
    expect(uplinks.eth0?.retiring.map(({ prefix }) => prefix)).toEqual([P3, P2])
    expect(uplinks.eth0?.current?.prefix).toBe(P1)
    expect(claims).toEqual([mine])
  })
})
