import { describe, expect, it } from 'vitest'
import { desire } from '../../../../agent/domain/desired.ts'
import {
  contestProblems,
  type FirewallContest,
  isHeldBack,
  noteSet,
  waitBeforeRestoring,
} from '../../../../agent/domain/firewall-contest.ts'
import { INTENT, NOW, observed, P1, stateAt } from './host-simulator.ts'

const SET = { rules: ['-A REPREFIX -j DROP'], hook: 'FORWARD' as const }
const RIVAL = '-A FORWARD -j ACCEPT'

/** A rival that undoes every restoration `afterMs` later, fought for `forMs`; when it was put back. */
function fight(afterMs: number, forMs: number, rival: string | null = RIVAL) {
  let contest = noteSet(null, { ...SET, rival: null, at: NOW })
  const restored: number[] = []
  for (let now = NOW + afterMs; now < NOW + forMs; ) {
    const wait = waitBeforeRestoring(contest, now)
    if (wait > 0) {
      expect(isHeldBack(contest, SET, now)).toBe(true)
      now += wait
      continue
    }
    expect(isHeldBack(contest, SET, now)).toBe(false)
    contest = noteSet(contest, { ...SET, rival, at: now })
    restored.push(now - NOW)
    now += afterMs
  }
  return { contest, restored }
}

describe('a fight over the place of our chain', () => {
  it('is ever slower, and never given up', () => {
    const { restored } = fight(50, 600_000)
    const gaps = restored.map((at, index) => at - (restored[index - 1] ?? 0))
    expect(gaps.slice(0, 8)).toEqual(Array(8).fill(50))
    expect(gaps.slice(8, 15)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    expect(Math.max(...gaps)).toBe(30_000)
    expect(restored.length).toBeLessThan(35)
  })

  it('is none where somebody flushes now and then', () => {
    const { contest, restored } = fight(61_000, 3_600_000)
    expect(restored).toHaveLength(59)
    expect(contest.restored).toBe(1)
    expect(contestProblems(contest, NOW + 3_600_000)).toEqual([])
  })

  it('is told, the same each time, until it has been calm for a minute', () => {
    const { contest } = fight(50, 400)
    expect(contest.restored).toBe(7)
    expect(contestProblems(contest, contest.at)).toEqual([])
    const newest = '-A FORWARD -j DROP'
    const fought = noteSet(contest, { ...SET, rival: newest, at: contest.at + 50 })
    const told = contestProblems(fought, fought.at)
    expect(told).toMatchObject([{ code: 'FIREWALL_CONTESTED' }])
    expect(told[0]?.what).toContain(newest)
    const later = noteSet(fought, { ...SET, rival: RIVAL, at: fought.at + 1000 })
    expect(contestProblems(later, later.at + 60_000)).toEqual(told)
    expect(contestProblems(later, later.at + 62_001)).toEqual([])
    const flushed = noteSet(later, { ...SET, rival: null, at: later.at + 62_001 })
    expect(waitBeforeRestoring(flushed, flushed.at)).toBe(0)
  })

  it('names what is taken away where no rule stands before ours', () => {
    const { contest } = fight(50, 1000, null)
    expect(contestProblems(contest, contest.at)[0]?.what).toMatch(/taking away our chain/)
  })

  it('does not hold up what changes on this host, nor forgets the fight over it', () => {
    const { contest } = fight(50, 1000)
    const other = { ...SET, rules: [] }
    expect(isHeldBack(contest, other, contest.at)).toBe(false)
    const changed = noteSet(contest, { ...other, rival: null, at: contest.at + 10 })
    expect(changed).toEqual({ ...contest, rules: [] })
    expect(isHeldBack(changed, other, contest.at + 10)).toBe(true)
  })

  it('does not last longer for a clock that was set back', () => {
    const { contest } = fight(50, 1000)
    expect(waitBeforeRestoring(contest, contest.at - 3_600_000)).toBe(0)
    expect(isHeldBack(undefined, SET, NOW)).toBe(false)
  })

  it('leaves what is there of the chain as it is, and says so, while it is held back', () => {
    const intent = {
      ...INTENT,
      firewall: { backend: 'ip6tables' as const, default: 'drop' as const },
    }
    const state = stateAt(P1)
    const overtaken = observed({ firewall: { rules: [], hookedIn: null, hook: 'FORWARD' } })
    const { desired } = desire(overtaken, state, intent, NOW)
    const rules = desired.firewall?.rules ?? []
    expect(rules).not.toEqual([])
    const contest: FirewallContest = {
      rules,
      hook: 'FORWARD',
      restored: 9,
      at: NOW,
      rival: RIVAL,
    }
    const fought = observed({ firewall: { rules, hookedIn: null, hook: 'FORWARD', contest } })
    const held = desire(fought, state, intent, NOW + 1999)
    expect(held.desired.firewall).toBe(null)
    expect(held.problems).toMatchObject([{ code: 'FIREWALL_CONTESTED' }])
    expect(desire(fought, state, intent, NOW + 2000).desired.firewall?.rules).toEqual(rules)
  })
})
