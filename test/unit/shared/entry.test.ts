import { describe, expect, it } from 'vitest'
import { parseEntry, renderEntry } from '../../../shared/entry.ts'

const policyEntry = (policy: string) =>
  `{"v":1,"kind":"policy","at":"2026-03-01T12:00:00.000Z","host":"home","policy":${policy}}`

describe('the policy of an entry', () => {
  it.each(['{"__proto__":{"names":["x"]}}', '{"constructor":1}', '{}'])(
    'is read whole: %s',
    (policy) => {
      const text = policyEntry(policy)
      expect(renderEntry(parseEntry(text))).toBe(text)
    },
  )

  it.each(['[]', '[{"names":["x"]}]', 'null', '"names"', '1'])('is an object: not %s', (policy) => {
    expect(() => parseEntry(policyEntry(policy))).toThrow(
      expect.objectContaining({ code: 'ENTRY_INVALID' }),
    )
  })
})
