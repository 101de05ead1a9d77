import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRedactor } from '../../../../../cloud/dns/http/redaction.ts'

/** What the settings take as a secret. */
const secret = fc.stringMatching(/^[!-~]{8,60}$/)
const spellings: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => text.toLowerCase(),
  encodeURIComponent,
  (text) => new URLSearchParams({ t: text }).toString(),
  (text) => JSON.stringify({ t: text }),
  (text) => Buffer.from(text).toString('base64'),
  (text) => `Bearer ${text}`,
]

describe('a redactor', () => {
  it('leaves no secret in any text, however it is spelt', () => {
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.string(), fc.nat(2), fc.nat(spellings.length - 1)), { maxLength: 6 }),
        (secrets, pieces) => {
          const { redact } = createRedactor(secrets)
          const told = pieces.map(([text, which, how]) => {
            const known = secrets[which % secrets.length] ?? ''
            return { text: `${text} ${spellings[how]?.(known)} `, known, how }
          })
          const redacted = redact(told.map(({ text }) => text).join('')).toLowerCase()
          for (const { known, how } of told) {
            expect(redacted).not.toContain(known.toLowerCase())
            const spelt = spellings[how]?.(known).toLowerCase() ?? ''
            expect(redacted).not.toContain(spelt)
          }
        },
      ),
    )
  })

  it('hides what it learns later, and the longer of two secrets whole', () => {
    const redactor = createRedactor(['abcdefgh'])
    redactor.add('abcdefghijkl')
    redactor.add('access-token-1')
    expect(redactor.redact('abcdefghijkl ACCESS-TOKEN-1 abcdefgh')).toBe(
      '[redacted] [redacted] [redacted]',
    )
  })

  it('leaves everything else as it is', () => {
    expect(createRedactor(['0123456789']).redact('zone example.org')).toBe('zone example.org')
    expect(createRedactor([]).redact('zone example.org')).toBe('zone example.org')
  })
})
