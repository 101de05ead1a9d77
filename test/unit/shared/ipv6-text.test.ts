import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { addressBits, addressBytes, parseAddress } from '../../../shared/ipv6.ts'
import { groups } from './ipv6-groups.ts'

const address = groups.map((parts) => new ipaddr.IPv6(parts).toNormalizedString())

describe('the text of an IPv6 address', () => {
  it('is written as ipaddr.js writes it', () => {
    fc.assert(
      fc.property(groups, (parts) => {
        const text = parts.map((part) => part.toString(16)).join(':')
        expect(parseAddress(text)).toBe(new ipaddr.IPv6(parts).toRFC5952String())
      }),
      { numRuns: 2000 },
    )
  })

  it('is read as ipaddr.js reads it, save that "::" stands for something', () => {
    const loose = fc.string({ unit: fc.constantFrom(...'0aF:'), maxLength: 12 })
    const broken = fc
      .tuple(groups, fc.nat(40), fc.constantFrom('', ':', '::', '0', 'g'))
      .map(([parts, at, piece]) => {
        const text = parts.map((part) => part.toString(16)).join(':')
        return text.slice(0, at) + piece + text.slice(at + 1)
      })
    fc.assert(
      fc.property(fc.oneof(loose, broken, address), (text) => {
        const isGapless = text.includes('::') && text.split(':').filter(Boolean).length === 8
        if (!ipaddr.IPv6.isValid(text) || isGapless) {
          expect(() => parseAddress(text)).toThrow()
        } else {
          const { parts } = ipaddr.IPv6.parse(text)
          const bits = parts.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n)
          expect(addressBits(parseAddress(text))).toBe(bits)
          const bytes = parts.flatMap((part) => [part >>> 8, part & 0xff])
          expect([...addressBytes(parseAddress(text))]).toEqual(bytes)
        }
      }),
      { numRuns: 5000 },
    )
  })
})
