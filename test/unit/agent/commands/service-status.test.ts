import { describe, expect, it } from 'vitest'
import { describeFailure, describePass } from '../../../../agent/commands/service-status.ts'
import { UNNUMBERED } from '../../../../agent/domain/numbering.ts'
import { ReprefixError } from '../../../../shared/errors.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'

const prefix = parsePrefix('2001:db8:1:1::/64')
const numbering = { ...UNNUMBERED, current: { prefix, cause: 'initial', since: 0 } } as const
const RIGHT = {
  decision: { kind: 'keep', prefix },
  numbering,
  others: [],
  results: [],
  isConverged: true,
} as const
const HOLD = { kind: 'hold', reason: 'no prefix is announced' } as const

describe('the status line of the service', () => {
  it('names the prefix of each uplink', () => {
    const other = { uplink: 'wan1', decision: HOLD, numbering: UNNUMBERED, problems: [] }
    expect(describePass({ ...RIGHT, others: [other] }, 'eth0')).toBe(
      'eth0: 2001:db8:1:1::/64; wan1: no prefix yet, holding: no prefix is announced',
    )
  })

  it('keeps the prefix in sight while it holds', () => {
    expect(describePass({ ...RIGHT, decision: HOLD }, 'eth0')).toBe(
      'eth0: 2001:db8:1:1::/64, holding: no prefix is announced',
    )
  })

  it('says which step failed and what was not done', () => {
    const step = { kind: 'route-add', subnet: parsePrefix('2001:db8:1:1:1::/80'), device: 'br' }
    const results = [{ step, outcome: 'failed', ms: 1, error: 'No such device' }]
    const told = describePass({ ...RIGHT, isConverged: false, results } as never, 'eth0')
    expect(told).toMatch(/^eth0: \S+; trying again: route-add .* failed: No such device \(0 steps/)
  })

  it('says why a pass could not be taken', () => {
    const cause = new ReprefixError('DOCKER_UNREACHABLE', 'Docker does not answer')
    expect(describeFailure(cause)).toBe('the host stays as it is: Docker does not answer')
  })
})
