import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createGlancing } from '../../../../agent/commands/glancing.ts'
import { INITIAL_STATE } from '../../../../agent/domain/agent-state.ts'
import { UNNUMBERED } from '../../../../agent/domain/numbering.ts'
import type { PassPlan } from '../../../../agent/domain/pass-plan.ts'
import { observed } from '../domain/host-simulator.ts'

const NOTHING_NEW: PassPlan = {
  observed: observed({}),
  at: 0,
  decision: { kind: 'hold', reason: 'nothing' },
  numbering: UNNUMBERED,
  others: [],
  state: INITIAL_STATE,
  steps: [],
  claims: null,
  claimedOthers: [],
  problems: [],
  wakeAt: null,
}

let elapsed = 0
let outcome: { isIncomplete: boolean; hasChanged: boolean; recheckAt?: number }
let isListening = true
let seen: PassPlan | null | Error = NOTHING_NEW
const pass = vi.fn()
const glance = vi.fn()

beforeEach(() => {
  elapsed = 0
  outcome = { isIncomplete: false, hasChanged: false }
  isListening = true
  seen = NOTHING_NEW
  pass.mockReset().mockImplementation(async () => outcome)
  glance.mockReset().mockImplementation(async () => {
    if (seen instanceof Error) throw seen
    return seen
  })
})

function afterOnePass() {
  elapsed = 0
  const turn = createGlancing({
    pass,
    glance,
    isListening: () => isListening,
    now: () => elapsed,
    elapsed: () => elapsed,
  })
  return async (reason: string, ms: number) => {
    await turn(['start'])
    elapsed = ms
    pass.mockClear()
    const result = await turn([reason])
    const [, isQuick] = pass.mock.calls[0] ?? []
    return { isWhole: isQuick === false, isQuick: isQuick === true, result, turn }
  }
}

describe('glancing', () => {
  it.each([
    ['the kernel says something', 'kernel', 7000, false],
    ['half a minute is over', 'timer', 30_000, false],
    ['five minutes are over', 'timer', 300_000, true],
    ['Docker says something', 'docker', 10, true],
    ['the operator asks', 'SIGHUP', 10, true],
  ])('when %s', async (_, reason, ms, isWhole) => {
    expect((await afterOnePass()(reason, ms)).isWhole).toBe(isWhole)
  })

  it('gives way to a quick pass when a prefix is news, which a whole one follows', async () => {
    const { isQuick, result, turn } = await afterOnePass()('prefix', 1000)
    expect(isQuick).toBe(true)
    expect(result).toEqual({ isIncomplete: false, recheckAt: 1250 })
    pass.mockClear()
    glance.mockClear()
    // What the pass itself has changed makes the kernel speak: that can wait.
    elapsed = 1050
    expect(await turn(['kernel'])).toEqual({ isIncomplete: false, recheckAt: 1250 })
    expect([pass.mock.calls, glance.mock.calls]).toEqual([[], []])
    elapsed = 1250
    await turn(['timer'])
    expect(pass.mock.calls).toEqual([[['timer'], false]])
  })

  it.each<[string, string[], number]>([
    ['another one is news before that', ['prefix'], 1050],
    ['Docker says something before that', ['kernel', 'docker'], 1050],
  ])('gives way to a whole pass when %s', async (_, reasons, at) => {
    const { turn } = await afterOnePass()('prefix', 1000)
    pass.mockClear()
    elapsed = at
    await turn(reasons)
    expect(pass.mock.calls).toEqual([[reasons, false]])
  })

  it.each<[string, () => void, number]>([
    [
      'something does not listen',
      () => {
        isListening = false
      },
      10,
    ],
    ['the last pass was long ago', () => undefined, 300_000],
    [
      'the last pass left something to do',
      () => {
        outcome = { isIncomplete: true, hasChanged: false }
      },
      10,
    ],
  ])('gives way to a whole pass at once for a new prefix while %s', async (_, make, at) => {
    make()
    expect(await afterOnePass()('prefix', at)).toMatchObject({ isWhole: true })
  })

  it('is not enough for half a minute while something does not listen', async () => {
    isListening = false
    expect((await afterOnePass()('kernel', 29_000)).isWhole).toBe(false)
    expect((await afterOnePass()('timer', 30_000)).isWhole).toBe(true)
  })

  it.each([
    ['a step failed', { isIncomplete: true, hasChanged: false }],
    ['Docker’s own state was changed', { isIncomplete: false, hasChanged: true }],
    ['the decision is due', { isIncomplete: false, hasChanged: false, recheckAt: 20 }],
  ])('does not do when %s', async (_, given) => {
    outcome = given
    expect((await afterOnePass()('kernel', 20)).isWhole).toBe(true)
  })

  it('leads to a pass when it sees something, or nothing at all', async () => {
    seen = null
    expect((await afterOnePass()('kernel', 20)).isWhole).toBe(true)
    seen = new Error('ip ended with 1')
    expect((await afterOnePass()('kernel', 20)).isWhole).toBe(true)
  })

  it('keeps the earliest instant at which something is due', async () => {
    outcome = { isIncomplete: false, hasChanged: false, recheckAt: 5000 }
    seen = { ...NOTHING_NEW, wakeAt: 9000 }
    expect((await afterOnePass()('kernel', 20)).result.recheckAt).toBe(5000)
    seen = { ...NOTHING_NEW, wakeAt: 3000 }
    expect((await afterOnePass()('kernel', 20)).result.recheckAt).toBe(3000)
  })

  it('never puts off the next pass', async () => {
    const turn = createGlancing({
      pass,
      glance,
      isListening: () => true,
      now: () => elapsed,
      elapsed: () => elapsed,
    })
    await turn(['start'])
    const whole: number[] = []
    pass.mockImplementation(async () => {
      whole.push(elapsed)
      return outcome
    })
    for (elapsed = 7000; elapsed < 700_000; elapsed += 7000) await turn(['kernel'])
    expect(whole).toEqual([301_000, 602_000])
  })
})
