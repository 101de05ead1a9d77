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
    name: 'no-prefix-yet/nothing',
    host: observed({ containers: [nginx()] }),
    state: stateAt(null),
    steps: [],
  },
  {
    name: 'stable-base/initial/address-then-route',
    host: observed({ containers: [nginx()] }),
    state: stateAt(P1),
    steps: [
      'address-add nginx 2001:db8:1:1:1::101 dev eth0',
      'route-add 2001:db8:1:1:1::/80 dev br-web',
    ],
  },
  {
    name: 'stable-base/by-label/the-same',
    host: observed({
      networks: [network('other', { labels: { 'reprefix.subnet': '::2:0:0:0/80' } })],
      containers: [container('db', [attachment('other', 'fd00:db8:0:1::5')])],
    }),
    state: stateAt(P1),
    intent: { ...OVERLAY, networks: {} },
    steps: [
      'address-add db 2001:db8:1:1:2::5 dev eth0',
      'route-add 2001:db8:1:1:2::/80 dev br-other',
    ],
  },
  {
    name: 'address-label/wins-over-docker',
    host: observed({
      containers: [
        container('nginx', [attachment('web', 'fd00:db8:0:1::101')], {
          'reprefix.address': '::1:0:0:2',
        }),
      ],
    }),
    state: stateAt(P1),
    steps: [
      'address-add nginx 2001:db8:1:1:1::2 dev eth0',
      'route-add 2001:db8:1:1:1::/80 dev br-web',
    ],
  },
  {
    name: 'flash/old-deprecated-after-the-new-is-made',
    host: observed({
      uplinks: [
        uplink([
          address('2001:db8:1:1::5e', {
            length: 64,
            isDynamic: true,
            preferredSeconds: 900,
            validSeconds: 5000,
          }),
          address('2001:db8:1:1::77', { length: 64 }),
          address('2001:db8:2:2::5e', {
            length: 64,
            isDynamic: true,
            preferredSeconds: 900,
            validSeconds: 5000,
          }),
        ]),
      ],
      containers: [
        container('nginx', [
          attachment('web', 'fd00:db8:0:1::101', {
            addresses: [address('fd00:db8:0:1::101'), address('2001:db8:1:1:1::101')],
          }),
        ]),
      ],
      routes: [{ subnet: parsePrefix('2001:db8:1:1:1::/80'), interface: 'br-web' }],
    }),
    state: stateAt(P2, [[P1, 'flash', 5000]]),
    steps: [
      'address-add nginx 2001:db8:2:2:1::101 dev eth0',
      'route-add 2001:db8:2:2:1::/80 dev br-web',
      'address-deprecate nginx 2001:db8:1:1:1::101 dev eth0 valid 5000',
      'uplink-deprecate 2001:db8:1:1::5e dev eth0 valid 5000',
    ],
  },
  {
    name: 'flash/container-started-afterwards/only-the-new-prefix',
    host: observed({ containers: [nginx()] }),
    state: stateAt(P2, [[P1, 'flash', 5000]]),
    steps: [
      'address-add nginx 2001:db8:2:2:1::101 dev eth0',
      'route-add 2001:db8:2:2:1::/80 dev br-web',
      'route-add 2001:db8:1:1:1::/80 dev br-web',
    ],
  },
  {
    name: 'planned/container-restarted-afterwards/old-one-too-but-deprecated',
    host: observed({ containers: [nginx()] }),
    state: stateAt(P2, [[P1, 'planned', 5000]]),
    steps: [
      'address-add nginx 2001:db8:2:2:1::101 dev eth0',
      'address-add nginx 2001:db8:1:1:1::101 dev eth0',
      'route-add 2001:db8:2:2:1::/80 dev br-web',
      'route-add 2001:db8:1:1:1::/80 dev br-web',
      'address-deprecate nginx 2001:db8:1:1:1::101 dev eth0 valid 5000',
    ],
  },
  {
    name: 'planned/uplink-is-left-to-the-kernel',
    host: observed({
      networks: [],
      uplinks: [uplink([address('2001:db8:1:1::5e', { length: 64, isDynamic: true })])],
    }),
    state: stateAt(P2, [[P1, 'planned', 5000]]),
    intent: { ...OVERLAY, networks: {} },
    steps: [],
  },
  {
    name: 'returns/preferred-again',
    host: observed({
      containers: [
        container('nginx', [
          attachment('web', 'fd00:db8:0:1::101', {
            addresses: [
              address('fd00:db8:0:1::101'),
              deprecatedAddress('2001:db8:1:1:1::101', 4000),
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
    state: stateAt(P1, [[P2, 'flash', 3000]]),
    steps: [
      'address-add nginx 2001:db8:1:1:1::101 dev eth0',
      'address-deprecate nginx 2001:db8:2:2:1::101 dev eth0 valid 3000',
    ],
  },
]

describe('desire and planSteps', () => {
  it.each(CASES)('$name', ({ host, state, intent, steps }) => {
    expect(plan(host, state, intent)).toEqual(steps)
  })

  it.each(CASES)('$name/applied-then-nothing', ({ host, state, intent = OVERLAY }) => {
    const after = applySteps(host, planSteps(desire(host, state, intent, NOW).desired, host))
    expect(plan(after, state, intent)).toEqual([])
  })
})
