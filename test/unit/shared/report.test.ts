import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseHostName, parseReport } from '../../../shared/report.ts'
import { sampleReport } from './sample-report.ts'

describe('parseReport', () => {
  it('accepts a complete report and one without the optional members', () => {
    const full = sampleReport({
      prefix: {
        current: '2001:db8:2::/64',
        previous: '2001:db8:1::/64',
        validUntil: '2026-01-31T12:00:00.5Z',
        cause: 'flash',
      },
    })
    expect(parseReport(full)).toEqual(full)
    expect(parseReport(sampleReport({ records: [], steps: [] }))).toMatchObject({ records: [] })
  })

  it.each<[string, object, RegExp]>([
    ['unknown member', { extra: 1 }, /extra: is not known/],
    ['other version', { v: 2 }, /v: must be 1, not 2/],
    ['sequence zero', { seq: 0 }, /seq: must be at least 1/],
    ['sequence too large', { seq: 2 ** 53 }, /seq: /],
    ['fractional sequence', { seq: 1.5 }, /seq: /],
    ['host in upper case', { host: 'Nas' }, /host: "Nas" is not a host name/],
    [
      'host bits in the prefix',
      { prefix: { current: '2001:db8::1/64', cause: 'flash' } },
      /prefix\.current: .*did you mean/,
    ],
    [
      'prefix spelt otherwise',
      { prefix: { current: '2001:DB8::/64', cause: 'flash' } },
      /prefix\.current: .*must be written "2001:db8::\/64"/,
    ],
    [
      'local time',
      { prefix: { current: '::/0', cause: 'flash', validUntil: '2026-01-31T12:00:00+01:00' } },
      /validUntil/,
    ],
    [
      'impossible time',
      { prefix: { current: '::/0', cause: 'flash', validUntil: '2026-13-31T12:00:00Z' } },
      /validUntil/,
    ],
    [
      'day that its month does not have',
      { prefix: { current: '::/0', cause: 'flash', validUntil: '2026-02-30T12:00:00Z' } },
      /validUntil/,
    ],
    [
      'hour 24',
      { prefix: { current: '::/0', cause: 'flash', validUntil: '2026-01-31T24:00:00Z' } },
      /validUntil/,
    ],
    [
      'undefined optional',
      { prefix: { current: '::/0', cause: 'flash', previous: undefined } },
      /prefix\.previous/,
    ],
    [
      'TXT claim',
      { records: [{ name: 'a.test', type: 'TXT', values: ['x'] }] },
      /records\.0\.type/,
    ],
    [
      'wrong family',
      { records: [{ name: 'a.test', type: 'A', values: ['::1'] }] },
      /records\.0: has a value of the other address family/,
    ],
    [
      'value spelt otherwise',
      { records: [{ name: 'a.test', type: 'AAAA', values: ['::0'] }] },
      /records\.0\.values\.0: .*must be written "::"/,
    ],
    [
      'same value twice',
      { records: [{ name: 'a.test', type: 'AAAA', values: ['::1', '::1'] }] },
      /records\.0: has a value twice/,
    ],
    ['no value', { records: [{ name: 'a.test', type: 'AAAA', values: [] }] }, /records\.0\.values/],
    [
      'name in upper case',
      { records: [{ name: 'A.test', type: 'AAAA', values: ['::1'] }] },
      /records\.0\.name/,
    ],
    [
      'same RRset twice',
      { records: [claim('a.test'), claim('a.test')] },
      /claims one name and type twice/,
    ],
    [
      '65 names',
      { records: Array.from({ length: 65 }, (_, i) => claim(`n${i}.test`)) },
      /at most 64 names/,
    ],
    ['short root', { log: { size: 0, root: 'AAAA' } }, /log\.root: expected 32 bytes/],
    ['negative size', { log: { size: -1, root: sampleReport().log.root } }, /log\.size/],
    [
      'infinite duration',
      { steps: [{ step: 'a', target: 'b', outcome: 'done', ms: Number.POSITIVE_INFINITY }] },
      /steps\.0\.ms/,
    ],
  ])('refuses %s, naming the path', (_, change, message) => {
    expect(() => parseReport(sampleReport(change))).toThrow(message)
    expect(() => parseReport(sampleReport(change))).toThrow(
      expect.objectContaining({ code: 'REPORT_INVALID' }),
    )
  })

  it('names a missing member', () => {
    const { seq: _, ...rest } = sampleReport()
    expect(() => parseReport(rest)).toThrow(/seq: is missing/)
  })

  it('refuses a __proto__ member like any unknown one', () => {
    const text = JSON.stringify(sampleReport()).replace('{', '{"__proto__":{"v":1},')
    expect(() => parseReport(JSON.parse(text))).toThrow(
      expect.objectContaining({ code: 'REPORT_INVALID' }),
    )
  })

  it('accepts 64 names with both families', () => {
    const records = Array.from({ length: 64 }, (_, i) => [
      claim(`n${i}.test`),
      { name: `n${i}.test`, type: 'A', values: ['192.0.2.1'] },
    ]).flat()
    expect(parseReport(sampleReport({ records })).records).toHaveLength(128)
  })

  it('answers any JSON value with a report or REPORT_INVALID', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => parseReport(value)).toThrow(
          expect.objectContaining({ code: 'REPORT_INVALID' }),
        )
      }),
    )
  })
})

describe('parseHostName', () => {
  it('accepts one lower-case label', () => {
    for (const text of ['nas', 'a', 'a-1', 'x'.repeat(63)]) expect(parseHostName(text)).toBe(text)
    for (const text of ['', 'A', '-a', 'a-', 'a.b', 'a_b', 'x'.repeat(64)]) {
      expect(() => parseHostName(text)).toThrow(
        expect.objectContaining({ code: 'HOST_NAME_INVALID' }),
      )
    }
  })
})

function claim(name: string) {
  return { name, type: 'AAAA', values: ['2001:db8::1'] }
}
