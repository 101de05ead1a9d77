import { describe, expect, it } from 'vitest'
import {
  countingDown,
  deprecated,
  type Event,
  every,
  P1,
  P2,
  P3,
  run,
  type Scenario,
} from './prefix-scenario.ts'
import { DAY } from './uplink-simulator.ts'

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'initial/first-announcement/renumber',
    events: [
      { at: 0, look: true },
      { at: 5, ra: [P1] },
    ],
    expected: [`initial ${P1}`],
  },
  {
    name: 'initial/one-announced-after-start/the-stale-one-is-left-at-its-next-announcement',
    events: [
      { at: 0, down: true },
      { at: 1, ra: [P1] },
      { at: 60, ra: [P2] },
      { at: 90, look: true },
    ],
    expected: [`initial ${P2}`],
  },
  {
    name: 'flash/old-still-preferred/renumber-after-settling',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P2] },
      { at: 101, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'flash/not-settled/keep',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P2] },
      { at: 100.9, look: true },
    ],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'flash/router-says-farewell-just-before/renumber-after-settling',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P1] },
      { at: 100.1, ra: [P2] },
      { at: 101.1, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'flash/options-of-one-announcement-read-apart/keep',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P2] },
      { at: 100.005, ra: [P1] },
      { at: 102, look: true },
    ],
    expected: [`initial ${P1}`],
  },
  {
    name: 'flash/agent-was-down/renumber-after-settling',
    events: [
      ...every(0, 200, 3, [P1]),
      { at: 410, down: true },
      { at: 600, ra: [P1] },
      { at: 700, ra: [P2] },
      { at: 750, look: true },
      { at: 751, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'flash/agent-was-down/both-are-announced/keep',
    events: [
      ...every(0, 200, 3, [P1]),
      { at: 410, down: true },
      ...every(600, 200, 2, [P1, P2]),
      { at: 850, look: true },
      { at: 860, look: true },
      ...every(1000, 200, 3, [P1, P2]),
      { at: 1500, look: true },
    ],
    expected: [`initial ${P1}`],
  },
  {
    name: 'flash/agent-was-down/farewell-in-the-same-second/renumber-at-the-next-announcement',
    events: [
      ...every(0, 200, 3, [P1]),
      { at: 410, down: true },
      { at: 600, ra: [P1] },
      { at: 600.05, ra: [P2] },
      { at: 610.5, look: true },
      { at: 612, look: true },
      { at: 616, ra: [P2] },
      { at: 617, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'flash/one-of-two-left-out/renumber-after-settling',
    events: [...every(0, 200, 3, [P1, P2]), { at: 600, ra: [P2] }, { at: 601, look: true }],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'flash/twice/renumber-twice',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P2] },
      { at: 101, look: true },
      { at: 300, ra: [P2] },
      { at: 400, ra: [P3] },
      { at: 401, look: true },
      ...every(600, 200, 3, [P3]),
    ],
    expected: [`initial ${P1}`, `flash ${P2}`, `flash ${P3}`],
  },
  {
    name: 'flash/temporary-addresses-regenerated/never-back-to-the-dead-prefix',
    temporary: true,
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P2] },
      { at: 101, look: true },
      ...every(110, 10, 5, [P2]),
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'flash/new-address-tentative/renumber-after-settling',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P2], flags: { isTentative: true } },
      { at: 101, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'flash/new-address-dadfailed/keep',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P2], flags: { isDadFailed: true } },
      { at: 105, look: true },
    ],
    expected: [`initial ${P1}`],
  },
  {
    name: 'returns/announced-again-after-the-other-was-refreshed/renumber',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P2] },
      { at: 101, look: true },
      { at: 104, ra: [P2] },
      { at: 120, ra: [P1] },
      { at: 121, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`, `flash ${P1}`],
  },
  {
    name: 'returns/before-the-other-was-ever-refreshed/third-announcement',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P2] },
      { at: 101, look: true },
      ...every(110, 4, 3, [P1]),
      { at: 120, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`, `flash ${P1}`],
  },
  {
    name: 'returns/1.5-s-after-the-other-was-refreshed/renumber',
    events: [
      ...every(0, 200, 3, [P1]),
      { at: 500, ra: [P2] },
      { at: 501, look: true },
      ...every(700, 200, 3, [P2]),
      { at: 1101.5, ra: [P1] },
      { at: 1102.6, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`, `flash ${P1}`],
  },
  {
    name: 'returns/in-the-announcement-that-refreshed-the-other/keep',
    events: [
      ...every(0, 200, 3, [P1]),
      { at: 500, ra: [P2] },
      { at: 501, look: true },
      ...every(700, 200, 3, [P2]),
      { at: 1300, ra: [P2] },
      { at: 1300.002, ra: [P1] },
      { at: 1302, look: true },
      ...every(1500, 200, 9, [P1, P2]),
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'returns/with-the-other-while-the-agent-was-down/keep',
    events: [
      ...every(0, 200, 3, [P1]),
      { at: 500, ra: [P2] },
      { at: 501, look: true },
      ...every(700, 200, 3, [P2]),
      { at: 1200, down: true },
      { at: 1300, ra: [{ prefix: P1, valid: 90_000, preferred: 9000 }, P2] },
      ...[1301.9, 1302, 1303.2, 1330].map((at): Event => ({ at, look: true })),
      ...every(1500, 200, 9, [P1, P2]),
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'flash/old-never-withdrawn/never-back',
    events: [
      ...every(0, 600, 3, [{ prefix: P1, valid: null, preferred: null }]),
      ...every(1500, 600, 900, [P2]),
    ].flatMap((event): Event[] => [event, { at: event.at + 1, look: true }]),
    expected: [`initial ${P1}`, `flash ${P2}`],
    last: 'keep',
  },
  {
    name: 'returns/after-a-planned-renumbering/renumber',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [deprecated(P1), P2] },
      { at: 200, ra: [deprecated(P1), P2] },
      { at: 300, ra: [P1, deprecated(P2)] },
    ],
    expected: [`initial ${P1}`, `planned ${P2}`, `planned ${P1}`],
  },
  {
    name: 'static-only/initial',
    events: [{ at: 0, static: P1 }],
    expected: [`initial ${P1}`],
  },
  {
    name: 'static-beside-announced/the-announced-one',
    events: [
      { at: 0, ra: [P2] },
      { at: 0, static: P1 },
      { at: 100, ra: [P2] },
    ],
    expected: [`initial ${P2}`],
  },
  {
    name: 'static-added/keep',
    events: [
      { at: 0, ra: [P1] },
      { at: 50, static: P2 },
      { at: 60, look: true },
    ],
    expected: [`initial ${P1}`],
  },
  {
    name: 'static-current/announcements-of-another-prefix/keep',
    events: [{ at: 0, static: P1 }, ...every(50, 200, 9, [P2])],
    expected: [`initial ${P1}`],
  },
  {
    name: 'lifetimes-count-down/both-live-and-end-together/keep',
    events: [
      { at: 0, ra: [{ prefix: P1, valid: DAY, preferred: DAY }] },
      ...countingDown(3600, 5400, 0),
    ],
    expected: [`initial ${P1}`],
  },
  {
    name: 'lifetimes-count-down/both-live-and-end-apart/one-change-and-no-flapping',
    events: [
      { at: 0, ra: [{ prefix: P1, valid: DAY, preferred: DAY }] },
      ...countingDown(3600, 5400, 700),
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'lifetimes-count-down/both-live-and-renewed-alike/one-change-and-no-flapping',
    events: [
      { at: 0, ra: [{ prefix: P1, valid: DAY, preferred: DAY }] },
      ...countingDown(3600, 3600, 1800),
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'infinite-lifetimes/both-live/no-flapping',
    events: [
      { at: 0, ra: [{ prefix: P1, valid: null, preferred: null }] },
      ...every(300, 300, 40, [
        { prefix: P1, valid: null, preferred: null },
        { prefix: P2, valid: null, preferred: null },
      ]),
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
]

describe('decidePrefix', () => {
  it.each(SCENARIOS)('$name', (scenario) => {
    const chooser = run(scenario)
    expect(chooser.renumberings).toEqual(scenario.expected)
    if (scenario.last) expect(chooser.last.kind).toBe(scenario.last)
  })
})
