import { expect, it } from 'vitest'
import { knownProblems } from '../../../../agent/commands/known-problems.ts'
import { UNNUMBERED } from '../../../../agent/domain/numbering.ts'
import type { Problem } from '../../../../agent/domain/problem.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'

const problem = (code: Problem['code']): Problem => ({ code, where: 'w', what: 'x', remedy: 'y' })

it('names uplinks that hold, what was left out and what is not settled', () => {
  const keep = { kind: 'keep', prefix: parsePrefix('2001:db8::/64') } as const
  const hold = { kind: 'hold', reason: 'there is no interface eth1' } as const
  const others = [{ uplink: 'eth1', decision: hold, numbering: UNNUMBERED, problems: [] }]
  const problems = [problem('NETWORK_MISSING')]
  const known = knownProblems({ decision: keep, others, problems }, 'eth0', [
    problem('SETTLE_REFUSED'),
  ])
  expect(known).toMatchObject([
    { code: 'HOLD', where: 'uplink eth1', what: 'there is no interface eth1' },
    { code: 'NETWORK_MISSING' },
    { code: 'SETTLE_REFUSED' },
  ])
  expect(knownProblems({ decision: keep, others: [], problems: [] }, 'eth0', [])).toEqual([])
})
