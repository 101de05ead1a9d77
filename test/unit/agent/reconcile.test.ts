import { describe, expect, it } from 'vitest'
import { INITIAL_STATE } from '../../../agent/domain/agent-state.ts'
import type { Intent, UplinkIntent } from '../../../agent/domain/model.ts'
import { targetOf } from '../../../agent/domain/step.ts'
import type { StepOutcome } from '../../../agent/reconcile.ts'
import { parsePrefix, parseSuffix } from '../../../shared/ipv6.ts'
import {
  addressesIn,
  attachment,
  container,
  INTENT,
  NOW,
  network,
} from './domain/host-simulator.ts'
import { announce, createHost } from './reconciled-host.ts'

const P1 = '2001:db8:1:1::/64'
const P2 = '2001:db8:2:2::/64'

function outcomes(results: readonly StepOutcome[]): readonly string[] {
  return results.map(({ step, outcome }) => `${step.kind} ${targetOf(step)}: ${outcome}`)
}

async function numberedAt(prefix: string, intent: Partial<Intent> = {}) {
  const host = createHost(intent)
  announce(host, 0, prefix)
  await host.pass()
  host.log.length = 0
  return host
}

describe('a pass', () => {
  it('saves the state and the journal, then works through the stages', async () => {
    const host = createHost()
    announce(host, 0, P1)
    const result = await host.pass()
    expect(result).toMatchObject({
      decision: { kind: 'renumber', from: undefined, to: P1, cause: 'initial' },
      isConverged: true,
      problems: [],
    })
    expect(host.log).toEqual([
      'save',
      'begin 5',
      'firewall-set FORWARD',
      'end firewall-set',
      'proxy-set br-web',
      'end proxy-set',
      'address-add a 2001:db8:1:1:1::101 dev eth0',
      'address-add b 2001:db8:1:1:1::102 dev eth0',
      'end address-add',
      'route-add 2001:db8:1:1:1::/80 dev br-web',
      'end route-add',
    ])
    expect(host.saved).toEqual(result.state)
    expect(result.claims).toEqual([
      { name: 'a.example.org', type: 'AAAA', values: ['2001:db8:1:1:1::101'] },
      { name: 'b.example.org', type: 'AAAA', values: ['2001:db8:1:1:1::102'] },
    ])
  })

  it('writes nothing at all when everything is as desired', async () => {
    const host = await numberedAt(P1)
    for (const ms of [1, 1500, 60_000]) {
      host.at(ms)
      const result = await host.pass()
      expect(result).toMatchObject({ decision: { kind: 'keep' }, steps: [], isConverged: true })
    }
    expect(host.log).toEqual([])
  })

  it('tells once, before the old is retired, that all the new is in place', async () => {
    const host = await numberedAt(P1)
    announce(host, 60_000, P2)
    await host.pass()
    host.at(60_100)
    await host.reconciler.pass(host.saved, ({ results, claims }) => {
      host.log.push(`reachable: ${results.length} steps, ${claims?.[0]?.values[0]}`)
    })
    const told = host.log.findIndex((line) => line.startsWith('reachable'))
    expect(host.log[told]).toBe('reachable: 3 steps, 2001:db8:2:2:1::101')
    expect(host.log.slice(0, told)).toContain('end route-add')
    expect(host.log.slice(told + 1)[0]).toMatch(/^address-deprecate/)
    expect(host.log.filter((line) => line.startsWith('reachable'))).toHaveLength(1)
  })

  it('tells nothing early when there is nothing new', async () => {
    const host = await numberedAt(P1)
    let told = 0
    await host.reconciler.pass(host.saved, () => {
      told += 1
    })
    expect(told).toBe(0)
  })

  it('asks to be woken when a change has settled, and then carries it out', async () => {
    const host = await numberedAt(P1)
    announce(host, 60_000, P2)
    const first = await host.pass()
    expect(first).toMatchObject({ decision: { kind: 'keep', prefix: P1 }, wakeAt: NOW + 60_100 })
    host.at(60_100)
    const second = await host.pass()
    expect(second.decision).toMatchObject({ kind: 'renumber', from: P1, to: P2, cause: 'flash' })
    expect(second.steps.map(({ kind }) => kind)).toEqual([
      'address-add',
      'address-add',
      'route-add',
      'address-deprecate',
      'address-deprecate',
      'uplink-deprecate',
    ])
    expect(second.claims?.map(({ values }) => values)).toEqual([
      ['2001:db8:2:2:1::101'],
      ['2001:db8:2:2:1::102'],
    ])
    expect(second.numbering.retiring).toMatchObject([{ prefix: P1, cause: 'flash' }])
  })

  it('waits within the pass for what settles soon', async () => {
    const host = await numberedAt(P1, { settleMs: 20 })
    announce(host, 60_000, P2)
    const result = await host.pass()
    expect(result.decision).toMatchObject({ kind: 'renumber', from: P1, to: P2, cause: 'flash' })
    expect(result.isConverged).toBe(true)
    expect(host.log.filter((line) => line === 'save')).toHaveLength(1)
    expect(host.saved).toEqual(result.state)
  })

  it('looks at the uplinks once more when it has waited, and finds what was announced late', async () => {
    const host = await numberedAt(P1, { settleMs: 20 })
    announce(host, 60_000, P2)
    host.whileWaiting(() => announce(host, 60_005, P1))
    const result = await host.pass()
    expect(result).toMatchObject({ decision: { kind: 'keep', prefix: P1 }, steps: [] })
  })

  it('keeps everything when no usable prefix is left: unknown is not empty', async () => {
    const host = await numberedAt(P1)
    host.uplink.linkDown()
    host.at(1000)
    const result = await host.pass()
    expect(result).toMatchObject({ decision: { kind: 'hold' }, steps: [] })
    expect(result.claims).toHaveLength(2)
    expect(addressesIn(host.world)).toHaveLength(4)
  })

  it('claims nothing, rather than that there is nothing, before the first prefix', async () => {
    const result = await createHost().pass()
    expect(result.claims).toBe(null)
    expect(result.steps.map(({ kind }) => kind)).toEqual(['firewall-set', 'proxy-set'])
  })

  it('withdraws nothing of an uplink that it never saw since its state was lost', async () => {
    const wan: UplinkIntent = { ...INTENT, uplink: 'wan1', source: 'slaac' }
    const host = createHost({
      others: [wan],
      networks: { web: parseSuffix('::1:0:0:0/80'), iot: parseSuffix('::2:0:0:0/80') },
      networkUplinks: { iot: 'wan1' },
    })
    host.change({
      networks: [network('web'), network('iot', { bridgeIndex: 8 })],
      containers: [
        container('a', [attachment('web', 'fd00::101')], { 'reprefix.dns': 'a.example.org' }),
        container('b', [attachment('iot', 'fd00::102')], { 'reprefix.dns': 'b.example.org' }),
      ],
    })
    announce(host, 0, P2)
    const unreported = await host.pass()
    expect(unreported.claims).toBeNull()
    expect(unreported.problems.map(({ code }) => code)).toEqual(['CLAIM_HELD'])
    const values = ['2001:db8:7:7:2::102']
    host.report({
      current: parsePrefix(P1),
      records: [{ name: 'b.example.org', type: 'AAAA', values }],
    })
    const { claims, claimedOthers } = await host.pass()
    expect(claims).toMatchObject([{ name: 'a.example.org' }, { name: 'b.example.org', values }])
    expect(claimedOthers).toEqual(['2001:db8:7:7::/64'])
  })

  it('numbers a container that starts later, and wakes to withdraw the name of one that is gone', async () => {
    const host = await numberedAt(P1)
    const [a] = host.world.containers
    const late = container('late', [attachment('web', 'fd00::103')])
    host.change({ containers: a ? [a, late] : [late] })
    host.at(5000)
    const result = await host.pass()
    expect(outcomes(result.results)).toEqual([
      'address-add late 2001:db8:1:1:1::103 dev eth0: done',
    ])
    expect(result.wakeAt).toBe(NOW + 65_000)
    expect(result.claims).toHaveLength(2)
    host.at(65_000)
    expect((await host.pass()).claims).toHaveLength(1)
  })

  it('removes what is left of a former prefix when it ends, then forgets it', async () => {
    const host = await numberedAt(P1)
    announce(host, 60_000, P2)
    await host.pass()
    host.at(60_100)
    await host.pass()
    const end = (host.savedNumbering.retiring[0]?.validUntil ?? 0) - NOW
    host.uplink.advertise(host.at(end), [{ prefix: P2 }])
    const last = await host.pass()
    expect(last.steps.map(({ kind }) => kind)).toEqual([
      'address-remove',
      'address-remove',
      'route-remove',
    ])
    expect((await host.pass()).numbering.retiring).toEqual([])
  })
})

