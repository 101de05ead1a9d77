import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { desire } from '../../../../agent/domain/desired.ts'
import type { Intent, NeighbourEntry, Observed } from '../../../../agent/domain/model.ts'
import { planSteps } from '../../../../agent/domain/plan.ts'
import { STAGES } from '../../../../agent/domain/step.ts'
import { parseAddress } from '../../../../shared/ipv6.ts'
import { hosts, states } from './arbitrary-host.ts'
import {
  applySteps,
  attachment,
  container,
  INTENT,
  NOW,
  network,
  observed,
  P1,
  P2,
  stateAt,
  uplink,
} from './host-simulator.ts'

const KERNEL: Intent = { ...INTENT, proxy: 'kernel' }
const READY = { interface: 'eth0', isReady: true, isWritable: true }
const NEW1 = '2001:db8:1:1:1::101'
const NEW2 = '2001:db8:2:2:1::101'

function entry(address: string, more: Partial<NeighbourEntry> = {}): NeighbourEntry {
  return { interface: 'eth0', address: parseAddress(address), isOurs: true, ...more }
}

function host(entries: readonly NeighbourEntry[] = [], more: Partial<Observed> = {}): Observed {
  return observed({
    containers: [container('a', [attachment('web', 'fd00::101')])],
    proxy: null,
    neighbours: { entries, settings: [READY] },
    ...more,
  })
}

const plan = (one: Observed, state = stateAt(P1), intent = KERNEL) =>
  planSteps(desire(one, state, intent, NOW).desired, one)
const ndp = (one: Observed, state = stateAt(P1), intent = KERNEL) =>
  plan(one, state, intent).flatMap((step) =>
    step.kind === 'neighbour-add' || step.kind === 'neighbour-remove'
      ? [`${step.kind} ${step.address} ${step.interface}`]
      : step.kind === 'neighbour-enable'
        ? [`${step.kind} ${step.interface}`]
        : [],
  )

