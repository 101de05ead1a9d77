import { BlockList, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addressBits,
  addressFromBits,
  contains,
  createRangeLookup,
  hostPart,
  IPV4_MAPPED,
  lengthOf,
  networkOf,
  overlaps,
  parseAddress,
  parseIPv4,
  parsePrefix,
  parseSuffix,
  splice,
  subnetOf,
  suffixMask,
  suffixSubnetMask,
} from '../../../shared/ipv6.ts'
import { groups } from './ipv6-groups.ts'

const address = groups.map((parts) => parseAddress(parts.map((p) => p.toString(16)).join(':')))
const length = fc.integer({ min: 0, max: 128 })
const prefix = fc.tuple(address, length).map(([a, n]) => networkOf(a, n))

describe('parseAddress', () => {
  it.each([
    // RFC 5952 §4 and §5
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8::0001', '2001:db8::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::0.1.0.2', '::1:2'],
  ])('writes %s as %s', (text, canonical) => {
    expect(parseAddress(text)).toBe(canonical)
  })

  it.each([
    '',
    ':',
    '1::2::3',
    ':1::2',
    '1:::2',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '00001::',
    'g::',
    '::1%eth0',
    '[::1]',
    ' ::1',
    '::1\n',
    '::1/64',
    '192.0.2.1',
    '::ffff:010.1.1.1',
    '::ffff:1.2.3',
    '::ffff:1.2.3.256',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '٣::',
  ])('refuses %j', (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }))
  })

  it('agrees with the platform about what is an address and how it is written', () => {
    const part = fc.oneof(
      fc.constantFrom('', '0', '::', ':', 'ffff', '00000', 'x', '1.2.3.4', '01.2.3.4', '%1'),
      fc.integer({ min: 0, max: 0xffff }).map((p) => p.toString(16)),
    )
    const text = fc
      .array(part, { minLength: 1, maxLength: 9 })
      .chain((parts) => fc.constantFrom(parts.join(':'), parts.join('')))
    fc.assert(
      fc.property(text, (candidate) => {
        if (!isIPv6(candidate) || candidate.includes('%')) {
          expect(() => parseAddress(candidate)).toThrow()
        } else {
          expect(`[${parseAddress(candidate)}]`).toBe(new URL(`http://[${candidate}]`).hostname)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps every address through text and bits', () => {
    fc.assert(
      fc.property(address, (a) => {
        expect(parseAddress(a)).toBe(a)
        expect(addressFromBits(addressBits(a))).toBe(a)
        expect(`[${a}]`).toBe(new URL(`http://[${a}]`).hostname)
      }),
    )
  })

  it('refuses bits that do not fit', () => {
    expect(() => addressFromBits(-1n)).toThrow()
    expect(() => addressFromBits(1n << 128n)).toThrow()
  })
})

describe('parsePrefix', () => {
  it('accepts every length and is its own canonical form', () => {
    fc.assert(
      fc.property(address, length, (a, n) => {
        const p = networkOf(a, n)
        expect(parsePrefix(p)).toBe(p)
        expect(lengthOf(p)).toBe(n)
        expect(contains(p, a)).toBe(true)
      }),
    )
  })

  it('refuses set host bits and says the corrected form', () => {
    expect(() => parsePrefix('2001:db8::1/64')).toThrow(/did you mean 2001:db8::\/64\?/)
    expect(() => parseSuffix('::1:0:0:1/80')).toThrow(/did you mean ::1:0:0:0\/80\?/)
  })

  it.each([
    '2001:db8::',
    '2001:db8::/',
    '2001:db8::/129',
    '2001:db8::/064',
    '::/-1',
    '/64',
    '::/1/2',
    '192.0.2.0/24',
  ])('refuses %j', (text) => {
    expect(() => parsePrefix(text)).toThrow(expect.objectContaining({ code: 'PREFIX_INVALID' }))
    expect(() => parseSuffix(text)).toThrow(expect.objectContaining({ code: 'SUFFIX_INVALID' }))
  })
})

describe('contains', () => {
  it('agrees with the platform', () => {
    fc.assert(
      fc.property(prefix, address, address, (p, a, host) => {
        const list = new BlockList()
        list.addSubnet(p.slice(0, p.indexOf('/')), lengthOf(p), 'ipv6')
        for (const candidate of [a, splice(p, host)]) {
          expect(contains(p, candidate)).toBe(list.check(candidate, 'ipv6'))
        }
      }),
    )
  })

  it('holds for prefixes exactly when the inner one is not shorter', () => {
    fc.assert(
      fc.property(address, length, length, (a, m, n) => {
        expect(contains(networkOf(a, m), networkOf(a, n))).toBe(m <= n)
        expect(overlaps(networkOf(a, m), networkOf(a, n))).toBe(true)
      }),
    )
    expect(overlaps(parsePrefix('2001:db8::/48'), parsePrefix('2001:db8:1::/48'))).toBe(false)
  })
})

describe('a range lookup', () => {
  it('gives the ranges that contain it, in their order', () => {
    fc.assert(
      fc.property(fc.array(prefix), address, length, length, (ranges, a, m, n) => {
        const all = [networkOf(a, m), ...ranges]
        const lookUp = createRangeLookup(all)
        for (const inner of [a, networkOf(a, n)]) {
          expect(lookUp(inner)).toEqual(all.filter((range) => contains(range, inner)))
        }
      }),
    )
    expect(createRangeLookup([])(parseAddress('::1'))).toEqual([])
    expect(createRangeLookup(['::ffff:192.0.2.0/120'])(parseAddress('::ffff:192.0.2.1'))).toEqual([
      '::ffff:c000:200/120',
    ])
  })

  it('refuses what is no range when it is first asked', () => {
    const lookUp = createRangeLookup(['2001:db8::1/64'])
    expect(() => lookUp(parseAddress('::1'))).toThrow(/did you mean 2001:db8::\/64/)
  })

  it('of mapped IPv4 addresses is known in its only form', () => {
    expect(parsePrefix('::ffff:0.0.0.0/96')).toBe(IPV4_MAPPED)
  })
})

describe('splice and hostPart', () => {
  it('renumber: the new prefix holds the address, its host bits survive, and back is the identity', () => {
    fc.assert(
      fc.property(address, address, length, (host, other, n) => {
        const target = networkOf(other, n)
        const moved = splice(target, host)
        expect(contains(target, moved)).toBe(true)
        expect(hostPart(moved, n)).toBe(hostPart(host, n))
        expect(splice(networkOf(host, n), moved)).toBe(host)
      }),
    )
  })
})

describe('subnetOf', () => {
  const site = parsePrefix('2001:db8:0:5::/64')

  it('puts the suffix inside the prefix', () => {
    expect(subnetOf(site, parseSuffix('::1:0:0:0/80'))).toBe('2001:db8:0:5:1::/80')
    expect(subnetOf(site, parseSuffix('::/64'))).toBe(site)
    expect(subnetOf(parsePrefix('2001:db8::/56'), parseSuffix('0:0:0:1f::/64'))).toBe(
      '2001:db8:0:1f::/64',
    )
  })

  it('refuses a suffix that needs bits of the prefix', () => {
    for (const text of ['::/56', '0:0:0:1::/64', '8000::/80']) {
      expect(() => subnetOf(site, parseSuffix(text))).toThrow(
        expect.objectContaining({ code: 'SUFFIX_OUTSIDE_PREFIX' }),
      )
    }
  })

  it('gives a subnet of the prefix with the same bits whatever the prefix is', () => {
    fc.assert(
      fc.property(address, address, length, length, (a, b, m, n) => {
        const [outer, inner] = [Math.min(m, n), Math.max(m, n)]
        const target = networkOf(a, outer)
        const suffix = parseSuffix(networkOf(hostPart(b, outer), inner))
        const subnet = subnetOf(target, suffix)
        expect(contains(target, subnet)).toBe(true)
        expect(lengthOf(subnet)).toBe(inner)
        expect(hostPart(subnet.slice(0, subnet.indexOf('/')) as never, outer)).toBe(
          suffix.slice(0, suffix.indexOf('/')),
        )
      }),
    )
  })
})

describe('suffix masks', () => {
  it('are written as ip6tables takes them', () => {
    expect(suffixMask(parseAddress('2001:db8::1:0:0:101'), 64)).toBe(
      '::1:0:0:101/::ffff:ffff:ffff:ffff',
    )
    expect(suffixSubnetMask(parseSuffix('::1:0:0:0/80'), 64)).toBe('::1:0:0:0/::ffff:0:0:0')
    expect(suffixMask(parseAddress('::1'), 0)).toBe('::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
  })

  it('match the host in every prefix and nothing else', () => {
    const matches = (rule: string, candidate: bigint) => {
      const [value = 0n, mask = 0n] = rule.split('/').map((t) => addressBits(parseAddress(t)))
      return (candidate & mask) === value
    }
    fc.assert(
      fc.property(address, address, length, (host, other, n) => {
        const rule = suffixMask(host, n)
        expect(matches(rule, addressBits(splice(networkOf(other, n), host)))).toBe(true)
        expect(matches(rule, addressBits(other))).toBe(hostPart(other, n) === hostPart(host, n))
      }),
    )
    fc.assert(
      fc.property(address, address, fc.integer({ min: 0, max: 64 }), (a, b, n) => {
        const suffix = parseSuffix(networkOf(hostPart(a, n), 80))
        const subnet = subnetOf(networkOf(b, n), suffix)
        const rule = suffixSubnetMask(suffix, n)
        expect(matches(rule, addressBits(splice(subnet, a)))).toBe(true)
        expect(matches(rule, addressBits(b))).toBe(contains(subnet, b))
      }),
    )
  })
})

describe('parseIPv4', () => {
  it('accepts dotted decimal only', () => {
    expect(parseIPv4('192.0.2.1')).toBe('192.0.2.1')
    for (const text of [
      '010.1.1.1',
      '1.2.3',
      '256.1.1.1',
      '1.2.3.4 ',
      '0x7f.1',
      '::1',
      '1.2.3.4.5',
    ]) {
      expect(() => parseIPv4(text)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }))
    }
  })
})
