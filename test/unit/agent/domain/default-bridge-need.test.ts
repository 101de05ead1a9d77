import { describe, expect, it } from 'vitest'
import {
  type DefaultBridge,
  findDefaultBridge,
  planDefaultBridge,
} from '../../../../agent/domain/default-bridge-need.ts'
import { parsePrefix, parseSuffix } from '../../../../shared/ipv6.ts'
import { attachment, container, INTENT, NOW, network, observed, P2 } from './host-simulator.ts'

const FORMER = parsePrefix('2001:db8:1:1::/80')
const TO = parsePrefix('2001:db8:2:2::/80')
const BRIDGE: DefaultBridge = { to: TO, current: P2, within: INTENT.within, isInUse: false }
const file = (value: string) => `{\n\t"ipv6": true,\n\t"fixed-cidr-v6": "${value}"\n}\n`
const plan = (text: string, bridge = BRIDGE) => planDefaultBridge(bridge, text, '/d.json')

describe('the subnet of the default bridge in daemon.json', () => {
  it.each([
    ['2001:db8:1:1::/80', '2001:db8:1:1::/80'],
    ['2001:db8:1:1::/64', '2001:db8:1:1::/64'],
    ['2001:db8:1:1::1/80', '2001:db8:1:1::/80'],
    // Overlaps the new one without being in the current prefix.
    ['2001:db8:2::/48', '2001:db8:2::/48'],
  ])('%s of a former prefix is replaced, and nothing else', (value, from) => {
    expect(plan(file(value))).toEqual({ plan: { from, to: TO, text: file(TO) } })
  })

  it.each([
    ['a ULA', file('fd00:d::/80')],
    ['the current prefix', file('2001:db8:2:2:9::/80')],
    ['no subnet', '{"ipv6": true}'],
  ])('%s is left alone', (_, text) => expect(plan(text)).toEqual({ plan: null }))

  it('asks for a restart alone where the file is right and Docker is not', () => {
    const stale = { ...BRIDGE, stale: FORMER }
    expect(plan(file(TO), stale)).toEqual({ plan: { from: FORMER, to: TO, text: null } })
    expect(plan(file(TO))).toEqual({ plan: null })
  })

  it.each([
    ['no JSON', '{ // "fixed-cidr-v6"'],
    ['no subnet', file('mine')],
    ['IPv4', file('10.0.0.0/8')],
    ['a subnet that begins inside the new one', file('2001:db8:2:2::/63')],
  ])('is a problem: %s', (_, text) => {
    expect(plan(text)).toMatchObject({ problem: { code: 'SETTLE_REFUSED', where: '/d.json' } })
  })
})

describe('the default bridge', () => {
  const docker0 = network('bridge', { bridge: 'docker0', subnets: [FORMER] })
  const intent = { ...INTENT, networks: { bridge: parseSuffix('::/80') } }
  const numbering = {
    current: { prefix: P2, cause: 'flash', since: NOW },
    prefixes: [],
    retiring: [],
  } as const
  const state = { v: 2, uplinks: { eth0: numbering }, claims: [] } as const

  it('is found where it takes part', () => {
    const world = observed({ networks: [docker0], containers: [] })
    expect(findDefaultBridge(world, intent, state)).toEqual({ ...BRIDGE, stale: FORMER })
    expect(findDefaultBridge(world, INTENT, state)).toBe(null)
    expect(findDefaultBridge(world, intent, { ...state, uplinks: {} })).toBe(null)
  })

  it('is in use while any container runs, on whatever network', () => {
    const containers = [container('a', [attachment('web', 'fd00::2')])]
    const world = observed({ networks: [docker0], containers })
    expect(findDefaultBridge(world, intent, state)).toMatchObject({ isInUse: true })
  })
})
