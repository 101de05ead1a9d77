import { describe, expect, it } from 'vitest'
import type { AgentState, RememberedSubnet } from '../../../../agent/domain/agent-state.ts'
import { desire } from '../../../../agent/domain/desired.ts'
import { rememberSubnets } from '../../../../agent/domain/lan-networks.ts'
import type { Intent, NetworkState, Observed } from '../../../../agent/domain/model.ts'
import { parseAddress, parsePrefix, parseSuffix } from '../../../../shared/ipv6.ts'
import {
  address,
  attachment,
  container,
  deprecatedAddress,
  INTENT,
  NOW,
  network,
  observed,
  P1,
  P2,
  stateAt,
} from './host-simulator.ts'
import { OVERLAY as BESIDE, plan as planFor, problems as problemsOf } from './overlay-plan.ts'

const lan = (more: Partial<NetworkState> = {}) =>
  network('lan', {
    driver: 'macvlan',
    bridge: 'eth0',
    bridgeIndex: 2,
    labels: { 'reprefix.subnet': '::2:0:0:0/80' },
    subnets: [parsePrefix('fd00:db8:0:2::/80')],
    ...more,
  })
/** Networks take part by their labels. */
const OVERLAY: Intent = { ...BESIDE, networks: {} }
const plan = (world: Observed, state: AgentState, intent = OVERLAY) => planFor(world, state, intent)
const problems = (world: Observed, state = stateAt(P1), intent = OVERLAY) =>
  problemsOf(world, state, intent)
const OWN = 'fd00:db8:0:2::101'
const learntIn = (prefix: string, more: object = {}) =>
  address(`${prefix}:42:c6ff:fe33:6440`, {
    length: 64,
    preferredSeconds: 14_000,
    validSeconds: 86_000,
    isDynamic: true,
    isLearnt: true,
    ...more,
  })
const printer = (addresses = [address(OWN)]) =>
  container('printer', [attachment('lan', OWN, { addresses })])
const host = (more: Partial<Observed> = {}, one = lan()) =>
  observed({ networks: [one], containers: [printer()], ...more })
const other = (uplink: string, more: Partial<Intent> = {}): Intent => ({
  ...OVERLAY,
  others: [{ ...OVERLAY, uplink, ...more }],
})