describe('a plan', () => {
  it('says what a pass would do, and writes nothing', async () => {
    const host = createHost()
    announce(host, 0, P1)
    const plan = await host.reconciler.plan(INITIAL_STATE)
    expect(plan.steps).toHaveLength(5)
    expect(plan.claims).toHaveLength(2)
    expect(host.log).toEqual([])
    expect((await host.pass()).steps).toEqual(plan.steps)
  })
})

describe('a step that fails', () => {
  it.each(['fails', 'fails-but-worked'] as const)(
    'inside one container (%s) holds up only that container',
    async (what) => {
      const host = await numberedAt(P1)
      announce(host, 60_000, P2)
      await host.pass()
      host.at(60_100)
      host.decideFate((step) => ('container' in step && step.container === 'a' ? what : 'works'))
      const result = await host.pass()
      expect(result.isConverged).toBe(false)
      expect(outcomes(result.results)).toEqual([
        'address-add a 2001:db8:2:2:1::101 dev eth0: failed',
        'address-add b 2001:db8:2:2:1::102 dev eth0: done',
        'route-add 2001:db8:2:2:1::/80 dev br-web: done',
        'address-deprecate a 2001:db8:1:1:1::101 dev eth0: not-tried',
        'address-deprecate b 2001:db8:1:1:1::102 dev eth0: done',
        'uplink-deprecate 2001:db8:1:1:0:5eff:fe00:5301 dev eth0: done',
      ])
      host.decideFate(() => 'works')
      expect((await host.pass()).isConverged).toBe(true)
      expect((await host.pass()).steps).toEqual([])
    },
  )

  it.each(['firewall-set', 'proxy-set', 'route-add'] as const)(
    'for the whole host (%s) ends the pass after its stage',
    async (kind) => {
      const host = createHost()
      announce(host, 0, P1)
      host.decideFate((step) => (step.kind === kind ? 'fails' : 'works'))
      const result = await host.pass()
      const failedAt = result.results.findIndex(({ outcome }) => outcome === 'failed')
      expect(result.results[failedAt]?.step.kind).toBe(kind)
      expect(result.results.slice(0, failedAt).every(({ outcome }) => outcome === 'done')).toBe(
        true,
      )
      expect(
        result.results.slice(failedAt + 1).every(({ outcome }) => outcome === 'not-tried'),
      ).toBe(true)
      expect(result.results).toHaveLength(result.steps.length)
      host.decideFate(() => 'works')
      expect((await host.pass()).isConverged).toBe(true)
    },
  )

  it('reports what it cannot confirm when the actuator itself breaks', async () => {
    const host = createHost()
    announce(host, 0, P1)
    host.decideFate((step) => (step.kind === 'route-add' ? 'throws' : 'works'))
    const { results } = await host.pass()
    expect(results.at(-1)).toMatchObject({
      outcome: 'failed',
      error: 'could not confirm: lost contact',
    })
    expect(host.log.at(-1)).toBe('end route-add')
  })
})

