import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createChooser, createUplink, START } from './uplink-simulator.ts'

const P1 = '2001:db8:1:1::/64'
const P2 = '2001:db8:2:2::/64'

/** MinRtrAdvInterval and MaxRtrAdvInterval in seconds, within RFC 4861 §6.2.1 and its default ratio. */
const intervals = fc
  .integer({ min: 3, max: 600 })
  .chain((min) => fc.record({ min: fc.constant(min), max: fc.integer({ min, max: 3 * min }) }))
const fraction = fc.double({ min: 0, max: 1, noNaN: true })

const routerSchedule = fc.record({
  intervals,
  /** Seconds until its first announcement. */
  offset: fc.double({ min: 0, max: 600, noNaN: true }),
  gaps: fc.array(fraction, { minLength: 50, maxLength: 50 }),
  /** The router restarts before these announcements: three initial ones follow (RFC 4861 §6.2.4). */
  restarts: fc.uniqueArray(fc.constantFrom<number[]>(8, 20, 32, 44), { maxLength: 3 }),
})

type Schedule = typeof routerSchedule extends fc.Arbitrary<infer T> ? T : never

function announcements({ intervals: { min, max }, offset, gaps, restarts }: Schedule): number[] {
  const times = [offset]
  let initial = 0
  for (const [index, gap] of gaps.entries()) {
    if (restarts.includes(index)) initial = 3
    const seconds = min + gap * (max - min)
    times.push((times.at(-1) ?? 0) + (initial > 0 ? Math.min(16, seconds) : seconds))
    initial -= 1
  }
  return times
}

interface Source {
  readonly prefix: string
  readonly times: readonly number[]
}

/** Runs both schedules, with a pass at every announcement and another once it may have settled. */
function play(sources: readonly Source[]) {
  const uplink = createUplink()
  uplink.setRouters(2)
  const chooser = createChooser(uplink, 100)
  const events = sources
    .flatMap(({ prefix, times }) =>
      times.flatMap((time) => [
        { at: START + Math.round(time * 1000), prefix },
        { at: START + Math.round(time * 1000) + 100, prefix: undefined },
      ]),
    )
    .toSorted((a, b) => a.at - b.at)
  const changes: { readonly at: number; readonly to: string }[] = []
  for (const { at, prefix } of events) {
    if (prefix) uplink.advertise(at, [{ prefix }])
    const decision = chooser.pass(at)
    if (decision.kind === 'renumber') changes.push({ at, to: decision.to })
  }
  return { chooser, changes }
}

describe('decidePrefix with two routers', { timeout: 240_000 }, () => {
  it('never changes between two live prefixes once both are known', () => {
    fc.assert(
      fc.property(routerSchedule, routerSchedule, (a, b) => {
        const [first, second] = [announcements(a), announcements(b)]
        const horizon = Math.min(first.at(-1) ?? 0, second.at(-1) ?? 0)
        const sources = [
          { prefix: P1, times: first.filter((time) => time <= horizon) },
          { prefix: P2, times: second.filter((time) => time <= horizon) },
        ]
        const { changes } = play(sources)
        const bothKnown = START + Math.max(a.offset, b.offset) * 1000 + 101
        expect(changes.filter(({ at }) => at > bothKnown)).toEqual([])
      }),
      { numRuns: 120 },
    )
  })

  it('leaves a prefix that is announced no more', () => {
    fc.assert(
      fc.property(routerSchedule, routerSchedule, fraction, (a, b, when) => {
        const [first, second] = [announcements(a), announcements(b)]
        const silent = first.slice(0, Math.ceil(when * 10) + 1)
        const last = silent.at(-1) ?? 0
        const after = second.filter((time) => time > last + 3)
        fc.pre(after.length >= 7 && (second.at(-1) ?? 0) > last + 1801)
        const sources = [
          { prefix: P1, times: silent },
          { prefix: P2, times: second },
        ]
        const { chooser } = play(sources)
        expect(chooser.numbering.current?.prefix).toBe(P2)
      }),
      { numRuns: 60 },
    )
  })
})

/** One of two routers leaves after so many announcements; its farewell names its prefix once more. */
function playFarewell(
  [stays, leaves]: readonly [Source, Source],
  { farewell, split }: { readonly farewell: number; readonly split: number },
) {
  const uplink = createUplink()
  uplink.setRouters(2)
  const chooser = createChooser(uplink, 100)
  const ms = (seconds: number) => START + Math.round(seconds * 1000)
  const advertise = ({ prefix, times }: Source) =>
    times.map((time) => ({ at: ms(time), happen: () => uplink.advertise(ms(time), [{ prefix }]) }))
  const events = [
    ...advertise(stays),
    ...advertise({ ...leaves, times: leaves.times.filter((time) => time < farewell) }),
    { at: ms(farewell), happen: () => uplink.setRouters(1) },
    {
      at: ms(farewell) + split,
      happen: () => uplink.advertise(ms(farewell) + split, [{ prefix: leaves.prefix }]),
    },
  ].toSorted((a, b) => a.at - b.at)
  const changes: { readonly at: number; readonly to: string }[] = []
  for (const { at, happen } of events) {
    happen()
    for (const look of [at, at + 100, at + 600]) {
      const decision = chooser.pass(look)
      if (decision.kind === 'renumber') changes.push({ at: look, to: decision.to })
    }
  }
  return { chooser, late: changes.filter(({ at }) => at >= ms(farewell)).map(({ to }) => to) }
}

