import { describe, expect, it } from 'vitest'
import { renderLogLine } from '../../../../agent/commands/log-line.ts'
import { type PlanReport, renderPlan } from '../../../../agent/commands/plan.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { parseName } from '../../../../shared/rrset.ts'

const TO = parsePrefix('2001:db8:2:2::/64')
const FROM = parsePrefix('2001:db8:1:1::/64')

describe('the plan for people', () => {
  const plan: PlanReport = {
    kind: 'plan',
    others: [{ uplink: 'wan1', decision: { kind: 'keep', prefix: FROM } }],
    decision: { kind: 'renumber', from: FROM, to: TO, cause: 'flash' },
    steps: [
      { plane: 'docker', step: 'address-add', target: 'web 2001:db8:2:2:1::1 dev eth0' },
      { plane: 'routes', step: 'route-add', target: '2001:db8:2:2:1::/80 dev br-web' },
    ],
    claims: [{ name: parseName('www.example.org'), type: 'AAAA', values: ['2001:db8:2:2:1::1'] }],
    isClaimNew: true,
    problems: [
      { code: 'NETWORK_MISSING', where: 'settings', what: 'no network db', remedy: 'create it' },
    ],
    hasChanges: true,
  }

  it('shows decision, steps on all planes, names and problems', () => {
    expect(renderPlan(plan)).toEqual([
      'decision  renumber to 2001:db8:2:2::/64 from 2001:db8:1:1::/64 (flash)',
      'wan1      keep 2001:db8:1:1::/64',
      'docker  address-add  web 2001:db8:2:2:1::1 dev eth0',
      'routes  route-add    2001:db8:2:2:1::/80 dev br-web',
      'dns     AAAA         www.example.org 2001:db8:2:2:1::1',
      'problem   settings: no network db; create it',
      '2 steps to take',
    ])
  })

  it('says that there is nothing to do', () => {
    const decision = { kind: 'hold', reason: 'no prefix' } as const
    const nothing = {
      ...plan,
      decision,
      others: [],
      steps: [],
      isClaimNew: false,
      hasChanges: false,
    }
    expect(renderPlan({ ...nothing, problems: [] })).toEqual([
      'decision  hold: no prefix',
      'nothing to do',
    ])
  })
})

describe('a log line for people', () => {
  it.each([
    ['{"level":30,"time":"T","msg":"made"}\n', 'T info  made'],
    ['{"level":50,"time":"T","msg":"broken"}', 'T ERROR broken'],
    ['not json\n', 'not json'],
  ])('%#', (json, line) => {
    expect(renderLogLine(json)).toBe(line)
  })
})
