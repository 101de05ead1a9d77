import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeBase64,
  decodeBase64url,
  encodeBase64,
  encodeBase64url,
} from '../../../shared/base64.ts'

describe('Base 64', () => {
  // RFC 4648 §10
  it.each([
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foobar', 'Zm9vYmFy'],
  ])('encodes %j as %j', (text, encoded) => {
    const bytes = new TextEncoder().encode(text)
    expect(encodeBase64(bytes)).toBe(encoded)
    expect(decodeBase64(encoded)).toEqual(bytes)
    expect(encodeBase64url(bytes)).toBe(encoded.replaceAll('=', ''))
  })

  it('agrees with the platform on all bytes and sizes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
        expect(encodeBase64url(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
        expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes)
        expect(decodeBase64url(encodeBase64url(bytes))).toEqual(bytes)
      }),
      { numRuns: 50 },
    )
  })

  it.each(['Zg', 'Zg=', 'Zh==', 'Zm9', 'Zm9v\n', 'Zm 9v', '_-__', 'Zg==Zg==', '====', 'é'])(
    'refuses %j',
    (text) => {
      expect(() => decodeBase64(text)).toThrow(expect.objectContaining({ code: 'BASE64_INVALID' }))
    },
  )

  it.each(['Zg==', 'Zh', 'Z', 'Zm9+', 'Zm9v\n', 'a/bc'])('refuses %j as base64url', (text) => {
    expect(() => decodeBase64url(text)).toThrow(expect.objectContaining({ code: 'BASE64_INVALID' }))
  })

  it('has one text for every byte string', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AQgwZ_-9+/= '), maxLength: 8 }), (text) => {
        for (const [decode, encode] of [
          [decodeBase64, encodeBase64],
          [decodeBase64url, encodeBase64url],
        ] as const) {
          try {
            expect(encode(decode(text))).toBe(text)
          } catch (error) {
            expect(error).toMatchObject({ code: 'BASE64_INVALID' })
          }
        }
      }),
    )
  })

  it('refuses every other spelling of the last byte, whatever stands before it', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
    for (const size of [1, 2, 3, 4, 5, 64, 601]) {
      const text = encodeBase64url(Uint8Array.from({ length: size }, (_, i) => i * 37))
      const accepted = letters.filter((letter) => {
        try {
          decodeBase64url(text.slice(0, -1) + letter)
          return true
        } catch {
          return false
        }
      })
      // A last character of one byte has 2 bits of use, of two bytes 4, of three all 6.
      expect(accepted).toHaveLength([64, 4, 16][size % 3] ?? 0)
      expect(accepted).toContain(text.at(-1))
    }
  })
})
