import { describe, expect, it } from 'vitest'
import { deprecated, every, P1, P2, run, type Scenario, ULA } from './prefix-scenario.ts'

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'planned/old-deprecated/renumber-at-once',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [deprecated(P1), P2] },
    ],
    expected: [`initial ${P1}`, `planned ${P2}`],
  },
  {
    name: 'planned/old-lingers-for-days/nothing-more',
    events: [{ at: 0, ra: [P1] }, ...every(100, 600, 500, [deprecated(P1), P2])],
    expected: [`initial ${P1}`, `planned ${P2}`],
  },
  {
    name: 'planned/new-one-announced-first/keep-until-the-old-one-is-deprecated',
    events: [
      ...every(0, 200, 3, [P1]),
      ...every(600, 200, 3, [P1, P2]),
      { at: 1200, ra: [deprecated(P1), P2] },
    ],
    expected: [`initial ${P1}`, `planned ${P2}`],
  },
  {
    name: 'planned/zero-lifetimes/renumber-at-once',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [P1, P2] },
      { at: 300, ra: [{ prefix: P1, valid: 0, preferred: 0 }, P2] },
    ],
    expected: [`initial ${P1}`, `planned ${P2}`],
  },
  {
    name: 'planned/expired/renumber',
    events: [
      { at: 0, ra: [{ prefix: P1, valid: 60, preferred: 60 }, P2] },
      { at: 30, static: 'fd00:9::/64' },
      { at: 61, look: true },
    ],
    expected: [`initial ${P2}`],
  },
  {
    name: 'zero-lifetimes/nothing-else/hold',
    events: [
      { at: 0, ra: [P1] },
      { at: 100, ra: [{ prefix: P1, valid: 0, preferred: 0 }] },
    ],
    expected: [`initial ${P1}`],
    last: 'hold',
  },
  {
    name: 'ula-only/hold',
    events: [{ at: 0, ra: [ULA] }],
    expected: [],
    last: 'hold',
  },
  {
    name: 'ula-beside/never-chosen',
    events: [{ at: 0, ra: [P1, ULA] }, ...every(100, 100, 5, [ULA])],
    expected: [`initial ${P1}`],
    last: 'keep',
  },
  {
    name: 'nothing-yet/hold',
    events: [{ at: 0, look: true }],
    expected: [],
    last: 'hold',
  },
  {
    name: 'five-at-once/keep-the-first-chosen',
    events: every(
      0,
      200,
      6,
      [1, 2, 3, 4, 5].map((n) => `2001:db8:0:${n}::/64`),
    ),
    expected: ['initial 2001:db8:0:1::/64'],
  },
  {
    name: 'five-at-once/all-but-one-left-out/renumber-to-that-one',
    events: [
      ...every(
        0,
        200,
        3,
        [1, 2, 3, 4, 5].map((n) => `2001:db8:0:${n}::/64`),
      ),
      { at: 600, ra: ['2001:db8:0:4::/64'] },
      { at: 601, look: true },
    ],
    expected: ['initial 2001:db8:0:1::/64', 'flash 2001:db8:0:4::/64'],
  },
  {
    name: 'second-prefix-added/keep',
    events: [...every(0, 200, 3, [P1]), ...every(600, 200, 5, [P1, P2]), { at: 1402, look: true }],
    expected: [`initial ${P1}`],
  },
]

describe('decidePrefix, with a prefix withdrawn or several announced', () => {
  it.each(SCENARIOS)('$name', (scenario) => {
    const chooser = run(scenario)
    expect(chooser.renumberings).toEqual(scenario.expected)
    if (scenario.last) expect(chooser.last.kind).toBe(scenario.last)
  })
})
