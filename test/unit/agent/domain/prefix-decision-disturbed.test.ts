import { describe, expect, it } from 'vitest'
import {
  bothRouters,
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
    name: 'link-flap/same-prefix-returns/keep',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, linkDown: true },
      { at: 103, ra: [P1] },
    ],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'link-flap/while-down/hold',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, linkDown: true },
    ],
    expected: [`initial ${P1}`],
    last: 'hold',
  },
  {
    name: 'link-flap/other-prefix/renumber-after-settling',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, linkDown: true },
      { at: 103, ra: [P2] },
      { at: 104, look: true },
    ],
    expected: [`initial ${P1}`, `planned ${P2}`],
  },
  {
    name: 'link-flap/another-router-answers-first/keep',
    events: [
      { at: 0, routers: 2 },
      { at: 0, ra: [P1] },
      { at: 0.3, ra: [P2] },
      { at: 0.4, ra: [P1] },
      { at: 100, linkDown: true },
      { at: 103, ra: [P2] },
      { at: 103.4, ra: [P1] },
      { at: 105, look: true },
    ],
    expected: [`initial ${P1}`],
  },
  {
    name: 'link-flap/the-lost-prefix-is-awaited-as-long-as-routers-may-take-to-answer/keep',
    settleMs: 20,
    events: [
      { at: 0, routers: 2 },
      { at: 0, ra: [P1] },
      { at: 0.3, ra: [P2] },
      { at: 0.31, ra: [P1] },
      { at: 100, linkDown: true },
      { at: 103, ra: [P2] },
      { at: 103.1, look: true },
      { at: 103.49, look: true },
      { at: 103.5, ra: [P1] },
      { at: 105, look: true },
    ],
    expected: [`initial ${P1}`],
  },
  {
    name: 'link-flap/up-and-down-again-and-again/keep',
    events: Array.from({ length: 50 }, (_, n): Event[] => [
      { at: n * 60, ra: [P1] },
      { at: n * 60 + 20, linkDown: true },
      { at: n * 60 + 30, look: true },
    ]).flat(),
    expected: [`initial ${P1}`],
    last: 'hold',
  },
  {
    name: 'resume-after-suspend/nothing-has-changed/keep',
    events: [
      ...every(0, 200, 3, [P1]),
      { at: 3600, look: true },
      { at: 3601, ra: [P1] },
      { at: 3602, look: true },
    ],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'resume-after-suspend/the-old-one-still-looks-preferred/renumber',
    events: [
      ...every(0, 200, 3, [P1]),
      { at: 3600, look: true },
      { at: 3600.5, ra: [P2] },
      { at: 3602, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'clock-jumps-to-and-fro/keep',
    events: every(0, 200, 40, [P1, P2]).flatMap((event, n): Event[] => [
      event,
      { at: event.at + 50, skew: (n % 2 === 0 ? 1 : -1) * n * 1000 },
      { at: event.at + 60, look: true },
    ]),
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'resume-after-suspend/expired-meanwhile/renumber',
    events: [
      { at: 0, ra: [P1] },
      { at: 3 * DAY, look: true },
      { at: 3 * DAY + 1, ra: [P2] },
      { at: 3 * DAY + 2, look: true },
    ],
    expected: [`initial ${P1}`, `planned ${P2}`],
  },
  {
    name: 'clock-set-forward/keep',
    events: [
      ...every(0, 200, 3, [P1, P2]),
      { at: 450, skew: 3600 },
      { at: 460, look: true },
      ...every(600, 200, 3, [P1, P2]),
    ],
    expected: [`initial ${P1}`],
  },
  {
    name: 'clock-set-back/keep',
    events: [
      ...every(0, 200, 3, [P1, P2]),
      { at: 450, skew: -3600 },
      { at: 460, look: true },
      ...every(600, 200, 3, [P1, P2]),
    ],
    expected: [`initial ${P1}`],
  },
  {
    name: 'clock-set-forward/flash-afterwards/renumber',
    events: [
      ...every(0, 200, 3, [P1]),
      { at: 450, skew: 30 * DAY },
      { at: 500, ra: [P2] },
      { at: 501, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'clock-set-back/flash-afterwards/renumber',
    events: [
      ...every(0, 200, 3, [P1]),
      { at: 450, skew: -30 * DAY },
      { at: 500, ra: [P2] },
      { at: 501, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'clock-set-back/while-settling/renumber-later',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P2] },
      { at: 100.5, skew: -3600 },
      { at: 101.6, look: true },
      ...every(104, 4, 2, [P2]),
      { at: 110, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'two-routers/both-live/keep-after-both-are-known',
    events: [
      { at: 0, routers: 2 },
      { at: 0, ra: [P1] },
      { at: 0.5, ra: [P2] },
      { at: 0.6, ra: [P1] },
      ...Array.from(
        { length: 40 },
        (_, index): Event => ({
          at: 100 + index * 200,
          ra: [index % 2 === 0 ? P1 : P2],
        }),
      ),
    ],
    expected: [`initial ${P1}`],
  },
  {
    name: 'two-routers/new-prefix-replaces-the-current-one/renumber-after-settling',
    events: [
      { at: 0, routers: 2 },
      { at: 0, ra: [P1] },
      { at: 10, ra: [P3] },
      { at: 20, ra: [P1] },
      { at: 200, ra: [P3] },
      { at: 300, ra: [P2] },
      { at: 301, look: true },
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'two-routers/the-current-one-is-late/keep',
    events: [...bothRouters, ...every(1210, 200, 3, [P2]), { at: 1800, look: true }],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'two-routers/the-current-one-falls-silent/renumber-when-it-is-overdue',
    events: [...bothRouters, ...every(1210, 200, 6, [P2])],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'two-routers/the-other-one-announces-often/keep',
    events: [...bothRouters, ...every(1210, 10, 20, [P2]), { at: 1599, look: true }],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'two-routers/the-silent-one-is-forgotten/renumber-as-with-one',
    events: [
      ...bothRouters,
      ...every(1210, 200, 3, [P2]),
      { at: 1700, routers: 1 },
      ...every(1810, 200, 3, [P2]),
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'two-routers/the-other-one-says-goodbye/keep',
    events: [
      ...bothRouters,
      { at: 1010, ra: [P2], routers: 1 },
      { at: 1012, look: true },
      ...every(1200, 200, 5, [P1]),
    ],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'two-routers/the-goodbye-of-the-other-one-is-seen-in-two-snapshots/keep',
    events: [
      ...bothRouters,
      { at: 1010, routers: 1 },
      { at: 1010.02, ra: [P2] },
      { at: 1012, look: true },
      { at: 1200, ra: [P1] },
    ],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'two-routers/the-other-one-announces-often-and-says-goodbye/keep',
    events: [
      ...bothRouters,
      ...every(1010, 10, 8, [P2]),
      { at: 1090, ra: [P2], routers: 1 },
      { at: 1092, look: true },
      { at: 1200, ra: [P1] },
    ],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'two-routers/the-other-one-announces-often-and-is-forgotten/keep',
    events: [
      ...bothRouters,
      ...every(1010, 10, 8, [P2]),
      { at: 1110, routers: 1 },
      { at: 1112, look: true },
      { at: 1200, ra: [P1] },
    ],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'two-routers/the-other-one-says-goodbye-while-the-agent-is-down/keep',
    events: [
      ...bothRouters,
      { at: 1005, down: true },
      { at: 1010, ra: [P2], routers: 1 },
      { at: 1015, look: true },
      { at: 1017, look: true },
      { at: 1200, ra: [P1] },
    ],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'two-routers/the-one-in-use-says-goodbye/renumber-once-the-other-one-has-spoken',
    events: [
      ...bothRouters,
      { at: 1100, ra: [P1], routers: 1 },
      { at: 1102, look: true },
      ...every(1210, 200, 3, [P2]),
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
  {
    name: 'two-routers/the-other-one-says-goodbye-and-returns/keep',
    events: [
      ...bothRouters,
      { at: 1010, ra: [P2], routers: 1 },
      { at: 1100, ra: [P2], routers: 2 },
      { at: 1105, ra: [P2] },
      { at: 1200, ra: [P1] },
      { at: 1210, ra: [P2], routers: 1 },
      { at: 1212, look: true },
      { at: 1400, ra: [P1] },
    ],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'two-routers/one-says-goodbye-and-the-clock-is-set-back/renumber-once-the-other-one-has-spoken',
    events: [
      ...bothRouters,
      { at: 1100, ra: [P1], routers: 1 },
      { at: 1102, skew: -30 * DAY },
      ...every(1210, 200, 3, [P2]),
    ],
    expected: [`initial ${P1}`, `flash ${P2}`],
  },
]

describe('decidePrefix, with several routers, link flaps and clock jumps', () => {
  it.each(SCENARIOS)('$name', (scenario) => {
    const chooser = run(scenario)
    expect(chooser.renumberings).toEqual(scenario.expected)
    if (scenario.last) expect(chooser.last.kind).toBe(scenario.last)
  })
})
