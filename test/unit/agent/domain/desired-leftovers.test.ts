import { describe, expect, it } from 'vitest'
import type { AgentState } from '../../../../agent/domain/agent-state.ts'
import { desire } from '../../../../agent/domain/desired.ts'
import type { Intent, Observed } from '../../../../agent/domain/model.ts'
import { planSteps } from '../../../../agent/domain/plan.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import {
  address,
  applySteps,
  attachment,
  container,
  deprecatedAddress,
  NOW,
  network,
  numberingAt,
  observed,
  P1,
  P2,
  stateAt,
  uplink,
} from './host-simulator.ts'

import { nginx, OVERLAY, plan } from './overlay-plan.ts'

interface Case {
  readonly name: string
  readonly host: Observed
  readonly state: AgentState
  readonly intent?: Intent
  readonly steps: readonly string[]
}

const CASES: readonly Case[] = [
  {
    name: 'expired/leftovers-removed',
    host: observed({
      containers: [
        container('nginx', [
          attachment('web', 'fd00:db8:0:1::101', {
            addresses: [
              address('fd00:db8:0:1::101'),
              deprecatedAddress('2001:db8:1:1:1::101', null),
              address('2001:db8:2:2:1::101'),
            ],
          }),
        ]),
      ],
      routes: [
        { subnet: parsePrefix('2001:db8:1:1:1::/80'), interface: 'br-web' },
        { subnet: parsePrefix('2001:db8:2:2:1::/80'), interface: 'br-web' },
      ],
    }),
    state: stateAt(P2, [[P1, 'planned', -1]]),
    steps: [
      'address-remove nginx 2001:db8:1:1:1::101 dev eth0',
      'route-remove 2001:db8:1:1:1::/80 dev br-web',
    ],
  },
  {
    name: 'prefix-in-docker/its-own-address-is-there-already',
    host: observed({
      networks: [network('web', { subnets: [parsePrefix('2001:db8:1:1:1::/80')] })],
      containers: [container('nginx', [attachment('web', '2001:db8:1:1:1::101')])],
    }),
    state: stateAt(P1),
    steps: [],
  },
  {
    name: 'prefix-in-docker/renumbered/deprecated-but-never-removed',
    host: observed({
      networks: [network('web', { subnets: [parsePrefix('2001:db8:1:1:1::/80')] })],
      containers: [container('nginx', [attachment('web', '2001:db8:1:1:1::101')])],
    }),
    state: stateAt(P2, [[P1, 'flash', 5000]]),
    steps: [
      'address-add nginx 2001:db8:2:2:1::101 dev eth0',
      'route-add 2001:db8:2:2:1::/80 dev br-web',
      'address-deprecate nginx 2001:db8:1:1:1::101 dev eth0 valid forever',
    ],
  },
  {
    name: 'prefix-in-docker/of-another-subnet/deprecated-too',
    host: observed({
      networks: [network('web', { subnets: [parsePrefix('2001:db8:1:1:9::/80')] })],
      containers: [container('nginx', [attachment('web', '2001:db8:1:1:9::101')])],
      routes: [{ subnet: parsePrefix('2001:db8:2:2:1::/80'), interface: 'br-web' }],
    }),
    state: stateAt(P2, [[P1, 'flash', -5]]),
    steps: [
      'address-add nginx 2001:db8:2:2:1::101 dev eth0',
      'address-deprecate nginx 2001:db8:1:1:9::101 dev eth0 valid forever',
    ],
  },
  {
    name: 'address-label-changed/the-former-one-goes',
    host: observed({
      containers: [
        container(
          'nginx',
          [
            attachment('web', 'fd00:db8:0:1::101', {
              addresses: [address('fd00:db8:0:1::101'), address('2001:db8:1:1:1::2')],
            }),
          ],
          { 'reprefix.address': '::1:0:0:3' },
        ),
      ],
      routes: [{ subnet: parsePrefix('2001:db8:1:1:1::/80'), interface: 'br-web' }],
    }),
    state: stateAt(P1),
    steps: [
      'address-add nginx 2001:db8:1:1:1::3 dev eth0',
      'address-remove nginx 2001:db8:1:1:1::2 dev eth0',
    ],
  },
  {
    name: 'address-label-nonsense/left-as-it-is',
    host: observed({
      containers: [
        container(
          'nginx',
          [
            attachment('web', 'fd00:db8:0:1::101', {
              addresses: [address('fd00:db8:0:1::101'), address('2001:db8:1:1:1::2')],
            }),
          ],
          { 'reprefix.address': '::9:0:0:3' },
        ),
      ],
      routes: [{ subnet: parsePrefix('2001:db8:1:1:1::/80'), interface: 'br-web' }],
    }),
    state: stateAt(P1),
    steps: [],
  },
  {
    name: 'subnet-moved/everything-of-the-former-one-goes',
    host: observed({
      networks: [network('web', { labels: { 'reprefix.subnet': '::4:0:0:0/80' } })],
      containers: [
        container('nginx', [
          attachment('web', 'fd00:db8:0:1::101', {
            addresses: [address('fd00:db8:0:1::101'), address('2001:db8:1:1:1::101')],
          }),
        ]),
      ],
      routes: [{ subnet: parsePrefix('2001:db8:1:1:1::/80'), interface: 'br-web' }],
    }),
    state: stateAt(P1),
    intent: { ...OVERLAY, networks: {} },
    steps: [
      'address-add nginx 2001:db8:1:1:4::101 dev eth0',
      'route-add 2001:db8:1:1:4::/80 dev br-web',
      'address-remove nginx 2001:db8:1:1:1::101 dev eth0',
      'route-remove 2001:db8:1:1:1::/80 dev br-web',
    ],
  },
  {
    name: 'subnet-moved/to-another-network/its-route-goes-last',
    host: observed({
      networks: [network('web'), network('old', { labels: {} })],
      containers: [
        container('nginx', [
          attachment('old', 'fd00:db8:0:2::101', {
            addresses: [address('fd00:db8:0:2::101'), address('2001:db8:1:1:1::101')],
          }),
        ]),
      ],
      routes: [{ subnet: parsePrefix('2001:db8:1:1:1::/80'), interface: 'br-old' }],
    }),
    state: stateAt(P1),
    steps: [
      'address-remove nginx 2001:db8:1:1:1::101 dev eth0',
      'route-move 2001:db8:1:1:1::/80 dev br-web',
    ],
  },
  {
    name: 'former-prefix-refreshed-a-little/containers-untouched',
    host: observed({
      containers: [
        container('nginx', [
          attachment('web', 'fd00:db8:0:1::101', {
            addresses: [
              address('fd00:db8:0:1::101'),
              address('2001:db8:2:2:1::101'),
              deprecatedAddress('2001:db8:1:1:1::101', 6000),
            ],
          }),
        ]),
      ],
      routes: [
        { subnet: parsePrefix('2001:db8:1:1:1::/80'), interface: 'br-web' },
        { subnet: parsePrefix('2001:db8:2:2:1::/80'), interface: 'br-web' },
      ],
    }),
    state: stateAt(P2, [[P1, 'planned', 7200]]),
    steps: [],
  },
  {
    name: 'former-prefix-ends-earlier/shortened',
    host: observed({
      containers: [
        container('nginx', [
          attachment('web', 'fd00:db8:0:1::101', {
            addresses: [
              address('fd00:db8:0:1::101'),
              address('2001:db8:2:2:1::101'),
              deprecatedAddress('2001:db8:1:1:1::101', 80_000),
            ],
          }),
        ]),
      ],
      routes: [
        { subnet: parsePrefix('2001:db8:1:1:1::/80'), interface: 'br-web' },
        { subnet: parsePrefix('2001:db8:2:2:1::/80'), interface: 'br-web' },
      ],
    }),
    state: stateAt(P2, [[P1, 'planned', 7200]]),
    steps: ['address-deprecate nginx 2001:db8:1:1:1::101 dev eth0 valid 7200'],
  },
  {
    name: 'routes-of-others/left-alone',
    host: observed({
      routes: [
        { subnet: parsePrefix('2001:db8:1:1:1::/80'), interface: 'br-web' },
        { subnet: parsePrefix('2001:db8:1:1:8::/80'), interface: 'virbr0' },
        { subnet: parsePrefix('2001:db8:9::/64'), interface: 'br-web' },
      ],
    }),
    state: stateAt(P1),
    steps: [],
  },
  {
    name: 'length-56/a-subnet-with-its-own-number',
    host: observed({ containers: [nginx()] }),
    state: stateAt(parsePrefix('2001:db8:0:100::/56')),
    intent: { ...OVERLAY, prefixLength: 56, networks: { web: '::7:0:0:0:0/64' as never } },
    steps: [
      'address-add nginx 2001:db8:0:107:0:0:0:101 dev eth0'.replace(':0:0:0:', '::'),
      'route-add 2001:db8:0:107::/64 dev br-web',
    ],
  },
]