describe('a network on the LAN', () => {
  it.each(['macvlan', 'ipvlan'])('is numbered inside its containers only: %s', (driver) => {
    expect(plan(host({}, lan({ driver })), stateAt(P1))).toEqual([
      'address-add printer 2001:db8:1:1:2::101 dev eth0',
    ])
  })

  it('is renumbered like any other, and what its kernel has learnt in the lost prefix goes out of use', () => {
    const addresses = [
      address(OWN),
      address('2001:db8:1:1:2::101'),
      learntIn('2001:db8:1:1'),
      learntIn('2001:db8:2:2'),
    ]
    const world = host({ containers: [printer(addresses)] })
    expect(plan(world, stateAt(P2, [[P1, 'flash', 600]]))).toEqual([
      'address-add printer 2001:db8:2:2:2::101 dev eth0',
      'address-deprecate printer 2001:db8:1:1:2::101 dev eth0 valid 600',
      'address-deprecate printer 2001:db8:1:1:42:c6ff:fe33:6440 dev eth0 valid 600',
    ])
  })

  it('leaves what its kernel has learnt alone where the router itself said what to do', () => {
    const addresses = [address(OWN), learntIn('2001:db8:1:1'), learntIn('2001:db8:2:2')]
    const world = host({ containers: [printer(addresses)] })
    const steps = plan(world, stateAt(P2, [[P1, 'planned', 600]]))
    expect(steps.filter((step) => step.includes('fe33'))).toEqual([])
  })

  it('leaves its temporary addresses to the kernel, which ends them with the address they are of', () => {
    const temporary = learntIn('2001:db8:1:1', { isTemporary: true })
    const world = host({ containers: [printer([address(OWN), temporary])] })
    expect(plan(world, stateAt(P2, [[P1, 'flash', 600]]))).toEqual([
      'address-add printer 2001:db8:2:2:2::101 dev eth0',
    ])
  })

  it('never removes what its kernel has learnt, whatever the subnet', () => {
    const whole = lan({ labels: { 'reprefix.subnet': '::/64' } })
    const addresses = [address(OWN), address('2001:db8:1:1::101'), learntIn('2001:db8:1:1')]
    const world = host({ containers: [printer(addresses)] }, whole)
    expect(plan(world, stateAt(P1))).toEqual([])
  })

  it('has an address that its kernel has made, where one is asked for that is just that', () => {
    const whole = lan({ labels: { 'reprefix.subnet': '::/64' } })
    const asks = { 'reprefix.address': '::42:c6ff:fe33:6440' }
    const at = attachment('lan', OWN, { addresses: [address(OWN), learntIn('2001:db8:1:1')] })
    const world = observed({ networks: [whole], containers: [container('printer', [at], asks)] })
    expect(plan(world, stateAt(P1))).toEqual([])
    expect(desire(world, stateAt(P1), OVERLAY, NOW).placed).toHaveLength(1)
  })

  it('is not in the firewall, the neighbour proxy or the routes, and a bridge beside it is', () => {
    const both = container('both', [
      attachment('web', 'fd00:db8:0:1::101'),
      attachment('lan', OWN, { interface: 'eth1' }),
    ])
    const networks = [network('web'), lan()]
    const world = host({ networks, containers: [both], neighbours: { entries: [], settings: [] } })
    const intent: Intent = { ...INTENT, proxy: 'kernel' }
    const { desired } = desire(world, stateAt(P1), intent, NOW)
    expect(desired.addresses.map((one) => `${one.interface} ${one.address}`)).toEqual([
      'eth1 2001:db8:1:1:2::101',
      'eth0 2001:db8:1:1:1::101',
    ])
    expect(desired.routes).toEqual([{ subnet: '2001:db8:1:1:1::/80', interface: 'br-web' }])
    expect(desired.neighbours?.entries).toEqual([
      { interface: 'eth0', address: '2001:db8:1:1:1::101' },
    ])
    expect(desired.firewall?.rules.join()).not.toContain('::2:0:0:')
  })

  it('is said to be unfiltered where something asks for a filter', () => {
    const said = (firewall: Intent['firewall']) =>
      problems(host(), stateAt(P1), { ...OVERLAY, firewall }).map(({ code, where }) => [
        code,
        where,
      ])
    const asked = [['UNFILTERED', 'network lan']]
    expect(said({ backend: 'ip6tables', default: 'drop' })).toEqual(asked)
    expect(said({ backend: 'ip6tables', default: 'accept' })).toEqual([])
    expect(said({ backend: 'none', default: 'drop' })).toEqual([])
  })
})

describe('a network on the LAN that is left out', () => {
  it.each([
    ['has no parent', lan({ bridge: '', bridgeIndex: null }), 'without a parent'],
    [
      'has a parent that is gone',
      lan({ bridgeIndex: null }),
      'its parent eth0 is not on this host',
    ],
    ['is internal', lan({ isInternal: true }), 'internal'],
    ['routes', lan({ driver: 'ipvlan', mode: 'l3' }), 'mode l3'],
    ['routes with its host’s rules', lan({ driver: 'ipvlan', mode: 'l3s' }), 'mode l3s'],
    ['is on another LAN', lan({ bridge: 'eth7' }), 'its parent is eth7'],
  ])('because it %s', (_, one, what) => {
    const found = problems(host({}, one))
    expect(found).toMatchObject([{ code: 'NETWORK_UNSUITABLE' }])
    expect(found[0]?.what).toContain(what)
    expect(plan(host({}, one), stateAt(P1))).toEqual([])
  })

  it('because its prefix is routed to this host, which cannot reach it', () => {
    const found = problems(host(), stateAt(P1), { ...OVERLAY, source: 'route' })
    expect(found).toMatchObject([{ code: 'NETWORK_UNSUITABLE' }])
    expect(found[0]?.what).toContain('routed to this host')
  })
})

