import { describe, expect, it } from 'vitest'
import type { AgentState } from '../../../../agent/domain/agent-state.ts'
import { isPrefixNews, isRefresh } from '../../../../agent/domain/prefix-news.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { INTENT } from './host-simulator.ts'

const CURRENT = parsePrefix('2001:db8:1:1::/64')

function entry(prefix: typeof CURRENT, isEligible: boolean) {
  const instants = { firstSeen: 0, appeared: 0, lastRefreshed: 0, lastNoticed: 0 }
  const expiries = { lifetimeMs: null, preferredUntil: null, validUntil: null }
  return { prefix, ...instants, ...expiries, refreshes: 1, recentRefreshes: [0], isEligible }
}

const STATE: AgentState = {
  v: 2,
  uplinks: {
    eth0: {
      prefixes: [
        entry(CURRENT, true),
        entry(parsePrefix('2001:db8:2:2::/64'), true),
        entry(parsePrefix('2001:db8:3:3::/64'), false),
      ],
      current: { prefix: CURRENT, cause: 'initial', since: 0 },
      retiring: [],
    },
  },
  claims: [],
}

/** As iproute2 6.1 prints them. */
const LINES: readonly (readonly [what: string, isNews: boolean, line: string])[] = [
  ['prefix/unknown', true, 'prefix 2001:db8:9:9::/64dev eth0 valid 86400 preferred 14400 '],
  ['prefix/spaced', true, 'prefix 2001:db8:9:9::/64 dev eth0 valid 86400 preferred 14400 '],
  ['prefix/back', true, 'prefix 2001:db8:3:3::/64dev eth0 valid 86400 preferred 14400 '],
  ['prefix/current', false, 'prefix 2001:db8:1:1::/64dev eth0 valid 86400 preferred 14400 '],
  ['prefix/current-deprecated', true, 'prefix 2001:db8:1:1::/64dev eth0 valid 7200 preferred 0 '],
  ['prefix/second', false, 'prefix 2001:db8:2:2::/64dev eth0 valid 86400 preferred 14400 '],
  ['prefix/lingering', false, 'prefix 2001:db8:3:3::/64dev eth0 valid 7200 preferred 0 '],
  ['prefix/outside-within', false, 'prefix fd00:1::/64dev eth0 valid 86400 preferred 14400 '],
  ['prefix/other-interface', false, 'prefix 2001:db8:9:9::/64dev eth1 valid 86400 preferred 1 '],
  [
    'address/unknown',
    true,
    '2: eth0    inet6 2001:db8:9:9::5/64 scope global tentative dynamic mngtmpaddr ',
  ],
  [
    'address/current',
    false,
    '2: eth0    inet6 2001:db8:1:1::5/64 scope global dynamic mngtmpaddr ',
  ],
  [
    'address/current-deprecated',
    true,
    '2: eth0    inet6 2001:db8:1:1::5/64 scope global deprecated dynamic ',
  ],
  ['address/deleted', false, 'Deleted 2: eth0    inet6 2001:db8:9:9::5/64 scope global '],
  [
    'route',
    false,
    '2001:db8:9:9::/64 dev eth0 proto kernel metric 256 expires 86400sec pref medium',
  ],
  ['lifetimes', false, '       valid_lft 86400sec preferred_lft 0sec'],
  ['garbage', false, 'prefix not:an:address/64dev eth0 valid'],
  ['empty', false, ''],
]

describe('news of a prefix', () => {
  it.each(LINES)('%s → %s', (_, isNews, line) => {
    expect(isPrefixNews(line, STATE, INTENT)).toBe(isNews)
  })

  it.each(LINES)('is never taken for a refresh: %s', (_, isNews, line) => {
    if (isNews) expect(isRefresh(line, STATE, INTENT)).toBe(false)
  })

  it('is everything on a host that knows nothing yet', () => {
    const state: AgentState = { v: 2, uplinks: {}, claims: [] }
    expect(isPrefixNews(LINES[3]?.[2] ?? '', state, INTENT)).toBe(true)
  })
})

describe('a refresh', () => {
  const usable = (count: number): AgentState => {
    const { eth0 } = STATE.uplinks
    if (eth0 === undefined) throw new TypeError('no eth0')
    return { ...STATE, uplinks: { eth0: { ...eth0, prefixes: eth0.prefixes.slice(0, count) } } }
  }
  const lineOf = (name: string) => LINES.find(([what]) => what === name)?.[2] ?? ''

  it.each([
    ['prefix/current', 1, true],
    ['address/current', 1, true],
    ['lifetimes', 1, true],
    // When each of several was announced last decides which is used.
    ['prefix/current', 2, false],
    ['prefix/second', 2, false],
    ['prefix/lingering', 1, false],
    ['address/current-deprecated', 1, false],
    ['address/deleted', 1, false],
    ['route', 1, false],
    ['empty', 1, false],
  ])('%s, with %i usable prefixes → %s', (what, count, expected) => {
    expect(isRefresh(lineOf(what), usable(count), INTENT)).toBe(expected)
  })
})