describe('decidePrefix when one of two routers leaves', { timeout: 240_000 }, () => {
  it('never goes to the prefix of the one that leaves, and ends at that of the one that stays', () => {
    const when = fc.double({ min: 0.1, max: 0.8, noNaN: true })
    fc.assert(
      fc.property(
        routerSchedule,
        routerSchedule,
        when,
        fc.integer({ min: 0, max: 200 }),
        (a, b, share, split) => {
          const stays = { prefix: P1, times: announcements(a) }
          const leaves = { prefix: P2, times: announcements(b) }
          const farewell = share * (stays.times.at(-1) ?? 0)
          fc.pre(farewell > Math.max(a.offset, b.offset) + 1)
          const { chooser, late } = playFarewell([stays, leaves], { farewell, split })
          expect(late.filter((to) => to === P2)).toEqual([])
          expect(late.length).toBeLessThanOrEqual(1)
          expect(chooser.numbering.current?.prefix).toBe(P1)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('decidePrefix with one router', { timeout: 240_000 }, () => {
  it('renumbers once, settled, whatever the schedule before the change', () => {
    fc.assert(
      fc.property(routerSchedule, fraction, fc.integer({ min: 0, max: 40 }), (a, when, lag) => {
        const times = announcements(a)
        const change = Math.ceil(when * (times.length - 2))
        const uplink = createUplink()
        const chooser = createChooser(uplink, 100)
        times.forEach((time, index) => {
          const at = START + Math.round(time * 1000)
          uplink.advertise(at, [{ prefix: index < change ? P1 : P2 }])
          chooser.pass(at + lag)
          chooser.pass(at + lag + 100)
          const expected = index < change ? P1 : P2
          expect(chooser.numbering.current?.prefix).toBe(expected)
        })
        expect(chooser.renumberings).toHaveLength(change === 0 ? 1 : 2)
      }),
      { numRuns: 60 },
    )
  })

  it('follows the only router wherever it goes, with the least settling, and never on its own', () => {
    const turns = fc.array(
      fc.record({
        prefix: fc.integer({ min: 1, max: 5 }),
        count: fc.integer({ min: 2, max: 5 }),
        gap: fc.integer({ min: 3000, max: 900_000 }),
        // As soon as that after the last announcement of another prefix.
        pause: fc.integer({ min: 300, max: 900_000 }),
        lag: fc.integer({ min: 0, max: 40 }),
      }),
      { minLength: 1, maxLength: 12 },
    )
    fc.assert(
      fc.property(turns, fc.boolean(), (list, temporary) => {
        const uplink = createUplink({ temporary })
        const chooser = createChooser(uplink, 20)
        let at = START
        let changes = 0
        let last: number | undefined
        for (const { prefix, count, gap, pause, lag } of list) {
          at += pause
          if (prefix !== last) changes += 1
          last = prefix
          for (let n = 0; n < count; n++) {
            uplink.advertise(at, [{ prefix: `2001:db8:0:${prefix}::/64` }])
            for (const look of [lag, lag + 20, lag + 70]) chooser.pass(at + look)
            // From its first announcement on, also within two seconds of the other's last.
            expect(chooser.numbering.current?.prefix).toBe(`2001:db8:0:${prefix}::/64`)
            if (n < count - 1) at += gap
          }
        }
        expect(chooser.renumberings).toHaveLength(changes)
      }),
      { numRuns: 150 },
    )
  })

  it('keeps its choice while one router announces several prefixes', () => {
    fc.assert(
      fc.property(routerSchedule, fc.integer({ min: 2, max: 5 }), (a, count) => {
        const uplink = createUplink()
        const chooser = createChooser(uplink, 100)
        const prefixes = Array.from({ length: count }, (_, n) => ({
          prefix: `2001:db8:0:${n}::/64`,
          valid: 7300 + n * 100,
          preferred: 1800 + n,
        }))
        for (const time of announcements(a)) {
          const at = START + Math.round(time * 1000)
          uplink.advertise(at, prefixes)
          chooser.pass(at)
          chooser.pass(at + 150)
        }
        // A preferred lifetime shorter than MaxRtrAdvInterval lets prefixes lapse by themselves.
        fc.pre(a.intervals.max < 1800)
        expect(chooser.renumberings).toHaveLength(1)
      }),
      { numRuns: 60 },
    )
  })

  it('keeps its choice also where snapshots come late and seldom', () => {
    fc.assert(
      fc.property(routerSchedule, fc.integer({ min: 20, max: 120 }), (a, pollSeconds) => {
        const uplink = createUplink()
        const chooser = createChooser(uplink, 100)
        const times = announcements(a).slice(0, 20)
        let polled = 0
        for (const time of times) {
          for (; polled <= time; polled += pollSeconds) chooser.pass(START + polled * 1000)
          uplink.advertise(START + Math.round(time * 1000), [{ prefix: P1 }, { prefix: P2 }])
        }
        expect(new Set(chooser.renumberings).size).toBeLessThanOrEqual(1)
      }),
      { numRuns: 40 },
    )
  })
})
