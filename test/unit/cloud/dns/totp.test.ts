import { describe, expect, it } from 'vitest'
import { parseBase32, renderTotp } from '../../../../cloud/dns/totp.ts'

describe('one-time passwords', () => {
  const secret = Uint8Array.from(Buffer.from('12345678901234567890'))

  // RFC 6238, appendix B, the last six of its eight digits.
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('are those of RFC 6238 at %i s', async (seconds, password) => {
    expect(await renderTotp(secret, new Date(seconds * 1000))).toBe(password)
  })

  // RFC 4648 §10.
  it.each([
    ['', ''],
    ['MY======', 'f'],
    ['MZXW6===', 'foo'],
    ['mzxw 6ytb oi', 'foobar'],
    ['GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', '12345678901234567890'],
  ])('have a secret in base32: %j', (text, bytes) => {
    expect(Buffer.from(parseBase32(text) ?? [1]).toString()).toBe(bytes)
  })

  it.each(['0', 'MZXW8', 'ü'])('have no secret in %j', (text) => {
    expect(parseBase32(text)).toBeUndefined()
  })
})
