import { describe, expect, it } from 'vitest'
import type { Observed } from '../../../agent/domain/model.ts'
import { STAGES, type Step } from '../../../agent/domain/step.ts'
import { contains, type Prefix, parsePrefix } from '../../../shared/ipv6.ts'
import { network } from './domain/host-simulator.ts'
import { announce, createHost, type Fate } from './reconciled-host.ts'

type Host = ReturnType<typeof createHost>
const P1 = parsePrefix('2001:db8:1:1::/64')
const P2 = parsePrefix('2001:db8:2:2::/64')

async function passes(host: Host, count: number): Promise<void> {
  for (let done = 0; done < count; done++) await host.pass()
}

/** Brings a host to where one more pass takes the steps that the scenario is about. */
const SCENARIOS: Readonly<Record<string, { prepare(host: Host): Promise<void>; kept: Prefix[] }>> =
  {
    'the first prefix': {
      kept: [],
      prepare: async (host) => {
        announce(host, 0, P1)
      },
    },
    'a flash renumbering': {
      kept: [P1],
      prepare: async (host) => {
        announce(host, 0, P1)
        await passes(host, 2)
        announce(host, 60_000, P2)
        await host.pass()
        host.at(60_100)
      },
    },
    'the end of a former prefix': {
      kept: [P2],
      prepare: async (host) => {
        announce(host, 0, P1)
        await passes(host, 2)
        announce(host, 60_000, P2)
        await host.pass()
        host.at(60_100)
        await passes(host, 2)
        const end = host.savedNumbering.retiring[0]?.validUntil ?? 0
        host.uplink.advertise(host.at(end - host.at(0)), [{ prefix: P2 }])
      },
    },
    'a network that is made anew on another bridge': {
      kept: [],
      prepare: async (host) => {
        announce(host, 0, P1)
        await passes(host, 2)
        host.change({ networks: [network('web', { bridge: 'br-new', bridgeIndex: 9 })] })
        host.at(1000)
      },
    },
  }

/** Addresses that a stranger reaches: on a container, routed to its bridge, let in and announced. */
function reachable(world: Observed, proxy: 'ndppd' | 'kernel'): readonly string[] {
  return world.containers.flatMap((one) =>
    one.attachments.flatMap((at) => {
      const bridge = world.networks.find(({ id }) => id === at.networkId)?.bridge
      return at.addresses.flatMap(({ address }) => {
        const isRouted = world.routes.some(
          ({ subnet, interface: name }) => name === bridge && contains(subnet, address),
        )
        const isAnnounced =
          proxy === 'ndppd'
            ? world.proxy?.isRunning
            : world.neighbours?.entries.some((entry) => entry.address === address)
        const isLetIn = world.firewall?.hookedIn !== null
        return isRouted && isAnnounced && isLetIn ? [`${one.name} ${address}`] : []
      })
    }),
  )
}

/** Addresses that a container may choose as its source: those that are not deprecated. */
function preferred(world: Observed): readonly string[] {
  return world.containers.flatMap((one) =>
    one.attachments.flatMap((at) =>
      at.addresses.some(({ address, isDeprecated }) => !isDeprecated && address.startsWith('2'))
        ? [one.name]
        : [],
    ),
  )
}

async function prepared(name: string, proxy: 'ndppd' | 'kernel'): Promise<Host> {
  const host = createHost({ proxy })
  await SCENARIOS[name]?.prepare(host)
  return host
}

const seen = new Set<Step['kind']>()

describe.each(['ndppd', 'kernel'] as const)('a step that fails, proxy by %s', (proxy) => {
  describe.each(Object.keys(SCENARIOS))('at %s', (name) => {
    it.each(['fails', 'fails-but-worked', 'throws'] as const)(
      'leaves the host no worse, whichever it is, and is made good (%s)',
      async (what: Fate) => {
        const { steps } = await (await prepared(name, proxy)).pass()
        const kinds = [...new Set(steps.map(({ kind }) => kind))]
        expect(kinds.length).toBeGreaterThan(0)
        for (const kind of kinds) {
          seen.add(kind)
          const host = await prepared(name, proxy)
          const kept = SCENARIOS[name]?.kept ?? []
          const isKept = (text: string) =>
            kept.some((prefix) => contains(prefix, (text.split(' ')[1] ?? '') as never))
          const before = reachable(host.world, proxy).filter(isKept)
          const sources = preferred(host.world)
          host.decideFate((step) => (step.kind === kind ? what : 'works'))
          const result = await host.pass()
          expect(result.isConverged).toBe(false)
          // Nothing that was reachable is lost, and no container is left without a source address.
          expect(reachable(host.world, proxy)).toEqual(expect.arrayContaining(before))
          expect(preferred(host.world)).toEqual(expect.arrayContaining([...sources]))
          // Every planned step is accounted for, and none of a later stage was done that depends on it.
          expect(result.results).toHaveLength(result.steps.length)
          const failedAt = STAGES.indexOf(kind)
          for (const { step, outcome } of result.results) {
            if (step.kind === kind) expect(outcome).toBe('failed')
            else if (STAGES.indexOf(step.kind) < failedAt) expect(outcome).toBe('done')
            else if (outcome !== 'done') expect(outcome).toBe('not-tried')
          }
          host.decideFate(() => 'works')
          await passes(host, 2)
          expect((await host.pass()).steps).toEqual([])
        }
      },
    )
  })
})

it('every kind of step was among them', () => {
  expect(STAGES.filter((kind) => !seen.has(kind))).toEqual([])
})
