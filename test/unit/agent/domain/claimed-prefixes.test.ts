import { describe, expect, it } from 'vitest'
import type { AgentState } from '../../../../agent/domain/agent-state.ts'
import { parseReportedClaim } from '../../../../agent/domain/claim-text.ts'
import { findClaimedPrefixes } from '../../../../agent/domain/claimed-prefixes.ts'
import { claimAt, type RememberedClaim } from '../../../../agent/domain/claims.ts'
import { parseAddress, parsePrefix } from '../../../../shared/ipv6.ts'
import { parseName } from '../../../../shared/rrset.ts'
import { INTENT, numberingAt, P1, P2 } from './host-simulator.ts'

const Q1 = parsePrefix('2001:db8:7:700::/56')
const Q2 = parsePrefix('2001:db8:8:800::/56')
const intent = {
  ...INTENT,
  others: [
    {
      uplink: 'wan1',
      prefixLength: 56,
      within: [parsePrefix('2001:db8::/32')],
      settleMs: 20,
      source: 'slaac' as const,
    },
  ],
}
const claim = (name: string, uplink: string, host: string): RememberedClaim => ({
  name: parseName(name),
  uplink,
  hosts: [parseAddress(host)],
  missingSince: null,
})
const NAMES = [
  claim('iot.example.org', 'wan1', '0:0:0:12::102'),
  claim('www.example.org', 'eth0', '::1:0:0:101'),
  claim('www.example.org', 'wan1', '0:0:0:12::101'),
]
const REPORTED = {
  current: P1,
  records: [
    { name: 'iot.example.org', type: 'AAAA', values: ['2001:db8:7:712::102'] },
    {
      name: 'www.example.org',
      type: 'AAAA',
      values: ['2001:db8:1:1:1::101', '2001:db8:7:712::101'],
    },
  ],
} as const

function find(uplinks: AgentState['uplinks'], reported: typeof REPORTED | null, names = NAMES) {
  const { prefixOf, ...rest } = findClaimedPrefixes({ uplinks }, names, reported, intent)
  const { claims } = claimAt(prefixOf, names)
  return { ...rest, claims: claims.map(({ name, values }) => `${name} ${values.join(' ')}`) }
}

describe('findClaimedPrefixes', () => {
  it('takes the prefixes that the uplinks are numbered from', () => {
    const { others, claims, problems } = find(
      { eth0: numberingAt(P2), wan1: numberingAt(Q2) },
      REPORTED,
    )
    expect({ others, problems }).toEqual({ others: [Q2], problems: [] })
    expect(claims).toEqual([
      'iot.example.org 2001:db8:8:812::102',
      'www.example.org 2001:db8:2:2:1::101 2001:db8:8:812::101',
    ])
  })

  it('leaves the values of an uplink that was never known since the state was lost as reported', () => {
    const { others, claims, problems } = find({ eth0: numberingAt(P2) }, REPORTED)
    expect({ others, problems }).toEqual({ others: [Q1], problems: [] })
    expect(claims).toEqual([
      'iot.example.org 2001:db8:7:712::102',
      'www.example.org 2001:db8:2:2:1::101 2001:db8:7:712::101',
    ])
  })

  it('claims without an uplink below which nothing was ever reported', () => {
    const reported = { ...REPORTED, records: [] as never }
    const { others, claims, problems } = find({ eth0: numberingAt(P1) }, reported)
    expect({ others, problems }).toEqual({ others: [], problems: [] })
    expect(claims).toEqual(['www.example.org 2001:db8:1:1:1::101'])
  })

  it('does not take an address on the main uplink for one on the other', () => {
    // Another machine that has the same interface identifier on both links.
    const names = [
      claim('nas.example.org', 'eth0', '::211:32ff:fe12:3456'),
      claim('nas.example.org', 'wan1', '::211:32ff:fe12:3456'),
    ]
    const text = `["2001:db8:1::/64",[{"name":"nas.example.org","type":"AAAA","values":["2001:db8:1::211:32ff:fe12:3456"]}]]`
    const reported = parseReportedClaim(text) as typeof REPORTED | null
    expect(reported?.records).toHaveLength(1)
    expect(find({ eth0: numberingAt(P2) }, reported, names).others).toEqual([])
  })

  it('holds the claim of a host that has not reported yet while names are on an unknown uplink', () => {
    const { problems } = find({ eth0: numberingAt(P1) }, null)
    expect(problems).toMatchObject([{ code: 'CLAIM_HELD', where: 'uplink wan1' }])
    const onMain = NAMES.filter(({ uplink }) => uplink === 'eth0')
    expect(find({ eth0: numberingAt(P1) }, null, onMain).problems).toEqual([])
  })
})