describe('the kernel neighbour proxy', () => {
  it('has an entry before the container has the address', () => {
    const kinds = plan(host()).map(({ kind }) => kind)
    expect(kinds).toEqual(['firewall-set', 'neighbour-add', 'address-add', 'route-add'])
    expect(ndp(host())).toEqual([`neighbour-add ${NEW1} eth0`])
    expect(STAGES.at(-1)).toBe('neighbour-remove')
  })

  it('answers for the former prefix too, until it is drained', () => {
    const one = host()
    const first = applySteps(one, plan(one))
    const renumbered = stateAt(P2, [[P1, 'flash', 500]])
    expect(ndp(first, renumbered)).toEqual([`neighbour-add ${NEW2} eth0`])
    const both = applySteps(first, plan(first, renumbered))
    expect(ndp(both, renumbered)).toEqual([])
    expect(ndp(both, stateAt(P2, [[P1, 'flash', -1]]))).toEqual([`neighbour-remove ${NEW1} eth0`])
  })

  it('puts back what a link that went down has lost', () => {
    const one = host()
    const first = applySteps(one, plan(one))
    const flapped = { ...first, neighbours: { entries: [], settings: [READY] } }
    expect(plan(flapped).map(({ kind }) => kind)).toEqual(['neighbour-add'])
  })

  it('takes away the entry of a container that has ended', () => {
    expect(ndp(host([entry(NEW1)], { containers: [] }))).toEqual([`neighbour-remove ${NEW1} eth0`])
  })

  it.each([
    ['of somebody else', [entry(NEW1, { isOurs: false }), entry('2001:db8::9', { isOurs: false })]],
    ['that serves already', [entry(NEW1)]],
  ])('leaves an entry %s alone', (_, entries) => {
    expect(ndp(host(entries))).toEqual([])
  })

  it('takes away nothing while the prefix is not known, or a container is left as it is', () => {
    expect(ndp(host([entry(NEW1)]), stateAt(null))).toEqual([])
    const unread = [
      container('a', [attachment('web', 'fd00::101', { interface: null, addresses: [] })]),
    ]
    expect(ndp(host([entry(NEW1)], { containers: unread }))).toEqual([])
  })

  it('adds nothing on an uplink that is not there', () => {
    const gone = [uplink([], { isPresent: false, unknown: 'there is no interface eth0' })]
    expect(ndp(host([], { uplinks: gone }))).toEqual([])
  })

  it('uses the uplink of each network', () => {
    const [iot] = [
      network('iot', { labels: { 'reprefix.subnet': '::2:0:0:0/80', 'reprefix.uplink': 'wan1' } }),
    ]
    const one = host([], {
      uplinks: [uplink([]), uplink([], { interface: 'wan1' })],
      networks: [network('web'), iot].filter((each) => each !== undefined),
      containers: [
        container('a', [
          attachment('web', 'fd00::101'),
          attachment('iot', 'fd01::102', { interface: 'eth1' }),
        ]),
      ],
    })
    const { prefixLength, within, settleMs, source } = INTENT
    const others = [{ uplink: 'wan1', prefixLength, within, settleMs, source }]
    const state = {
      ...stateAt(P1),
      uplinks: { ...stateAt(P1).uplinks, wan1: stateAt(P2).uplinks.eth0 ?? expect.fail() },
    }
    expect(ndp(one, state, { ...KERNEL, others }).toSorted()).toEqual([
      `neighbour-add ${NEW1} eth0`,
      'neighbour-add 2001:db8:2:2:2::102 wan1',
    ])
  })

  it('switches proxying on, or says how where it cannot', () => {
    const off = { ...READY, isReady: false }
    const one = host([], { neighbours: { entries: [], settings: [off] } })
    expect(ndp(one)).toEqual(['neighbour-enable eth0', `neighbour-add ${NEW1} eth0`])
    expect(ndp(applySteps(one, plan(one)))).toEqual([])
    const fixed = host([], {
      neighbours: { entries: [], settings: [{ ...off, isWritable: false }] },
    })
    expect(ndp(fixed)).toEqual([`neighbour-add ${NEW1} eth0`])
    expect(desire(fixed, stateAt(P1), KERNEL, NOW).problems).toMatchObject([
      { code: 'PROXY_SETTING_READONLY', remedy: expect.stringContaining('conf.eth0.proxy_ndp=1') },
    ])
  })

  it.each(['ndppd', 'none'] as const)('takes its entries away where the backend is %s', (proxy) => {
    const intent = { ...INTENT, proxy }
    const one = host([entry(NEW1), entry('2001:db8::9', { isOurs: false })])
    expect(ndp(one, stateAt(P1), intent)).toEqual([`neighbour-remove ${NEW1} eth0`])
  })

  const entries = fc.uniqueArray(
    fc.record({
      interface: fc.constantFrom('eth0', 'wlan9'),
      address: fc
        .constantFrom(NEW1, NEW2, '2001:db8:1:1:2::5', '2001:db8:9:9::1', 'fd00::1')
        .map(parseAddress),
      isOurs: fc.boolean(),
    }),
    { selector: (one) => `${one.interface} ${one.address}` },
  )

  it('answers for every address of ours on any host, and leaves all others as they are', () => {
    fc.assert(
      fc.property(hosts, states, entries, (any, state, there) => {
        const one = { ...any, proxy: null, neighbours: { entries: there, settings: [READY] } }
        const { desired } = desire(one, state, KERNEL, NOW)
        const after = applySteps(one, planSteps(desired, one))
        const answered = after.neighbours?.entries.map(({ address }) => address) ?? []
        for (const { address, networkId } of desired.addresses) {
          // Containers on the LAN answer by themselves.
          const behind = any.networks.find(({ id }) => id === networkId)
          if (behind?.driver === 'bridge') expect(answered).toContain(address)
        }
        for (const foreign of there.filter(({ isOurs }) => !isOurs)) {
          expect(after.neighbours?.entries).toContainEqual(foreign)
        }
        expect(planSteps(desire(after, state, KERNEL, NOW).desired, after)).toEqual([])
      }),
      { numRuns: 200 },
    )
  })
})
