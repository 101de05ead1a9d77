import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAddresses } from '../../../../agent/domain/ip-json.ts'
import type { PrefixList } from '../../../../agent/domain/model.ts'
import { foldPrefixList } from '../../../../agent/domain/prefix-list.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { createUplink, DAY, START } from './uplink-simulator.ts'

const P1 = '2001:db8:1:1::/64'
const P2 = '2001:db8:2:2::/64'
const RULES = { prefixLength: 64, within: [parsePrefix('2000::/3')] }

function fixture(name: string) {
  const path = new URL(`../../../fixtures/ip/ip-6.1.0-${name}.addr.json`, import.meta.url)
  return {
    interface: 'eth0',
    isPresent: true,
    routers: 1,
    addresses: parseAddresses(readFileSync(path, 'utf8'), 'eth0'),
  }
}

function eligible(list: PrefixList): readonly string[] {
  return list.filter(({ isEligible }) => isEligible).map(({ prefix }) => prefix)
}

function get(list: PrefixList, prefix: string) {
  return list.find((entry) => entry.prefix === prefix)
}

describe('foldPrefixList', () => {
  it.each([
    ['initial', [P1]],
    ['graceful', [P2]],
    ['flash', [P1, P2]],
    ['valid0', [P2]],
    ['temp-graceful', [P2]],
    ['flash-temp', [P1, P2]],
    ['ula', [P1]],
    ['stable-privacy', [P1]],
    ['tentative', [P2]],
    ['dadfailed', []],
    ['zero-prefix', ['2001:db8::/64']],
    ['expiry-gone', []],
  ])('finds the eligible prefixes of the captured snapshot %s', (name, expected) => {
    expect(eligible(foldPrefixList([], fixture(name), RULES, START))).toEqual(expected)
  })

  it('cuts prefixes to the configured length', () => {
    const rules = { ...RULES, prefixLength: 56 }
    const list = foldPrefixList([], fixture('flash'), rules, START)
    expect(eligible(list)).toEqual(['2001:db8:1::/56', '2001:db8:2::/56'])
  })

  it('keeps to the ranges it is given', () => {
    const rules = { ...RULES, within: [parsePrefix('2001:db8:2::/48'), parsePrefix('fd00::/8')] }
    expect(eligible(foldPrefixList([], fixture('flash'), rules, START))).toEqual([P2])
    expect(eligible(foldPrefixList([], fixture('ula'), rules, START))).toEqual(['fd00:1:2:3::/64'])
  })

  it('gives the same list for a snapshot in which only time has passed', () => {
    const uplink = createUplink()
    uplink.advertise(START, [{ prefix: P1 }, { prefix: P2, preferred: 0, valid: 7200 }])
    const first = foldPrefixList([], uplink.snapshot(START), RULES, START)
    for (const ms of [1, 499, 999, 1500, 60_001, 3_600_999]) {
      const at = START + ms
      expect(foldPrefixList(first, uplink.snapshot(at), RULES, at)).toEqual(first)
    }
  })

  it('counts an announcement three seconds later, wherever in the second snapshots fall', () => {
    for (const [early, late] of [
      [0, 3000],
      [999, 3001],
      [400, 3900],
      [1999, 3999],
    ] as const) {
      const uplink = createUplink()
      uplink.advertise(START, [{ prefix: P1 }])
      const first = foldPrefixList([], uplink.snapshot(START + early), RULES, START + early)
      uplink.advertise(START + 3000, [{ prefix: P1 }])
      const second = foldPrefixList(first, uplink.snapshot(START + late), RULES, START + late)
      expect(get(second, P1)).toMatchObject({ refreshes: 2, lastRefreshed: START + late })
    }
  })

  it('works out when an announcement came that it sees late', () => {
    const uplink = createUplink()
    uplink.advertise(START, [{ prefix: P1 }])
    const first = foldPrefixList([], uplink.snapshot(START), RULES, START)
    uplink.advertise(START + 600_000, [{ prefix: P1 }])
    const at = START + 900_500
    const entry = get(foldPrefixList(first, uplink.snapshot(at), RULES, at), P1)
    expect(Math.abs((entry?.lastRefreshed ?? 0) - (START + 600_000))).toBeLessThanOrEqual(1000)
  })

  it('sees a shortened lifetime as an announcement, and lengthens again from there', () => {
    const uplink = createUplink()
    uplink.advertise(START, [{ prefix: P1 }])
    let list = foldPrefixList([], uplink.snapshot(START), RULES, START)
    for (const [seconds, valid] of [
      [100, 10_000],
      [200, 10_000],
      [300, DAY],
    ] as const) {
      const at = START + seconds * 1000
      uplink.advertise(at, [{ prefix: P1, valid }])
      list = foldPrefixList(list, uplink.snapshot(at), RULES, at)
      expect(get(list, P1)?.lastRefreshed).toBe(at)
    }
    expect(get(list, P1)?.refreshes).toBe(4)
  })

  it('does not take the deprecation of an address for an announcement', () => {
    const uplink = createUplink()
    uplink.advertise(START, [{ prefix: P1 }])
    const first = foldPrefixList([], uplink.snapshot(START), RULES, START)
    const at = START + 60_000
    for (const { address } of uplink.snapshot(at).addresses) uplink.deprecate(address)
    const entry = get(foldPrefixList(first, uplink.snapshot(at), RULES, at), P1)
    expect(entry).toMatchObject({ isEligible: false, lastRefreshed: START, refreshes: 1 })
  })

  it('believes the announcement rather than an address set by hand in the same prefix', () => {
    const uplink = createUplink()
    uplink.addStatic(P1)
    uplink.advertise(START, [{ prefix: P1, preferred: 0, valid: 7200 }])
    expect(eligible(foldPrefixList([], uplink.snapshot(START), RULES, START))).toEqual([])
  })

  it('takes an address set by hand as evidence that is never refreshed', () => {
    const uplink = createUplink()
    uplink.addStatic(P1)
    const first = foldPrefixList([], uplink.snapshot(START), RULES, START)
    const at = START + 90_000
    const entry = get(foldPrefixList(first, uplink.snapshot(at), RULES, at), P1)
    expect(entry).toMatchObject({ isEligible: true, refreshes: 0, validUntil: null })
  })

  it('remembers a prefix that has gone for a day after its expiry', () => {
    const uplink = createUplink()
    uplink.advertise(START, [{ prefix: P1, valid: 7201 }])
    const first = foldPrefixList([], uplink.snapshot(START), RULES, START)
    uplink.linkDown()
    const gone = foldPrefixList(first, uplink.snapshot(START), RULES, START + 1000)
    expect(get(gone, P1)).toMatchObject({ isEligible: false, validUntil: START + 7_201_000 })
    const expiry = START + 7_201_000 + DAY * 1000
    expect(foldPrefixList(gone, uplink.snapshot(START), RULES, expiry - 1)).toHaveLength(1)
    expect(foldPrefixList(gone, uplink.snapshot(START), RULES, expiry)).toEqual([])
  })

  it('stays bounded however many prefixes come and go, and keeps the live one', () => {
    let list: PrefixList = []
    for (let n = 0; n < 100; n++) {
      const uplink = createUplink()
      const at = START + n * 1000
      const prefix = `2001:db8:1:${(n + 1).toString(16)}::/64`
      uplink.advertise(at, [{ prefix }])
      list = foldPrefixList(list, uplink.snapshot(at), RULES, at)
      expect(eligible(list)).toEqual([prefix])
    }
    expect(list.length).toBeLessThanOrEqual(32)
  })

  it('re-bases what lies in the future after the clock was set back', () => {
    const uplink = createUplink()
    uplink.advertise(START, [{ prefix: P1 }])
    const first = foldPrefixList([], uplink.snapshot(START), RULES, START)
    const back = START - 30 * DAY * 1000
    const entry = get(foldPrefixList(first, uplink.snapshot(START + 5000), RULES, back), P1)
    expect(entry).toMatchObject({ firstSeen: back, lastRefreshed: back, isEligible: true })
  })
})
