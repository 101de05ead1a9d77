import { describe, expect, it } from 'vitest'
import { desire } from '../../../../agent/domain/desired.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import {
  address,
  attachment,
  container,
  NOW,
  network,
  observed,
  P1,
  P3,
  stateAt,
  uplink,
} from './host-simulator.ts'

import { nginx, OVERLAY, plan, problems } from './overlay-plan.ts'

describe('what is left out', () => {
  it.each([
    ['of a swarm', network('web', { driver: 'overlay' }), 'NETWORK_UNSUITABLE'],
    ['internal', network('web', { isInternal: true }), 'NETWORK_UNSUITABLE'],
    ['without a bridge', network('web', { bridgeIndex: null }), 'NETWORK_UNSUITABLE'],
  ])('a network that is %s', (_, one, code) => {
    const host = observed({ networks: [one], containers: [nginx()] })
    expect(problems(host)).toMatchObject([{ code, where: 'settings, docker.networks.web' }])
    expect(plan(host, stateAt(P1))).toEqual([])
  })

  it.each([
    ['no suffix', '2001:db8::/64'],
    ['nonsense', 'web'],
    ['shorter than the prefix', '::/48'],
    ['set host bits', '::1:0:0:1/80'],
    ['no room', '::1:0:0:0/128'],
  ])('a network whose label has %s', (_, label) => {
    const bad = network('bad', { labels: { 'reprefix.subnet': label } })
    const host = observed({ networks: [network('web'), bad], containers: [nginx()] })
    expect(problems(host)).toMatchObject([
      { code: 'SUBNET_INVALID', where: 'network bad, label reprefix.subnet' },
    ])
    expect(plan(host, stateAt(P1))).toHaveLength(2)
  })

  it('a network in the settings that does not exist', () => {
    expect(problems(observed({ networks: [] }))).toMatchObject([{ code: 'NETWORK_MISSING' }])
  })

  it.each([
    ['the one in the settings stays', network('aaa', label('::/79')), network('web'), 'aaa'],
    [
      'the first by name stays',
      network('x', label('::5:0:0:0/80')),
      network('y', label('::5:0:0:0/96')),
      'y',
    ],
    [
      'the numbered one stays',
      network('x', label('::5:0:0:0/80')),
      network('z', label('::5:0:0:0/80')),
      'x',
      'br-z',
    ],
  ])('of two overlapping networks: %s', (_, a, b, loser, numbered = 'br-none') => {
    const host = observed({
      networks: [a, b],
      routes: [{ subnet: parsePrefix('2001:db8:1:1:5::/80'), interface: numbered }],
    })
    const networks = a.name === 'aaa' ? OVERLAY.networks : {}
    const found = problems(host, stateAt(P1), { ...OVERLAY, networks })
    expect(found).toMatchObject([
      { code: 'SUBNET_OVERLAP', where: `network ${loser}, label reprefix.subnet` },
    ])
  })

  it('an overlapping network and everything on it stays as it is', () => {
    const late = container('late', [
      attachment('x', 'fd00::9', { addresses: [address('2001:db8:1:1:1::9')] }),
    ])
    const host = observed({
      networks: [network('web'), network('x', label('::1:0:0:0/80'))],
      containers: [late],
      routes: [
        { subnet: parsePrefix('2001:db8:1:1:1::/80'), interface: 'br-web' },
        { subnet: parsePrefix('2001:db8:1:1:1::/96'), interface: 'br-x' },
      ],
    })
    expect(plan(host, stateAt(P1))).toEqual([])
  })

  it.each([
    ['nonsense', 'web'],
    ['prefix bits', '2001:db8::1'],
    ['another subnet', '::2:0:0:1'],
    ['the anycast address', '::1:0:0:0'],
  ])('a container whose address label has %s', (_, text) => {
    const host = observed({
      containers: [
        container('bad', [attachment('web', 'fd00::5')], { 'reprefix.address': text }),
        nginx(),
      ],
    })
    expect(problems(host)).toMatchObject([
      { code: 'ADDRESS_INVALID', where: 'container bad, label reprefix.address' },
    ])
    expect(problems(host)[0]?.remedy).toContain('::1:0:0:2')
    expect(plan(host, stateAt(P1))).toHaveLength(2)
  })

  it('a container without IPv6, and one whose interface is not found', () => {
    const host = observed({
      containers: [
        container('four', [attachment('web', null)]),
        container('new', [attachment('web', 'fd00::7', { interface: null })]),
      ],
    })
    expect(problems(host)).toMatchObject([
      { code: 'CONTAINER_WITHOUT_IPV6', where: 'container four on network web' },
      { code: 'INTERFACE_MISSING', where: 'container new on network web' },
    ])
  })

  it('the second of two containers with one address, the one that has it staying', () => {
    const label = { 'reprefix.address': '::1:0:0:2' }
    const first = container('a', [attachment('web', 'fd00::5')], label)
    const second = container(
      'b',
      [attachment('web', 'fd00::6', { addresses: [address('2001:db8:1:1:1::2')] })],
      label,
    )
    const host = observed({ containers: [first, second] })
    expect(problems(host)).toMatchObject([
      { code: 'ADDRESS_TAKEN', where: 'container a on network web' },
    ])
  })

  it('a container at an address of the host itself', () => {
    const host = observed({
      uplinks: [uplink([address('2001:db8:1:1:1::101')])],
      containers: [nginx()],
    })
    expect(problems(host)).toMatchObject([{ code: 'ADDRESS_TAKEN' }])
    expect(plan(host, stateAt(P1))).toEqual(['route-add 2001:db8:1:1:1::/80 dev br-web'])
  })

  it('nothing of a former prefix that is current again', () => {
    const { desired } = desire(
      observed({ containers: [nginx()] }),
      stateAt(P1, [
        [P1, 'flash', 500],
        [P3, 'planned', 500],
      ]),
      OVERLAY,
      NOW,
    )
    const shown = desired.addresses.map((one) => `${one.address} ${one.isDeprecated}`)
    expect(shown).toEqual(['2001:db8:1:1:1::101 false', '2001:db8:3:3:1::101 true'])
  })
})

function label(text: string) {
  return { labels: { 'reprefix.subnet': text } }
}
