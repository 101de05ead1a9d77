import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { urlPath } from '../../../../cloud/dns/http/url-path.ts'
import { fullNames, relativeNames, zoneCandidates } from '../../../../cloud/dns/record-names.ts'
import { octalTxt, plainTxt, quotedTxt } from '../../../../cloud/dns/txt-content.ts'
import { parseName } from '../../../../shared/rrset.ts'
import { readTxt } from '../../../fakes/dns/presentation.ts'

const zone = parseName('example.org')
const FORMS = {
  'relative with @': relativeNames('@'),
  'relative with nothing': relativeNames(''),
  full: fullNames(''),
  'full with a dot': fullNames('.'),
}

describe('names', () => {
  it.each(Object.entries(FORMS))('that are %s come back', (_, form) => {
    for (const text of ['example.org', 'a.example.org', '*.b.example.org', '_x.example.org']) {
      const name = parseName(text)
      expect(form.parse(form.render(name, zone), zone)).toBe(name)
    }
  })

  it.each([
    ['relative with @', 'www', 'www.example.org'],
    ['relative with @', '@', 'example.org'],
    ['relative with nothing', '', 'example.org'],
    ['relative with @', 'a b', undefined],
    ['full', 'WWW.Example.ORG', 'www.example.org'],
    ['full with a dot', 'www.example.org.', 'www.example.org'],
    ['full with a dot', '\\052.example.org.', '*.example.org'],
    ['full', 'notexample.org', undefined],
    ['full', 'x_y.example.org', undefined],
  ] as const)('%s: %s is %s', (form, text, name) => {
    expect(FORMS[form].parse(text, zone)).toBe(name)
  })

  it('may be in the zones above them, nearest first, and never in a top-level domain', () => {
    expect(zoneCandidates(parseName('a.b.example.org'))).toEqual([
      ...['a.b.example.org', 'b.example.org', 'example.org'],
    ])
    expect(zoneCandidates(parseName('*.example.org'))).toEqual(['example.org'])
    expect(zoneCandidates(parseName('localhost'))).toEqual(['localhost'])
  })
})

describe('TXT content', () => {
  it('in quotes comes back, and says the same to another reader', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 700 }), (raw) => {
        const content = quotedTxt.render(raw)
        expect(quotedTxt.parse(content)).toBe(raw)
        expect(readTxt(content)).toBe(raw)
      }),
    )
  })

  it('in octal comes back, and is what AWS shows in its own example', () => {
    expect(octalTxt.render('a "b" \u0007\\')).toBe('"a \\"b\\" \\007\\\\"')
    expect(octalTxt.parse('"ex\\303\\244mple.com"')).toBe('exämple.com')
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 700 }), (raw) => {
        expect(octalTxt.parse(octalTxt.render(raw))).toBe(raw)
      }),
    )
  })

  it.each([
    ['bare', 'bare'],
    ['"a" "b"', 'ab'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['"\\195\\188"', 'ü'],
    ['"ü"', 'ü'],
    ['a "b"', 'a "b"'],
    ['"open', '"open'],
    ['', ''],
    ['""', ''],
  ])('%s is read as %s', (content, raw) => {
    expect(quotedTxt.parse(content)).toBe(raw)
  })

  it.each([
    ['a quote that never ends', `"${'\\"'.repeat(100_000)}`],
    ['many that end', '"a"'.repeat(50_000)],
    ['many, and something after them', `${'"a" '.repeat(50_000)}x`],
    ['more than any record holds', `"${'x'.repeat(9_000_000)}"`],
  ])('of %s is read in time that grows with its length', (_, content) => {
    const startedAt = performance.now()
    quotedTxt.parse(content)
    // Milliseconds; with the square of the length it would be minutes.
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })

  it('that is plain stays as it is', () => {
    expect(plainTxt.parse(plainTxt.render('a "b"'))).toBe('a "b"')
  })
})

describe('a path', () => {
  it('holds no segment that a value brings', () => {
    expect(urlPath`/zones/${'a/../b?c#d'}/records/${'@'}`).toBe(
      '/zones/a%2F..%2Fb%3Fc%23d/records/%40',
    )
  })
})