describe('a pass that cannot begin', () => {
  it('changes nothing when the state cannot be saved', async () => {
    const host = createHost()
    announce(host, 0, P1)
    const before = host.world
    host.killAfter(0)
    await expect(host.pass()).rejects.toThrow('killed')
    expect(host.world).toEqual(before)
  })

  it('changes nothing when something cannot be read', async () => {
    const host = createHost()
    announce(host, 0, P1)
    host.breakDocker()
    await expect(host.pass()).rejects.toThrow('Docker is not running')
    expect(host.log).toEqual([])
  })

  it('goes on without the neighbour proxy when its configuration cannot be edited', async () => {
    const host = createHost()
    announce(host, 0, P1)
    host.change({ proxy: { configText: 'proxy eth0 {', isRunning: true, boundIndexes: {} } })
    const result = await host.pass()
    expect(result.steps.map(({ kind }) => kind)).not.toContain('proxy-set')
    expect(result).toMatchObject({
      isConverged: true,
      problems: [{ code: 'PROXY_CONFIG_INVALID', what: expect.stringContaining('line 1') }],
    })
  })
})

describe('an agent killed at any write', () => {
  async function renumber(host: ReturnType<typeof createHost>) {
    announce(host, 60_000, P2)
    await host.pass()
    host.at(60_100)
    return host.pass()
  }
  const final = (host: ReturnType<typeof createHost>) => ({
    addresses: addressesIn(host.world).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    routes: host.world.routes.toSorted((a, b) => (a.subnet < b.subnet ? -1 : 1)),
    proxy: host.world.proxy,
    firewall: host.world.firewall,
    current: host.savedNumbering.current?.prefix,
    retiring: host.savedNumbering.retiring.map(({ prefix, cause }) => ({ prefix, cause })),
  })

  it('ends where one that was not killed ends', async () => {
    const undisturbed = await numberedAt(P1)
    await renumber(undisturbed)
    const writes = undisturbed.log.length
    expect(writes).toBeGreaterThan(10)
    for (let survived = 0; survived < writes; survived++) {
      const host = await numberedAt(P1)
      host.killAfter(survived)
      await renumber(host).catch(() => undefined)
      host.killAfter(Number.POSITIVE_INFINITY)
      for (let passes = 0; passes < 3; passes++) {
        // The announcement that was missed while the agent was down comes again.
        host.uplink.advertise(host.at(120_000 + passes * 10_000), [{ prefix: P2 }])
        await host.pass()
        host.at(120_500 + passes * 10_000)
        await host.pass()
      }
      const ended = final(host)
      const wanted = final(undisturbed)
      const names = (list: typeof ended.addresses) =>
        list.map(({ key, state }) => `${key} ${state.isDeprecated}`)
      expect(names(ended.addresses)).toEqual(names(wanted.addresses))
      expect({ ...ended, addresses: [] }).toEqual({ ...wanted, addresses: [] })
    }
  })
})