describe('the uplink of a network on the LAN', () => {
  const uplinkOf = (one: NetworkState, intent: Intent) =>
    desire(host({}, one), stateAt(P1), intent, NOW).placed[0]?.uplink

  it('is its parent where that is one', () => {
    expect(uplinkOf(lan({ bridge: 'eth0.20' }), other('eth0.20'))).toBe('eth0.20')
    expect(uplinkOf(lan(), other('eth0.20'))).toBe('eth0')
  })

  it('is the one that its label names, also beside its parent', () => {
    const labels = { 'reprefix.subnet': '::2:0:0:0/80', 'reprefix.uplink': 'eth0' }
    expect(uplinkOf(lan({ bridge: 'eth7', labels }), OVERLAY)).toBe('eth0')
  })

  it('is the one that the settings name', () => {
    const intent = { ...other('eth1'), networkUplinks: { lan: 'eth1' } }
    expect(uplinkOf(lan({ bridge: 'eth7' }), intent)).toBe('eth1')
  })
})

describe('of two networks that want the same subnet', () => {
  it('the one stays whose containers have it, though no route says so', () => {
    const label = { 'reprefix.subnet': '::2:0:0:0/80' }
    const world = host({
      networks: [network('a', { labels: label }), lan()],
      containers: [printer([address(OWN), address('2001:db8:1:1:2::101')])],
    })
    const { placed } = desire(world, stateAt(P1), OVERLAY, NOW)
    expect(placed.map((one) => one.network.name)).toEqual(['lan'])
  })
})

describe('subnets that no route shows', () => {
  const subnet = (text: string): RememberedSubnet => ({
    networkId: 'id-lan',
    subnet: parsePrefix(text),
  })
  const [old, now] = [subnet('2001:db8:1:1:2::/80'), subnet('2001:db8:1:1:3::/80')]
  const left = printer([address(OWN), address('2001:db8:1:1:2::101')])

  it('are those in use, and former ones while something of ours is in them', () => {
    expect(rememberSubnets([old], [now], host({ containers: [left] }))).toEqual([old, now])
    expect(rememberSubnets([old], [now], host())).toEqual([now])
    expect(rememberSubnets([old, now], [now], host())).toEqual([now])
  })

  it('are kept while a container cannot be looked into', () => {
    const unknown = attachment('lan', OWN, { interface: null, addresses: [] })
    const world = host({ containers: [container('printer', [unknown])] })
    expect(rememberSubnets([old], [], world)).toEqual([old])
  })

  it('are forgotten with what the kernel and Docker keep there by themselves', () => {
    const addresses = [learntIn('2001:db8:1:1', { address: parseAddress('2001:db8:1:1:2::5') })]
    const at = attachment('lan', '2001:db8:1:1:2::101', { addresses })
    const world = host({ containers: [container('printer', [at])] })
    expect(rememberSubnets([old], [], world)).toEqual([])
  })

  it('show what is left where the subnet has changed, or the network takes part no more', () => {
    const state = { ...stateAt(P1), lan: [old] }
    const world = host({ containers: [left] }, lan({ labels: {} }))
    const removed = 'address-remove printer 2001:db8:1:1:2::101 dev eth0'
    expect(plan(world, state)).toEqual([removed])
    const intent = { ...OVERLAY, networks: { lan: parseSuffix('::3:0:0:0/80') } }
    expect(plan(world, state, intent)).toEqual([
      'address-add printer 2001:db8:1:1:3::101 dev eth0',
      removed,
    ])
    expect(plan(world, stateAt(P1))).toEqual([])
  })

  it('are told before they are in use', () => {
    const state = stateAt(P2, [[P1, 'flash', 600]])
    const deprecated = printer([address(OWN), deprecatedAddress('2001:db8:1:1:2::101', 600)])
    const world = host({ containers: [deprecated] })
    expect(desire(world, state, OVERLAY, NOW).desired.lan).toEqual([
      subnet('2001:db8:2:2:2::/80'),
      old,
    ])
  })
})
