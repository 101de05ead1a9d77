import { describe, expect, it } from 'vitest'
import { INITIAL_STATE, parseAgentState } from '../../../../agent/domain/agent-state.ts'
import type { PrefixEntry } from '../../../../agent/domain/model.ts'
import { type Numbering, UNNUMBERED } from '../../../../agent/domain/numbering.ts'
import { advance, MAX_RETIRING } from '../../../../agent/domain/transition.ts'
import { type Prefix, parseAddress, parsePrefix } from '../../../../shared/ipv6.ts'
import { parseName } from '../../../../shared/rrset.ts'
import {
  attachment,
  container,
  deprecatedAddress,
  NOW,
  numberingAt,
  observed,
  P1,
  P2,
  P3,
} from './host-simulator.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

function entry(prefix: Prefix, validUntil: number | null): PrefixEntry {
  return {
    prefix,
    firstSeen: NOW,
    appeared: NOW,
    lastRefreshed: NOW,
    lastNoticed: NOW,
    refreshes: 1,
    recentRefreshes: [NOW],
    lifetimeMs: HOUR,
    preferredUntil: validUntil,
    validUntil,
    isEligible: true,
  }
}

const keep = { kind: 'keep', prefix: P1 } as const
const toP2 = { kind: 'renumber', from: P1, to: P2, cause: 'flash' } as const

describe('advance', () => {
  it('takes the first prefix without a former one', () => {
    const decision = { kind: 'renumber', from: undefined, to: P1, cause: 'initial' } as const
    expect(advance(UNNUMBERED, [], decision, observed(), NOW)).toMatchObject({
      current: { prefix: P1, cause: 'initial', since: NOW },
      retiring: [],
    })
  })

  it('remembers the former prefix with what is left of its valid lifetime', () => {
    const next = advance(numberingAt(P1), [entry(P1, NOW + HOUR)], toP2, observed(), NOW)
    expect(next.current).toEqual({ prefix: P2, cause: 'flash', since: NOW })
    expect(next.retiring).toEqual([
      { prefix: P1, cause: 'flash', since: NOW, validUntil: NOW + HOUR },
    ])
  })

  it('lets a former prefix that would be valid forever end after 30 days', () => {
    const next = advance(numberingAt(P1), [entry(P1, null)], toP2, observed(), NOW)
    expect(next.retiring[0]?.validUntil).toBe(NOW + 30 * DAY)
  })

  it('makes a prefix that comes back current, no longer former', () => {
    const state = numberingAt(P1, [
      [P2, 'flash', 500],
      [P3, 'planned', 500],
    ])
    const next = advance(state, [entry(P1, NOW + HOUR)], toP2, observed(), NOW)
    expect(next.current?.prefix).toBe(P2)
    expect(next.retiring.map(({ prefix }) => prefix)).toEqual([P1, P3])
  })

  it('follows what is announced of a former prefix, and remembers it when it is gone', () => {
    const state = numberingAt(P1, [[P2, 'planned', 500]])
    const longer = advance(state, [entry(P2, NOW + 2 * HOUR)], keep, observed(), NOW)
    expect(longer.retiring[0]?.validUntil).toBe(NOW + 2 * HOUR)
    expect(advance(longer, [], keep, observed(), NOW).retiring).toEqual(longer.retiring)
  })

  it('forgets a former prefix when it has ended and nothing of ours is left in it', () => {
    const state = numberingAt(P1, [[P2, 'planned', -1]])
    const left = container('a', [
      attachment('web', 'fd00::5', { addresses: [deprecatedAddress('2001:db8:2:2:1::5', null)] }),
    ])
    const dockers = container('b', [attachment('web', '2001:db8:2:2:1::6')])
    const routes = [{ subnet: parsePrefix('2001:db8:2:2:1::/80'), interface: 'br-web' }]
    const foreign = [{ subnet: parsePrefix('2001:db8:2:2:9::/80'), interface: 'virbr0' }]
    const count = (host: Parameters<typeof observed>[0]) =>
      advance(state, [], keep, observed(host), NOW).retiring.length
    expect(count({ containers: [left] })).toBe(1)
    expect(count({ routes })).toBe(1)
    expect(count({ containers: [dockers], routes: foreign })).toBe(0)
  })

  it('does not bring back a former prefix that has ended', () => {
    const state = numberingAt(P1, [[P2, 'planned', -1]])
    const routes = [{ subnet: parsePrefix('2001:db8:2:2:1::/80'), interface: 'br-web' }]
    const next = advance(state, [entry(P2, NOW + HOUR)], keep, observed({ routes }), NOW)
    expect(next.retiring[0]?.validUntil).toBe(NOW - 1000)
  })

  it('ends the oldest of too many former prefixes', () => {
    const host = observed({
      routes: Array.from({ length: 20 }, (_, n) => ({
        subnet: parsePrefix(`2001:db8:0:${(n + 1).toString(16)}:1::/80`),
        interface: 'br-web',
      })),
    })
    let state = numberingAt(parsePrefix('2001:db8:0:1::/64'))
    for (let n = 2; n <= 20; n++) {
      const [from, to] = [n - 1, n].map((at) => parsePrefix(`2001:db8:0:${at.toString(16)}::/64`))
      if (from === undefined || to === undefined) continue
      const decision = { kind: 'renumber', from, to, cause: 'flash' } as const
      state = advance(state, [entry(from, NOW + DAY)], decision, host, NOW)
      expect(state.retiring.filter(({ validUntil }) => (validUntil ?? 0) > NOW).length).toBe(
        Math.min(n - 1, MAX_RETIRING),
      )
    }
  })

  it('changes nothing on hold', () => {
    const state = numberingAt(P1, [[P2, 'planned', 500]])
    const next = advance(state, [], { kind: 'hold', reason: 'nothing' }, observed(), NOW)
    expect(next).toEqual(state)
  })
})

