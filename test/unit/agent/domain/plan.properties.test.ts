import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { numberingOf } from '../../../../agent/domain/agent-state.ts'
import { desire } from '../../../../agent/domain/desired.ts'
import type { AddressState, Observed } from '../../../../agent/domain/model.ts'
import { planSteps } from '../../../../agent/domain/plan.ts'
import { STAGES } from '../../../../agent/domain/step.ts'
import { contains, hostPart, splice } from '../../../../shared/ipv6.ts'
import { hosts, PREFIXES, states } from './arbitrary-host.ts'
import {
  addressesIn,
  applySteps,
  attachment,
  container,
  deprecatedAddress,
  INTENT,
  NOW,
  observed,
} from './host-simulator.ts'

describe('planSteps', { timeout: 240_000 }, () => {
  it('leads to what is desired, after which there is nothing left to do', () => {
    fc.assert(
      fc.property(hosts, states, (host, state) => {
        const { desired } = desire(host, state, INTENT, NOW)
        const after = applySteps(host, planSteps(desired, host))
        const again = desire(after, state, INTENT, NOW)
        expect(planSteps(again.desired, after)).toEqual([])
        if (desired.firewall) expect(after.firewall?.rules).toEqual(desired.firewall.rules)
        for (const wanted of desired.addresses) {
          const found = addressesIn(after).find(
            ({ key }) => key === `${wanted.container} ${wanted.networkId} ${wanted.address}`,
          )
          expect(found?.state.isDeprecated).toBe(wanted.isDeprecated)
          if (!wanted.isDeprecated) expect(found?.state.validSeconds).toBe(null)
        }
        for (const route of desired.routes) expect(after.routes).toContainEqual(route)
      }),
      { numRuns: 300 },
    )
  })

  it('gives every numbered container the current prefix in front of the same host bits', () => {
    fc.assert(
      fc.property(hosts, states, fc.constantFrom(...PREFIXES), (host, state, next) => {
        const before = numberingOf(state, 'eth0')
        fc.pre(before.current !== null)
        const { placed } = desire(host, state, INTENT, NOW)
        const renumbered = {
          uplinks: {
            eth0: { ...before, current: { prefix: next, cause: 'flash' as const, since: NOW } },
          },
        }
        const after = desire(host, renumbered, INTENT, NOW)
        expect(after.placed.map((one) => one.host)).toEqual(placed.map((one) => one.host))
        for (const one of after.placed) {
          const own = after.desired.addresses.filter(
            (wanted) => wanted.containerId === one.container.id && !wanted.isDeprecated,
          )
          // Where its own kernel has made just that address there is nothing to desire.
          const made = one.attachment.addresses.filter(({ isLearnt }) => isLearnt)
          expect([...own, ...made].map((found) => found.address)).toContain(splice(next, one.host))
          for (const wanted of own) expect(hostPart(wanted.address, 64)).not.toBe('::')
        }
        const all = after.placed.map((one) => one.host)
        expect(new Set(all).size).toBe(all.length)
      }),
      { numRuns: 200 },
    )
  })

  it('touches nothing that is not ours', () => {
    fc.assert(
      fc.property(hosts, states, (host, state) => {
        const { desired, placed } = desire(host, state, INTENT, NOW)
        const after = applySteps(host, planSteps(desired, host))
        const { current, retiring } = numberingOf(state, 'eth0')
        const ranges = [current?.prefix, ...retiring.map(({ prefix }) => prefix)]
        const isInRange = (text: AddressState['address']) =>
          ranges.some((range) => range !== undefined && contains(range, text))
        const seen = new Map(addressesIn(after).map(({ key, state: found }) => [key, found]))
        for (const { key, state: before } of addressesIn(host)) {
          const isDockers = host.containers.some((one) =>
            one.attachments.some(
              (at) =>
                at.dockerAddress === before.address &&
                key.startsWith(`${one.name} ${at.networkId} `),
            ),
          )
          if (isDockers) expect(seen.has(key)).toBe(true)
          const isNumbered = placed.some((one) =>
            key.startsWith(`${one.container.name} ${one.network.id} `),
          )
          const isRouted = host.networks.some(
            ({ id, bridge }) =>
              key.includes(` ${id} `) &&
              host.routes.some(
                (route) => route.interface === bridge && contains(route.subnet, before.address),
              ),
          )
          if (!isInRange(before.address) || !(isNumbered || isRouted)) {
            expect(seen.get(key)).toEqual(before)
          }
        }
        for (const route of host.routes.filter(({ interface: name }) => name === 'virbr0')) {
          const isReplaced = desired.routes.some(({ subnet }) => subnet === route.subnet)
          if (!isReplaced) expect(after.routes).toContainEqual(route)
        }
        for (const { address: own } of planSteps(desired, host).filter(
          (step) => step.kind === 'uplink-deprecate',
        )) {
          expect(retiring.some(({ prefix }) => contains(prefix, own))).toBe(true)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('leaves what a container’s own kernel has made to the kernel, but for what is preferred', () => {
    fc.assert(
      fc.property(hosts, states, (host, state) => {
        const steps = planSteps(desire(host, state, INTENT, NOW).desired, host)
        const after = new Map(
          addressesIn(applySteps(host, steps)).map(({ key, state: found }) => [key, found]),
        )
        const onLan = host.networks.filter(({ driver }) => driver.endsWith('vlan'))
        for (const { key, state: before } of addressesIn(host)) {
          if (!before.isLearnt || !onLan.some(({ id }) => key.includes(` ${id} `))) continue
          const found = after.get(key)
          expect(found?.isLearnt).toBe(true)
          expect(found?.length).toBe(before.length)
          if (!found?.isDeprecated) expect(found).toEqual(before)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('reaches containers that are on the LAN by nothing of this host', () => {
    fc.assert(
      fc.property(hosts, states, (host, state) => {
        const { desired } = desire(host, state, { ...INTENT, proxy: 'kernel' }, NOW)
        const onLan = host.networks.filter(({ driver }) => driver.endsWith('vlan'))
        const parents = onLan.map(({ bridge }) => bridge)
        for (const route of desired.routes) expect(parents).not.toContain(route.interface)
        const proxied = (desired.neighbours?.entries ?? []).map((entry) => entry.address)
        for (const { networkId, address: own } of desired.addresses) {
          if (onLan.some(({ id }) => id === networkId)) expect(proxied).not.toContain(own)
        }
        const interfaces = (desired.firewall?.rules ?? []).flatMap(
          (rule) => / -o (\S+) (?:-m|-p|-j)/.exec(rule)?.[1] ?? [],
        )
        const bridges = host.networks.filter(({ driver }) => driver === 'bridge')
        for (const name of interfaces) {
          expect(['eth0', ...bridges.map(({ bridge }) => bridge)]).toContain(name)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('makes before it breaks', () => {
    fc.assert(
      fc.property(hosts, states, (host, state) => {
        const kinds = planSteps(desire(host, state, INTENT, NOW).desired, host).map(
          ({ kind }) => kind,
        )
        const order = kinds.map((kind) => STAGES.indexOf(kind))
        expect(order).toEqual(order.toSorted((a, b) => a - b))
      }),
      { numRuns: 100 },
    )
  })

  it('converges from wherever a pass was cut off', () => {
    fc.assert(
      fc.property(hosts, states, fc.double({ min: 0, max: 1, noNaN: true }), (host, state, cut) => {
        const steps = planSteps(desire(host, state, INTENT, NOW).desired, host)
        const partly = applySteps(host, steps.slice(0, Math.floor(cut * steps.length)))
        const after = applySteps(
          partly,
          planSteps(desire(partly, state, INTENT, NOW).desired, partly),
        )
        expect(planSteps(desire(after, state, INTENT, NOW).desired, after)).toEqual([])
        const whole = applySteps(host, steps)
        const sorted = (one: Observed) =>
          addressesIn(one)
            .map(({ key }) => key)
            .toSorted()
        expect(sorted(after)).toEqual(sorted(whole))
      }),
      { numRuns: 200 },
    )
  })
})

describe('the simulated host', () => {
  it('refuses to deprecate what is not there, as the kernel does', () => {
    const host = observed({ containers: [container('a', [attachment('web', 'fd00::101')])] })
    const [one] = host.containers
    const target = { container: 'a', pid: one?.pid ?? 0, interface: 'eth0', length: 80 }
    const gone = deprecatedAddress('2001:db8::1', 5).address
    expect(() => applySteps(host, [{ kind: 'address-remove', ...target, address: gone }])).toThrow(
      'Cannot assign',
    )
  })
})
