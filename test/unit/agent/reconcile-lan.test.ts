import { describe, expect, it } from 'vitest'
import type { ContainerState } from '../../../agent/domain/model.ts'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { addressesIn, attachment, container, network } from './domain/host-simulator.ts'
import { announce, createHost } from './reconciled-host.ts'

const P1 = '2001:db8:1:1::/64'
const P2 = '2001:db8:2:2::/64'
const OWN = 'fd00:db8:0:2::101'

const lan = (label: string | undefined) =>
  network('lan', {
    driver: 'macvlan',
    bridge: 'eth0',
    subnets: [parsePrefix('fd00:db8:0:2::/80')],
    labels: label === undefined ? {} : { 'reprefix.subnet': label },
  })

/** A host with one container, on a network on the LAN. */
function onLan(
  one: ContainerState = container('printer', [attachment('lan', OWN)], {
    'reprefix.dns': 'printer.example.org',
  }),
) {
  const host = createHost({ networks: {}, proxy: 'none' })
  host.change({ networks: [lan('::2:0:0:0/80')], containers: [one] })
  announce(host, 0, P1)
  return host
}

const addresses = (host: ReturnType<typeof createHost>) =>
  addressesIn(host.world)
    .map(({ state }) => state.address)
    .toSorted()

describe('a container on the LAN', () => {
  it('is renumbered, named, and remembered where it was', async () => {
    const host = onLan()
    const first = await host.pass()
    expect(first.isConverged).toBe(true)
    announce(host, 100_000, P2)
    const seen = await host.pass()
    if (seen.wakeAt !== null) host.at(seen.wakeAt - Date.UTC(2026, 0, 1) + 1)
    const renumbered = seen.decision.kind === 'renumber' ? seen : await host.pass()
    expect(renumbered.isConverged).toBe(true)
    expect(renumbered.claims).toMatchObject([
      { name: 'printer.example.org', values: ['2001:db8:2:2:2::101'] },
    ])
    expect(addresses(host)).toEqual(['2001:db8:1:1:2::101', '2001:db8:2:2:2::101', OWN])
    expect(host.saved.lan).toEqual([
      { networkId: 'id-lan', subnet: '2001:db8:1:1:2::/80' },
      { networkId: 'id-lan', subnet: '2001:db8:2:2:2::/80' },
    ])
    expect((await host.pass()).results).toEqual([])
  })

  it.each([
    ['takes part no more', undefined, [OWN]],
    ['has another subnet', '::3:0:0:0/80', ['2001:db8:1:1:3::101', OWN]],
  ])('keeps nothing of ours when its network %s', async (_, label, expected) => {
    const host = onLan()
    await host.pass()
    host.change({ networks: [lan(label)] })
    expect((await host.pass()).isConverged).toBe(true)
    expect(addresses(host)).toEqual(expected)
    await host.pass()
    const left = (host.saved.lan ?? []).map(({ subnet }) => subnet)
    expect(left).toEqual(label === undefined ? [] : ['2001:db8:1:1:3::/80'])
  })

  it('keeps nothing of ours wherever an agent was killed, also when its network leaves just then', async () => {
    for (let writes = 0; writes < 8; writes++) {
      const host = onLan()
      host.killAfter(writes)
      await host.pass().catch(() => undefined)
      host.killAfter(Number.POSITIVE_INFINITY)
      host.change({ networks: [lan(undefined)] })
      expect((await host.pass()).isConverged).toBe(true)
      await host.pass()
      expect(addresses(host)).toEqual([OWN])
      expect(host.saved.lan).toBe(undefined)
    }
  })
})