describe('desire and planSteps, with leftovers', () => {
  it.each(CASES)('$name', ({ host, state, intent, steps }) => {
    expect(plan(host, state, intent)).toEqual(steps)
  })

  it.each(CASES)('$name/applied-then-nothing', ({ host, state, intent = OVERLAY }) => {
    const after = applySteps(host, planSteps(desire(host, state, intent, NOW).desired, host))
    expect(plan(after, state, intent)).toEqual([])
  })

  it('removes what was numbered from a prefix of another length, once another one is taken', () => {
    const subnet = parsePrefix('2001:db8:0:107::/64')
    const host = observed({
      containers: [
        container('nginx', [
          attachment('web', 'fd00:db8:0:1::101', {
            addresses: [
              address('fd00:db8:0:1::101'),
              address('2001:db8:0:107::101', { length: 64 }),
            ],
          }),
        ]),
      ],
      routes: [{ subnet, interface: 'br-web' }],
    })
    const long = parsePrefix('2001:db8:0:100::/56')
    expect(plan(host, stateAt(long))).toEqual([])
    expect(plan(host, stateAt(P1, [[long, 'planned', 500]]))).toEqual([
      'address-add nginx 2001:db8:1:1:1::101 dev eth0',
      'route-add 2001:db8:1:1:1::/80 dev br-web',
      'address-remove nginx 2001:db8:0:107::101 dev eth0',
      'route-remove 2001:db8:0:107::/64 dev br-web',
    ])
  })

  it('stops deprecating the uplink in a former prefix that is announced again', () => {
    const host = observed({
      uplinks: [uplink([address('2001:db8:1:1::5e', { length: 64, isDynamic: true })])],
    })
    const numbering = numberingAt(P2, [[P1, 'flash', 5000]])
    const entry = {
      prefix: P1,
      firstSeen: NOW - 9000,
      appeared: NOW - 9000,
      lastNoticed: NOW - 500,
      refreshes: 2,
      recentRefreshes: [],
      lifetimeMs: null,
      preferredUntil: null,
      validUntil: null,
      isEligible: true,
    }
    const deprecatedWith = (lastRefreshed: number) => {
      const prefixes = [{ ...entry, lastRefreshed }]
      return desire(host, { uplinks: { eth0: { ...numbering, prefixes } } }, OVERLAY, NOW).desired
    }
    expect(deprecatedWith(NOW - 5000).uplink).toHaveLength(1)
    expect(deprecatedWith(NOW - 500).uplink).toEqual([])
  })
})
