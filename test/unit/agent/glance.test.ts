import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { numberingOf } from '../../../agent/domain/agent-state.ts'
import { laterObserved } from '../../../agent/domain/glance.ts'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { announce, createHost } from './reconciled-host.ts'

const P1 = parsePrefix('2001:db8:1:1::/64')
const P2 = parsePrefix('2001:db8:2:2::/64')
const P3 = parsePrefix('2001:db8:3:3::/64')
const MINUTE = 60_000

/** A host numbered from P1 whose last pass had nothing to do. */
async function settledHost() {
  const host = createHost()
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
