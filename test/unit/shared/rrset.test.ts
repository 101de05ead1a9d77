import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalValues, isAtOrBelow, parseName, sameValues } from '../../../shared/rrset.ts'

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/)
const name = fc
  .tuple(fc.array(label, { minLength: 1, maxLength: 5 }), fc.constantFrom('org', 'test', 'x1'))
  .map(([labels, top]) => parseName([...labels, top].join('.')))

describe('parseName', () => {
  it.each([
    ['WWW.Example.ORG.', 'www.example.org'],
    ['_acme-challenge.example.org', '_acme-challenge.example.org'],
    ['*.example.org', '*.example.org'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['arpa', 'arpa'],
    [`${'a'.repeat(63)}.test`, `${'a'.repeat(63)}.test`],
  ])('writes %s as %s', (text, canonical) => {
    expect(parseName(text)).toBe(canonical)
  })

  it.each([
    '',
    '.',
    '*',
    'a..b',
    '.a',
    'a.b..',
    '-a.org',
    'a-.org',
    'a b.org',
    'a_b.org',
    '__a.org',
    'www.*.org',
    '*a.org',
    'bücher.example',
    'a\u0000.org',
    '192.0.2.1',
    'a/b.org',
    'a\\.b.org',
    `${'a'.repeat(64)}.test`,
    `${'a.'.repeat(126)}toolong`,
    'İ.org',
    '\u212a.org',
  ])('refuses %j', (text) => {
    expect(() => parseName(text)).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }))
  })

  it('is idempotent and ignores case and the trailing dot', () => {
    fc.assert(
      fc.property(name, (n) => {
        expect(parseName(n)).toBe(n)
        expect(parseName(`${n.toUpperCase()}.`)).toBe(n)
      }),
    )
  })
})

describe('isAtOrBelow', () => {
  it('cuts on label boundaries only', () => {
    const zone = parseName('example.com')
    expect(isAtOrBelow(parseName('example.com'), zone)).toBe(true)
    expect(isAtOrBelow(parseName('a.example.com'), zone)).toBe(true)
    expect(isAtOrBelow(parseName('notexample.com'), zone)).toBe(false)
    expect(isAtOrBelow(parseName('com'), zone)).toBe(false)
  })

  it('holds for every name and any of its ancestors', () => {
    fc.assert(
      fc.property(name, fc.nat(4), (n, cut) => {
        const labels = n.split('.')
        const zone = parseName(labels.slice(Math.min(cut, labels.length - 1)).join('.'))
        expect(isAtOrBelow(n, zone)).toBe(true)
        expect(isAtOrBelow(parseName(`x${n}`), zone)).toBe(zone !== n)
      }),
    )
  })
})

describe('canonicalValues', () => {
  it('gives the same list for any order, spelling and repetition', () => {
    expect(canonicalValues('AAAA', ['2001:DB8::2', '2001:db8:0::1', '2001:db8::2'])).toEqual([
      '2001:db8::1',
      '2001:db8::2',
    ])
    expect(canonicalValues('TXT', ['b', 'A', 'b'])).toEqual(['A', 'b'])
    fc.assert(
      fc.property(fc.array(fc.ipV6()), (values) => {
        const canonical = canonicalValues('AAAA', values)
        expect(sameValues(canonical, canonicalValues('AAAA', [...values].reverse()))).toBe(true)
        expect(canonicalValues('AAAA', canonical)).toEqual(canonical)
      }),
    )
  })

  it('refuses a value of the other family', () => {
    expect(() => canonicalValues('A', ['::1'])).toThrow()
    expect(() => canonicalValues('AAAA', ['192.0.2.1'])).toThrow()
  })
})