describe('parseAgentState', () => {
  const full: Numbering = {
    ...numberingAt(P1, [[P2, 'planned', 500]]),
    prefixes: [entry(P1, NOW + HOUR), entry(P2, null)],
  }
  const claim = {
    name: parseName('www.example.org'),
    hosts: [parseAddress('::1:0:0:2')],
    missingSince: null,
  }
  const at = (current: unknown) => ({
    ...INITIAL_STATE,
    uplinks: { eth0: { ...UNNUMBERED, current } },
  })

  it('reads what it was given, through JSON', () => {
    const { name, ...rest } = claim
    const state = {
      v: 2,
      uplinks: { eth0: full, eth1: UNNUMBERED },
      claims: [{ name, uplink: 'eth1', ...rest }],
      lan: [{ networkId: 'aaaa', subnet: '2001:db8:1:1:2::/80' }],
    }
    const text = JSON.stringify(state)
    // The text too: a state that is not changed is not written.
    expect(JSON.stringify(parseAgentState(JSON.parse(text), 'eth0'))).toBe(text)
    expect(parseAgentState(JSON.parse(JSON.stringify(INITIAL_STATE)), 'eth0')).toEqual(
      INITIAL_STATE,
    )
  })

  it('makes a state of version 1 that of the main uplink', () => {
    const state = { v: 1, ...full, claims: [claim] }
    expect(parseAgentState(JSON.parse(JSON.stringify(state)), 'eth7')).toEqual({
      v: 2,
      uplinks: { eth7: full },
      claims: [{ ...claim, uplink: 'eth7' }],
    })
  })

  it.each([
    ['nothing', null],
    ['another version', { ...INITIAL_STATE, v: 3 }],
    ['a missing list', { v: 1, prefixes: [], current: null, retiring: [] }],
    ['a missing list of an uplink', { ...INITIAL_STATE, uplinks: { eth0: { prefixes: [] } } }],
    ['an unknown member', { ...INITIAL_STATE, more: 1 }],
    ['a subnet of no network', { ...INITIAL_STATE, lan: [{ subnet: P1 }] }],
    ['a prefix with host bits', at({ prefix: '2001:db8::1/64', cause: 'flash', since: 0 })],
    ['a time in words', at({ prefix: P1, cause: 'flash', since: 'now' })],
    ['an unknown cause', at({ prefix: P1, cause: 'whim', since: 0 })],
  ])('refuses %s', (_, value) => {
    expect(() => parseAgentState(value, 'eth0')).toThrow(
      expect.objectContaining({ code: 'STATE_CORRUPT' }),
    )
  })
})
