import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  judgeServed,
  type Served,
  type ServedState,
} from '../../../../cloud/domain/served-state.ts'

const right: Served = { kind: 'rrset', values: ['2001:db8::1'] }
const old: Served = { kind: 'rrset', values: ['2001:db8::9'] }
const more: Served = { kind: 'rrset', values: ['2001:db8::1', '2001:db8::9'] }
const absent: Served = { kind: 'absent' }
const silent: Served = { kind: 'unknown', reason: 'no answer' }

interface Row {
  readonly name: string
  readonly wanted?: readonly string[] | null
  readonly served: readonly Served[]
  readonly isProxied?: boolean
  readonly state: ServedState
}

const lagging = (...servers: string[]): ServedState => ({ kind: 'lagging', servers })

const ROWS: readonly Row[] = [
  { name: 'nobody-to-ask/written', served: [], state: { kind: 'written' } },
  { name: 'all-right/live', served: [right, right], state: { kind: 'live' } },
  { name: 'one-behind/lagging', served: [right, old], state: lagging('ns2') },
  { name: 'one-has-nothing-yet/lagging', served: [absent, right], state: lagging('ns1') },
  { name: 'one-has-one-more/lagging', served: [right, more, right], state: lagging('ns2') },
  { name: 'one-silent/lagging', served: [right, silent], state: lagging('ns2') },
  { name: 'all-silent/lagging', served: [silent, silent], state: lagging('ns1', 'ns2') },
  { name: 'two-others/lagging', served: [old, more], state: lagging('ns1', 'ns2') },
  {
    name: 'all-the-same-other/overwritten',
    served: [old, old],
    state: { kind: 'overwritten', values: ['2001:db8::9'] },
  },
  { name: 'all-without/overwritten', served: [absent], state: { kind: 'overwritten', values: [] } },
  { name: 'other-and-silent/lagging', served: [old, silent], state: lagging('ns1', 'ns2') },
  { name: 'proxied/proxied', served: [old, more], isProxied: true, state: { kind: 'proxied' } },
  { name: 'proxied/live', served: [right, right], isProxied: true, state: { kind: 'live' } },
  { name: 'proxied/lagging', served: [old, absent], isProxied: true, state: lagging('ns2') },
  { name: 'proxied/nothing', served: [absent], isProxied: true, state: lagging('ns1') },
  { name: 'proxied/silent', served: [silent, right], isProxied: true, state: lagging('ns1') },
  { name: 'proxied/nobody-to-ask', served: [], isProxied: true, state: { kind: 'written' } },
  { name: 'withdrawn/live', wanted: null, served: [absent, absent], state: { kind: 'live' } },
  { name: 'withdrawn/lagging', wanted: null, served: [absent, old], state: lagging('ns2') },
]

describe('judgeServed', () => {
  it.each(ROWS)('$name', ({ wanted = ['2001:db8::1'], served, isProxied, state }) => {
    const answers = served.map((one, i) => ({ server: `ns${i + 1}`, served: one }))
    expect(judgeServed(wanted, answers, isProxied)).toEqual(state)
  })

  it('is live exactly when every server has the very set', () => {
    const values = fc.uniqueArray(fc.constantFrom('::1', '::2', '::3'), { maxLength: 3 })
    const served = fc.oneof(
      values.map((set): Served => ({ kind: 'rrset', values: set.toSorted() })),
      fc.constant(absent),
      fc.constant(silent),
    )
    fc.assert(
      fc.property(values, fc.array(served, { minLength: 1, maxLength: 4 }), (wanted, list) => {
        const goal = wanted.toSorted().join()
        const answers = list.map((one, i) => ({ server: `ns${i}`, served: one }))
        const isRight = ({ served: one }: (typeof answers)[number]) =>
          (one.kind === 'rrset' && one.values.join() === goal) ||
          (one.kind === 'absent' && goal === '')
        const state = judgeServed(wanted.toSorted(), answers)
        expect(state.kind === 'live').toBe(answers.every(isRight))
        if (state.kind === 'lagging') {
          const wrong = answers.filter((one) => !isRight(one)).map(({ server }) => server)
          expect(state.servers).toEqual(wrong)
        }
        if (state.kind === 'overwritten') expect(answers.some(isRight)).toBe(false)
      }),
    )
  })
})
