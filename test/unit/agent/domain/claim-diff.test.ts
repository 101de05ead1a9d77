import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ClaimedSet, diffClaims } from '../../../../agent/domain/claim-diff.ts'
import { claimOf, parseClaim } from '../../../../agent/domain/claim-text.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'

const set = (name: string, ...values: string[]): ClaimedSet => ({ name, type: 'AAAA', values })

describe('the difference of two claims', () => {
  it('is what is added, changed and withdrawn, by name', () => {
    const before = [set('c.example', '2001:db8::3'), set('a.example', '2001:db8::1')]
    const after = [set('b.example', '2001:db8::2'), set('a.example', '2001:db8:1::1')]
    expect(diffClaims(before, after)).toEqual([
      {
        change: 'change',
        name: 'a.example',
        type: 'AAAA',
        from: ['2001:db8::1'],
        to: ['2001:db8:1::1'],
      },
      { change: 'add', name: 'b.example', type: 'AAAA', from: [], to: ['2001:db8::2'] },
      { change: 'withdraw', name: 'c.example', type: 'AAAA', from: ['2001:db8::3'], to: [] },
    ])
  })

  it('tells the types of one name apart', () => {
    const a: ClaimedSet = { name: 'a.example', type: 'A', values: ['203.0.113.1'] }
    expect(diffClaims([a], [a, set('a.example', '2001:db8::1')])).toMatchObject([
      { change: 'add', type: 'AAAA' },
    ])
  })

  it('leads from the one to the other, and from itself nowhere', () => {
    const claims = fc.uniqueArray(
      fc.record({
        name: fc.constantFrom('a.example', 'b.example', 'c.example'),
        type: fc.constantFrom('A' as const, 'AAAA' as const),
        values: fc.array(fc.constantFrom('x', 'y'), { minLength: 1, maxLength: 2 }),
      }),
      { selector: ({ name, type }) => `${name} ${type}` },
    )
    const sorted = (list: readonly ClaimedSet[]) =>
      list.map(({ name, type, values }) => `${name} ${type} ${values.join(' ')}`).sort()
    fc.assert(
      fc.property(claims, claims, (before, after) => {
        const changes = diffClaims(before, after)
        const touched = changes.map(({ name, type }) => `${name} ${type}`)
        const led = [
          ...before.filter(({ name, type }) => !touched.includes(`${name} ${type}`)),
          ...changes
            .filter(({ change }) => change !== 'withdraw')
            .map(({ name, type, to }) => ({ name, type, values: to })),
        ]
        expect(sorted(led)).toEqual(sorted(after))
        expect(diffClaims(after, after)).toEqual([])
      }),
    )
  })
})

describe('a claim as text', () => {
  it('comes back as the RRsets that were claimed', () => {
    const records = [set('a.example', '2001:db8::1')]
    const prefix = { current: parsePrefix('2001:db8::/64') }
    expect(parseClaim(claimOf({ prefix, records }))).toEqual(records)
  })

  it.each([null, '', '[]', '{"a":1}', '["2001:db8::/64",[{"name":1}]]'])(
    'is empty where there is none to be read: %s',
    (text) => {
      expect(parseClaim(text)).toEqual([])
    },
  )
})
