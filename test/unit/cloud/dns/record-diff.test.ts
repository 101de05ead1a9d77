import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planRecords } from '../../../../cloud/dns/record-diff.ts'

const value = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const ttl = fc.constantFrom(60, 300)
const found = fc
  .array(fc.record({ value, ttl }), { maxLength: 5 })
  .map((all) => all.map((one, id) => ({ ...one, id, comment: `c${id}` })))
const wanted = fc.option(fc.record({ ttl, values: fc.uniqueArray(value, { minLength: 1 }) }))

describe('a plan of records', () => {
  it('leads to what is wanted, never through an empty name, with no call too many', () => {
    fc.assert(
      fc.property(found, wanted, (before, after) => {
        const { creates, updates, deletes } = planRecords(before, after)
        let state: { id: number; value: string; ttl: number; comment: string }[] = [...before]
        const steps = [
          ...creates.map((one, i) => () => {
            state = [...state, { id: 100 + i, value: one.value, ttl: after?.ttl ?? 0, comment: '' }]
          }),
          ...updates.map((one) => () => {
            state = state.map((record) =>
              record.id === one.record.id
                ? { ...record, value: one.value, ttl: after?.ttl ?? 0 }
                : record,
            )
          }),
          ...deletes.map((one) => () => {
            state = state.filter(({ id }) => id !== one.id)
          }),
        ]
        for (const step of steps) {
          step()
          if (before.length > 0 && after !== null) expect(state.length).toBeGreaterThan(0)
        }
        expect(state.map((record) => record.value).sort()).toEqual(
          [...(after?.values ?? [])].sort(),
        )
        for (const record of state) {
          expect(record.ttl).toBe(after?.ttl)
          if (record.id < 100) expect(record.comment).toBe(`c${record.id}`)
        }
        const right = (after?.values ?? []).filter((wantedValue) =>
          before.some((one) => one.value === wantedValue && one.ttl === after?.ttl),
        )
        const goal = after?.values.length ?? 0
        expect(steps.length).toBe(Math.max(before.length, goal) - right.length)
        const { creates: c, updates: u, deletes: d } = planRecords(state, after)
        expect([c, u, d]).toEqual([[], [], []])
      }),
    )
  })

  it('moves an address with one update', () => {
    const record = { value: '2001:db8::1', ttl: 60, id: 7 }
    expect(planRecords([record], { ttl: 60, values: ['2001:db8::2'] })).toEqual({
      creates: [],
      updates: [{ record, value: '2001:db8::2' }],
      deletes: [],
    })
  })

  it('does not retime what the service times itself', () => {
    const record = { value: 'a', ttl: undefined }
    const { updates } = planRecords([record], { ttl: 60, values: ['a'] })
    expect(updates).toEqual([])
  })
})
