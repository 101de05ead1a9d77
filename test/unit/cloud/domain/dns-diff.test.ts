import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffChange } from '../../../../cloud/domain/dns-diff.ts'
import type { Change } from '../../../../cloud/domain/dns-provider.ts'
import { canonicalValues, parseName, type RRset } from '../../../../shared/rrset.ts'

const name = parseName('www.example.org')
const addresses = ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8::4']
const clamp = (set: RRset): RRset => ({ ...set, ttl: Math.max(set.ttl, 60) })
const values = fc.subarray(addresses, { minLength: 1 }).map((list) => canonicalValues('AAAA', list))
const found = fc.option(
  fc
    .record({ values, ttl: fc.constantFrom(60, 300) })
    .map((set): RRset => ({ name, type: 'AAAA', ...set })),
)
const wanted = fc.option(
  fc
    .record({ values: fc.shuffledSubarray(addresses), ttl: fc.constantFrom(1, 60, 300) })
    .map((set): RRset => ({ name, type: 'AAAA', ...set })),
)

/** Does what an edit says, record by record. */
function applyEdit(before: RRset | null, change: Change): RRset | null {
  const diff = diffChange(change, before, clamp)
  if (diff.kind !== 'edit') return before
  const { adds, removes, after } = diff.edit
  const kept = (before?.values ?? []).filter((value) => !removes.includes(value))
  const left = canonicalValues('AAAA', [...kept, ...adds])
  return after === null || left.length === 0 ? null : { ...after, values: left }
}

describe('diffChange', () => {
  it('leads to what is wanted, and then finds nothing to do', () => {
    fc.assert(
      fc.property(found, wanted, (before, set) => {
        const change: Change = { name, type: 'AAAA', set }
        const after = applyEdit(before, change)
        const isAbsent = set === null || set.values.length === 0
        expect(after?.values ?? []).toEqual(isAbsent ? [] : canonicalValues('AAAA', set.values))
        if (!isAbsent) expect(after?.ttl).toBe(Math.max(set.ttl, 60))
        expect(diffChange(change, after, clamp).kind).toBe('unchanged')
      }),
    )
  })

  it('names the edit after what happens to the RRset', () => {
    fc.assert(
      fc.property(found, wanted, (before, set) => {
        const diff = diffChange({ name, type: 'AAAA', set }, before, clamp)
        if (diff.kind !== 'edit') return
        const { kind, after, isRetimed } = diff.edit
        expect(kind).toBe(before === null ? 'created' : after === null ? 'deleted' : 'updated')
        expect(isRetimed).toBe(before !== null && after !== null && before.ttl !== after.ttl)
      }),
    )
  })

  it('is a conflict exactly when there is something to do and the expectation does not hold', () => {
    fc.assert(
      fc.property(found, wanted, fc.option(values), (before, set, expected) => {
        const change: Change = { name, type: 'AAAA', set }
        const free = diffChange(change, before, clamp)
        const bound = diffChange({ ...change, expect: expected }, before, clamp)
        const holds = String(expected ?? []) === String(before?.values ?? [])
        expect(bound.kind).toBe(free.kind === 'unchanged' || holds ? free.kind : 'conflict')
      }),
    )
  })
})
