import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { numberingOf } from '../../../agent/domain/agent-state.ts'
import { laterObserved } from '../../../agent/domain/glance.ts'
import type { Step } from '../../../agent/domain/step.ts'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { announce, createHost } from './reconciled-host.ts'

const P1 = parsePrefix('2001:db8:1:1::/64')
const P2 = parsePrefix('2001:db8:2:2::/64')
const P3 = parsePrefix('2001:db8:3:3::/64')
const MINUTE = 60_000

/** A host numbered from P1 whose last pass had nothing to do. */
async function settledHost(more: Parameters<typeof createHost>[0] = {}) {
  const host = createHost(more)
  announce(host, 0, P1)
  await host.pass()
  await host.pass()
  return host
}

/** What the kernel does to the lifetimes of addresses in containers. */
function age(host: Awaited<ReturnType<typeof settledHost>>, seconds: number): void {
  const { uplinks, routes } = host.world
  host.change({
    containers: laterObserved(host.world, { uplinks, routes }, undefined, seconds).containers,
  })
}

describe('a glance', () => {
  it('finds nothing new in an advertisement that only refreshes, and remembers it', async () => {
    const host = await settledHost()
    announce(host, MINUTE, P1)
    const seen = await host.reconciler.glance(host.saved)
    expect(seen?.decision).toEqual({ kind: 'keep', prefix: P1 })
    const [entry] = numberingOf(seen?.state ?? host.saved, 'eth0').prefixes
    expect(entry).toMatchObject({ refreshes: 2, lastRefreshed: host.at(MINUTE) })
  })

  it('saves nothing; the next pass does', async () => {
    const host = await settledHost()
    announce(host, MINUTE, P1)
    const seen = await host.reconciler.glance(host.saved)
    const before = host.log.length
    expect(host.savedNumbering.prefixes[0]?.refreshes).toBe(1)
    await host.reconciler.pass(seen?.state ?? host.saved)
    expect(host.log.slice(before)).toEqual(['save'])
    expect(host.savedNumbering.prefixes[0]?.refreshes).toBe(2)
  })

  it.each<[string, (host: Awaited<ReturnType<typeof settledHost>>) => void]>([
    ['another prefix is announced', (host) => announce(host, MINUTE, P2)],
    [
      'the current prefix is deprecated',
      (host) => host.uplink.advertise(host.at(MINUTE), [{ prefix: P1, preferred: 0 }]),
    ],
    ['the addresses are gone', (host) => host.uplink.linkDown()],
    ['a route of ours is gone', (host) => host.change({ routes: [] })],
    ['the clock was set back', (host) => void host.at(-MINUTE)],
  ])('asks for a pass when %s', async (_, change) => {
    const host = await settledHost()
    change(host)
    expect(await host.reconciler.glance(host.saved)).toBeNull()
  })

  it('asks for a pass until one has found nothing to do', async () => {
    const host = createHost()
    expect(await host.reconciler.glance(host.saved)).toBeNull()
    announce(host, 0, P1)
    await host.pass()
    expect(await host.reconciler.glance(host.saved)).toBeNull()
    await host.pass()
    expect(await host.reconciler.glance(host.saved)).not.toBeNull()
    announce(host, MINUTE, P2)
    await host.pass()
    host.at(MINUTE + 100)
    host.decideFate(() => 'fails')
    await host.pass()
    expect(await host.reconciler.glance(host.saved)).toBeNull()
  })

  it('counts down what former addresses in containers have left, and is content with it', async () => {
    const host = await settledHost()
    announce(host, MINUTE, P2)
    await host.pass()
    host.at(MINUTE + 100)
    await host.pass()
    await host.pass()
    expect(host.savedNumbering.current?.prefix).toBe(P2)
    expect(host.savedNumbering.retiring).toHaveLength(1)
    age(host, 5 * 60)
    announce(host, 6 * MINUTE, P2)
    expect(await host.reconciler.glance(host.saved)).not.toBeNull()
  })

  it('never says that nothing is new where a pass would act or decide anew', async () => {
    const change = fc.record({
      afterMs: fc.integer({ min: 1, max: 400 }).map((seconds) => seconds * 1000),
      announced: fc.uniqueArray(fc.constantFrom(P1, P2, P3), { maxLength: 3 }),
      preferred: fc.constantFrom(0, 60, 14_400),
      valid: fc.constantFrom(90, 7200, 86_400),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 12 }), async (changes) => {
        const host = await settledHost()
        let state = host.saved
        let at = 0
        for (const { afterMs, announced, ...lifetimes } of changes) {
          at += afterMs
          age(host, afterMs / 1000)
          const prefixes = announced.map((prefix) => ({ prefix, ...lifetimes }))
          host.uplink.advertise(host.at(at), prefixes)
          const seen = await host.reconciler.glance(state)
          if (seen !== null) {
            // The same state and the same world, looked at in whole.
            const whole = await host.reconciler.plan(state)
            expect(whole.steps).toEqual([])
            expect(whole.decision).toEqual(seen.decision)
            expect(whole.state).toEqual(seen.state)
            state = seen.state
            continue
          }
          state = (await host.reconciler.pass(state)).state
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('a quick pass', () => {
  it('answers a new prefix without asking Docker, and a whole one then finds nothing to do', async () => {
    const host = await settledHost({ settleMs: 20 })
    announce(host, MINUTE, P2)
    host.breakDocker()
    const before = host.log.length
    const quick = await host.reconciler.quickPass(host.saved)
    expect(quick).toMatchObject({ isConverged: true, decision: { kind: 'renumber', to: P2 } })
    expect(quick.results.map(({ step }) => step.kind)).toContain('address-deprecate')
    expect(host.log.slice(before, before + 2)).toEqual(['save', `begin ${quick.steps.length}`])
    host.mendDocker()
    expect((await host.reconciler.pass(quick.state)).steps).toEqual([])
  })

  it('is a whole one where the last pass left something to do, or the clock was set back', async () => {
    const unsettled = createHost()
    announce(unsettled, 0, P1)
    unsettled.breakDocker()
    await expect(unsettled.reconciler.quickPass(unsettled.saved)).rejects.toThrow('Docker')
    const host = await settledHost()
    host.at(-MINUTE)
    host.breakDocker()
    await expect(host.reconciler.quickPass(host.saved)).rejects.toThrow('Docker')
  })

  it('leaves no glance possible before a whole pass', async () => {
    const host = await settledHost()
    const { state } = await host.reconciler.quickPass(host.saved)
    expect(await host.reconciler.glance(state)).toBeNull()
  })

  it('comes to what a whole pass comes to, whatever is announced', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ prefix: fc.constantFrom(P1, P2, P3), ms: fc.nat(20_000) }), {
          minLength: 1,
          maxLength: 6,
        }),
        async (announcements) => {
          const [quick, whole] = [await settledHost(), await settledHost()]
          // Lifetimes in containers stand still here, but not in what a quick pass makes of them.
          const isOfLifetimes = (step: Step) => step.kind === 'address-deprecate'
          let ms = MINUTE
          for (const { prefix, ms: more } of announcements) {
            ms += more + 1
            for (const host of [quick, whole]) announce(host, ms, prefix)
            const ends = [
              await quick.reconciler.quickPass(quick.saved),
              await whole.reconciler.pass(whole.saved),
            ].map(({ decision, steps, state }) =>
              // Each host has processes of its own.
              JSON.stringify([
                ...[decision, state],
                steps.filter((step) => !isOfLifetimes(step)),
              ]).replaceAll(/"pid":\d+/g, ''),
            )
            expect(ends[0]).toEqual(ends[1])
            for (const host of [quick, whole]) await host.reconciler.pass(host.saved)
          }
        },
      ),
    ))
})
