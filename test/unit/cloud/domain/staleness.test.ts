import { describe, expect, it } from 'vitest'
import { POLICY_DEFAULTS } from '../../../../cloud/domain/host-policy.ts'
import type { HostRecord, LastReport } from '../../../../cloud/domain/host-record.ts'
import { stalenessOf } from '../../../../cloud/domain/staleness.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { parseName } from '../../../../shared/rrset.ts'

const NOW = Date.parse('2026-03-31T00:00:00.000Z')
const DAY = 86_400_000

function host(change: Partial<HostRecord>, report: Partial<LastReport> = {}): HostRecord {
  const at = '2026-03-30T00:00:00.000Z'
  return {
    ...{ name: 'home', version: 3, status: 'active', addedAt: at },
    policy: { ...POLICY_DEFAULTS, prefixes: [parsePrefix('2000::/3')], names: [] },
    claim: [{ name: parseName('www.example.org'), type: 'AAAA' }],
    lastReport: { index: 7, at, prefix: parsePrefix('2001:db8:1::/64'), agent: '0.1.0', ...report },
    ...change,
  }
}

const old = { at: '2026-02-01T00:00:00.000Z' }
const CASES: readonly [string, HostRecord, ReturnType<typeof stalenessOf>][] = [
  ['fresh', host({}), undefined],
  [
    'prefix/expired',
    host({}, { validUntil: '2026-03-30T23:00:00.000Z' }),
    { reason: 'expired', since: '2026-03-30T23:00:00.000Z' },
  ],
  ['prefix/valid', host({}, { validUntil: '2026-03-31T00:00:01.000Z' }), undefined],
  ['silent', host({}, old), { reason: 'silent', since: '2026-03-03T00:00:00.000Z' }],
  [
    'silent/but-expired-first',
    host({}, { ...old, validUntil: '2026-02-02T00:00:00.000Z' }),
    { reason: 'expired', since: '2026-02-02T00:00:00.000Z' },
  ],
  ['revoked', host({ status: 'revoked' }, old), undefined],
  ['invited', host({ status: 'invited' }, old), undefined],
  ['claims-nothing', host({ claim: [] }, old), undefined],
]

describe('stalenessOf', () => {
  it.each(CASES)('%s', (_, given, expected) => {
    expect(stalenessOf(given, NOW, 30 * DAY)).toEqual(expected)
  })
})
