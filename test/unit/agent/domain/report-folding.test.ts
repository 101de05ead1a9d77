import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  foldReports,
  type ReportBody,
  unfoldReports,
  type WaitingReport,
} from '../../../../agent/domain/report-folding.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { parseName } from '../../../../shared/rrset.ts'

type Cause = ReportBody['prefix']['cause']

function waiting(id: number, subnet: number, cause: Cause, host: number): WaitingReport {
  return {
    id,
    at: `at ${id}`,
    body: {
      prefix: { current: parsePrefix(`2001:db8:${subnet}::/64`), cause },
      records: [
        {
          name: parseName('a.example.org'),
          type: 'AAAA',
          values: [`2001:db8:${subnet}:0:1::${host}`],
        },
      ],
      steps: [{ step: 'route-add', target: 'br', outcome: 'done', ms: 1 }],
    },
  }
}

describe('folding reports', () => {
  it('keeps every change of the prefix, with the last claim below it', () => {
    const folded = foldReports([
      waiting(1, 1, 'initial', 1),
      waiting(2, 1, 'claims', 2),
      waiting(3, 1, 'claims', 3),
      waiting(4, 2, 'flash', 3),
      waiting(5, 1, 'flash', 3),
    ])
    expect(unfoldReports(folded)).toMatchObject([
      {
        id: 3,
        at: 'at 1',
        body: { prefix: { cause: 'initial' }, records: [{ values: ['2001:db8:1:0:1::3'] }] },
      },
      { id: 4, body: { prefix: { current: '2001:db8:2::/64' } } },
      { id: 5, body: { prefix: { current: '2001:db8:1::/64' } } },
    ])
  })

  it('keeps values outside the prefix, and IPv4, as they are', () => {
    const one = waiting(1, 1, 'flash', 1)
    const records: ReportBody['records'] = [
      { name: parseName('b.example.org'), type: 'AAAA', values: ['2001:db8:ffff::1'] },
      { name: parseName('b.example.org'), type: 'A', values: ['203.0.113.1'] },
    ]
    const body = { ...one.body, records }
    expect(unfoldReports(foldReports([{ ...one, body }]))[0]?.body.records).toEqual(records)
  })

  it('loses no prefix and no newest claim, whatever came, and folds no further', () => {
    const rows = fc.array(
      fc.record({
        subnet: fc.integer({ min: 1, max: 3 }),
        host: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 1, maxLength: 30 },
    )
    fc.assert(
      fc.property(rows, (made) => {
        const reports = made.map(({ subnet, host }, index) => {
          const isSame = made[index - 1]?.subnet === subnet
          return waiting(index + 1, subnet, isSame ? 'claims' : 'flash', host)
        })
        const unfolded = unfoldReports(foldReports(reports))
        const prefixes = (list: readonly WaitingReport[]) =>
          list
            .map(({ body }) => body.prefix.current)
            .filter((prefix, index, all) => prefix !== all[index - 1])
        expect(prefixes(unfolded)).toEqual(prefixes(reports))
        expect(unfolded).toHaveLength(prefixes(reports).length)
        expect(unfolded.at(-1)?.body.records).toEqual(reports.at(-1)?.body.records)
        expect(unfolded.at(-1)?.id).toBe(reports.length)
        expect(unfoldReports(foldReports(unfolded))).toEqual(unfolded)
      }),
    )
  })
})
