import { describe, expect, it } from 'vitest'
import { type HostPolicy, POLICY_DEFAULTS } from '../../../../cloud/domain/host-policy.ts'
import type { HeldSet } from '../../../../cloud/domain/host-record.ts'
import { sharersOf, valuesHeld } from '../../../../cloud/domain/shared-names.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { parseName } from '../../../../shared/rrset.ts'

const www = parseName('www.example.org')
const api = parseName('api.example.org')
const sharing: HostPolicy = {
  ...POLICY_DEFAULTS,
  names: [www, api],
  prefixes: [parsePrefix('2001:db8::/32')],
  shared: [www],
}
const AAAA = 'AAAA' as const
const held = { name: www, type: AAAA, values: ['2001:db8::1'] }
const home = { host: 'home', policy: sharing }

function sharers(office: { policy?: HostPolicy; claim?: HeldSet[] } | undefined) {
  const holder = { policy: sharing, claim: [held], ...office }
  const holders = new Map(office === undefined ? [] : [['office', holder]])
  return sharersOf(www, home, { owners: new Map([[www, ['home', 'office']]]), holders })
}

describe('sharersOf', () => {
  it('gives the other owners of a name that all share', () => {
    expect(sharers({})).toEqual([{ policy: sharing, claim: [held] }])
    expect(sharersOf(api, home, { owners: new Map(), holders: new Map() })).toEqual([])
  })

  it.each([
    ['owner-does-not-share', { policy: { ...sharing, shared: [] } }],
    ['owner-is-not-known', undefined],
    // As an older version kept it: in the union they would be lost.
    ['values-are-not-known', { claim: [{ name: www, type: AAAA }] }],
  ])('gives nothing where it belongs to one that does not: %s', (_, office) => {
    expect(sharers(office)).toBeUndefined()
  })
})

it('valuesHeld takes those of the very RRset', () => {
  const claim = [held, { name: www, type: 'A' as const, values: ['192.0.2.1'] }]
  const other = { ...held, name: api, values: ['2001:db8::9'] }
  const holders = [{ policy: sharing, claim: [...claim, other] }]
  expect(valuesHeld({ name: www, type: AAAA }, holders)).toEqual(['2001:db8::1'])
})
