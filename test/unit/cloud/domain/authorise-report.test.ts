import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  authoriseReport,
  type Standing,
  zoneOf,
} from '../../../../cloud/domain/authorise-report.ts'
import { POLICY_DEFAULTS } from '../../../../cloud/domain/host-policy.ts'
import { parseAddress, parsePrefix, splice } from '../../../../shared/ipv6.ts'
import type { Claim, Report } from '../../../../shared/report.ts'
import { type Fqdn, keyOf, parseName, type RRKey } from '../../../../shared/rrset.ts'

const name = parseName
const zones = [
  { name: name('example.org'), ttl: 60 },
  { name: name('home.example.org'), ttl: 30 },
]
const standing: Standing = {
  host: 'home',
  policy: {
    ...POLICY_DEFAULTS,
    names: [name('www.example.org'), name('*.home.example.org'), name('*.dyn.example.org')],
    types: ['AAAA'],
    prefixes: [parsePrefix('2001:db8::/32'), parsePrefix('fd00::/8')],
    shortestPrefix: 56,
    maxDeletions: 2,
  },
  claim: [],
  owners: new Map(),
  holders: new Map(),
  zones,
}

function report(records: readonly Claim[], current = '2001:db8:1::/64'): Report {
  return {
    v: 1,
    host: 'home',
    seq: 1,
    prefix: { current: parsePrefix(current), cause: 'flash' },
    records: [...records],
    steps: [],
    log: { size: 0, root: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' },
    agent: '0.1.0',
  }
}

function aaaa(text: string, ...values: string[]): Claim {
  return { name: name(text), type: 'AAAA', values }
}

function verdict(given: Report, change: Partial<Standing> = {}): string {
  const result = authoriseReport(given, { ...standing, ...change })
  return result.kind === 'denied' ? result.code : result.kind
}

describe('authoriseReport', () => {
  it('permits values in the prefixes of all uplinks, each of which the policy must permit', () => {
    const given = report([aaaa('www.example.org', '2001:db8:1::1', '2001:db8:7::1')])
    const at = (...others: string[]) =>
      verdict({ ...given, prefix: { ...given.prefix, others: others.map(parsePrefix) } })
    expect(verdict(given)).toBe('POLICY_VALUE')
    expect(at('2001:db8:7::/64')).toBe('allowed')
    expect(at('2001:db8:8::/64')).toBe('POLICY_VALUE')
    expect(at('2001:db8:7::/64', '2001:db9::/64')).toBe('POLICY_PREFIX')
    expect(at('2001:db8:7::/64', '2001:db8::/48')).toBe('POLICY_PREFIX')
  })

  const inside = '2001:db8:1::1'
  const names: readonly [string, string, string][] = [
    ['name/exact', 'www.example.org', 'allowed'],
    ['name/not-listed', 'mail.example.org', 'POLICY_NAME'],
    ['name/apex-of-the-zone', 'example.org', 'POLICY_NAME'],
    ['name/below-exact', 'a.www.example.org', 'POLICY_NAME'],
    ['name/label-boundary', 'xwww.example.org', 'POLICY_NAME'],
    ['wildcard/one-label', 'a.home.example.org', 'allowed'],
    ['wildcard/two-labels', 'b.a.home.example.org', 'allowed'],
    ['wildcard/its-parent', 'home.example.org', 'POLICY_NAME'],
    ['wildcard/label-boundary', 'ahome.example.org', 'POLICY_NAME'],
    ['wildcard/underscore', '_acme-challenge.home.example.org', 'POLICY_NAME'],
    ['wildcard/underscore-inside', 'a._tcp.home.example.org', 'POLICY_NAME'],
    ['wildcard/the-wildcard-itself', '*.dyn.example.org', 'allowed'],
  ]
  it.each(names)('%s', (_, text, expected) => {
    expect(verdict(report([aaaa(text, inside)]))).toBe(expected)
  })

  const prefixes: readonly [string, string, string, string][] = [
    ['prefix/in-range', '2001:db8:1::/64', '2001:db8:1::1', 'allowed'],
    ['prefix/in-second-range', 'fd00:1::/64', 'fd00:1::1', 'allowed'],
    ['prefix/shortest', '2001:db8:1::/56', '2001:db8:1:ff::1', 'allowed'],
    ['prefix/too-short', '2001:db8::/48', '2001:db8::1', 'POLICY_PREFIX'],
    ['prefix/whole-range', '2001:db8::/32', '2001:db8::1', 'POLICY_PREFIX'],
    ['prefix/out-of-range', '2001:db9:1::/64', '2001:db9:1::1', 'POLICY_PREFIX'],
    ['value/other-subnet', '2001:db8:1::/64', '2001:db8:1:1::1', 'POLICY_VALUE'],
    ['value/other-prefix-in-range', '2001:db8:1::/64', '2001:db8:2::1', 'POLICY_VALUE'],
    ['value/loopback', '2001:db8:1::/64', '::1', 'POLICY_VALUE'],
  ]
  it.each(prefixes)('%s', (_, current, value, expected) => {
    expect(verdict(report([aaaa('www.example.org', value)], current))).toBe(expected)
  })

  const ranges: readonly [string, string, string, string][] = [
    ['::/0', '2a00:1::/64', '2a00:1::1', 'allowed'],
    ['::/0', '::/64', '::1', 'POLICY_PREFIX'],
    ['::/0', '::/64', '::ffff:c000:201', 'POLICY_PREFIX'],
    ['::/0', 'fe80::/64', 'fe80::1', 'POLICY_PREFIX'],
    ['::/0', 'fd00:1::/64', 'fd00:1::1', 'POLICY_PREFIX'],
    ['fc00::/7', 'fd00:1::/64', 'fd00:1::1', 'allowed'],
    ['::/0', 'ff0e::/64', 'ff0e::1', 'POLICY_PREFIX'],
    ['2000::/3', '2002:c000:201::/64', '2002:c000:201::1', 'POLICY_PREFIX'],
    ['2000::/3', '2001:0:1::/64', '2001:0:1::1', 'POLICY_PREFIX'],
    ['2000::/3', '2001:db8:1::/64', '2001:db8:1::1', 'POLICY_PREFIX'],
    ['2001:db8::/32', '2001:db8:1::/64', '2001:db8:1::1', 'allowed'],
    ['2000::/3', '2001::/16', '2001:db8::1', 'POLICY_VALUE'],
    // Permission for IPv4 addresses is none for AAAA records.
    ['::ffff:0:0/96', '::ffff:c000:0/112', '::ffff:c000:201', 'POLICY_VALUE'],
  ]
  it.each(ranges)('permits by %s of %s the value %s: %s', (range, current, value, expected) => {
    const policy = { ...standing.policy, prefixes: [parsePrefix(range)], shortestPrefix: 16 }
    const given = report([aaaa('www.example.org', value)], current)
    expect(verdict(given, { policy })).toBe(expected)
  })

  it.each([
    ['192.0.2.1', 'allowed'],
    ['8.8.8.8', 'allowed'],
    ['172.32.0.1', 'allowed'],
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.1.1', '172.31.0.1'].map(
      (value) => [value, 'POLICY_VALUE'],
    ),
    ...['192.168.1.1', '198.19.0.1', '224.0.0.1', '255.255.255.255'].map((value) => [
      value,
      'POLICY_VALUE',
    ]),
  ])('permits A %s: %s', (value, expected) => {
    const policy = { ...standing.policy, types: ['A'] as const }
    const a: Claim = { name: name('www.example.org'), type: 'A', values: [String(value)] }
    expect(verdict(report([a]), { policy })).toBe(expected)
  })

  it('checks every value, and every record', () => {
    const mixed = aaaa('www.example.org', inside, '2001:db8:2::1')
    expect(verdict(report([mixed]))).toBe('POLICY_VALUE')
    const second = report([aaaa('www.example.org', inside), aaaa('mail.example.org', inside)])
    expect(verdict(second)).toBe('POLICY_NAME')
  })

  it('permits A records only where the policy does', () => {
    const a: Claim = { name: name('www.example.org'), type: 'A', values: ['192.0.2.1'] }
    expect(verdict(report([a]))).toBe('POLICY_TYPE')
    const policy = { ...standing.policy, types: ['A', 'AAAA'] as const }
    expect(verdict(report([a]), { policy })).toBe('allowed')
  })

  it('refuses a name in no zone of ours, even where the policy lists it', () => {
    const policy = { ...standing.policy, names: [name('www.example.net')] }
    expect(verdict(report([aaaa('www.example.net', inside)]), { policy })).toBe(
      'NAME_OUTSIDE_ZONES',
    )
  })

  it('refuses a name of another host, and permits its own', () => {
    const given = report([aaaa('www.example.org', inside)])
    const owned = (by: string) => ({ owners: new Map([[name('www.example.org'), [by]]]) })
    expect(verdict(given, owned('office'))).toBe('NAME_OWNED')
    expect(verdict(given, owned('home'))).toBe('allowed')
  })

  it('takes the TTL from the zone with the longest suffix', () => {
    const given = report([aaaa('www.example.org', inside), aaaa('a.home.example.org', inside)])
    const result = authoriseReport(given, standing)
    expect(result).toMatchObject({
      kind: 'allowed',
      desired: [
        { zone: 'example.org', set: { ttl: 60 } },
        { zone: 'home.example.org', set: { ttl: 30 } },
      ],
    })
  })

  const keys = (...texts: string[]): RRKey[] =>
    texts.map((text) => ({ name: name(text), type: 'AAAA' }))

  it('withdraws up to the limit what the claim no longer holds', () => {
    const claim = keys('www.example.org', 'a.home.example.org', 'b.home.example.org')
    const given = report([aaaa('www.example.org', inside)])
    const result = authoriseReport(given, { ...standing, claim })
    expect(result).toMatchObject({
      kind: 'allowed',
      desired: [
        { name: 'www.example.org', set: { values: [inside] } },
        { name: 'a.home.example.org', set: null, zone: 'home.example.org' },
        { name: 'b.home.example.org', set: null },
      ],
    })
    expect(verdict(report([]), { claim })).toBe('POLICY_DELETIONS')
  })

  it('leaves a withdrawn name alone that another host has since, or whose zone is gone', () => {
    const claim = keys('www.example.org', 'www.example.net')
    const owners = new Map([[name('www.example.org'), ['office']]])
    const result = authoriseReport(report([]), { ...standing, claim, owners })
    expect(result).toEqual({ kind: 'allowed', desired: [] })
  })

  it('withdraws a type of a name that keeps the other', () => {
    const claim: RRKey[] = [
      ...keys('www.example.org'),
      { name: name('www.example.org'), type: 'A' },
    ]
    const given = report([aaaa('www.example.org', inside)])
    const result = authoriseReport(given, { ...standing, claim })
    expect(result).toMatchObject({ desired: [{ type: 'AAAA' }, { type: 'A', set: null }] })
  })

  it('never gives a value outside the reported prefix, a foreign name, or one RRset twice', () => {
    const host = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
    const label = fc.constantFrom('www', 'mail', 'a.home', 'b.home', 'x.dyn', 'other')
    const record = fc.record({ label, host, isInside: fc.boolean() })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 6 }), fc.array(label), (records, claimed) => {
        const current = parsePrefix('2001:db8:1::/64')
        const claims = new Map<string, Claim>()
        for (const { label: text, host: bits, isInside } of records) {
          const address = splice(
            current,
            parseAddress(`2001:db8:2::${(bits & 0xffffn).toString(16)}`),
          )
          const value = isInside ? address : parseAddress('2001:db8:2::1')
          claims.set(text, aaaa(`${text}.example.org`, value))
        }
        const claim = keys(...new Set(claimed.map((text) => `${text}.example.org`)))
        const result = authoriseReport(report([...claims.values()]), { ...standing, claim })
        if (result.kind === 'denied') return
        expect(new Set(result.desired.map(keyOf)).size).toBe(result.desired.length)
        for (const { set } of result.desired) {
          if (set === null) continue
          expect(set.values.every((value) => value.startsWith('2001:db8:1:'))).toBe(true)
          expect(set.name).not.toMatch(/mail|other/)
        }
      }),
    )
  })
})

describe('zoneOf', () => {
  const table: readonly [string, Fqdn | undefined][] = [
    ['example.org', name('example.org')],
    ['a.example.org', name('example.org')],
    ['home.example.org', name('home.example.org')],
    ['a.home.example.org', name('home.example.org')],
    ['badexample.org', undefined],
    ['org', undefined],
  ]
  it.each(table)('%s', (text, expected) => {
    expect(zoneOf(name(text), zones)?.name).toBe(expected)
    expect(zoneOf(name(text), [...zones].reverse())?.name).toBe(expected)
  })
})
