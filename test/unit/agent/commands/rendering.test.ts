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
    settle: [
      {
        network: 'web',
        from: '2001:db8:1:1:1::/80',
        to: '2001:db8:2:2:1::/80',
        policy: 'window',
        when: 'between 03:00 and 05:30',
        isPermitted: true,
      },
    ],
    dns: [
      { change: 'add', name: 'new.example.org', type: 'AAAA', from: [], to: ['2001:db8:2:2:1::2'] },
      {
        change: 'change',
        name: 'www.example.org',
        type: 'AAAA',
        from: ['2001:db8:1:1:1::1'],
        to: ['2001:db8:2:2:1::1'],
      },
      { change: 'withdraw', name: 'old.example.org', type: 'A', from: ['203.0.113.1'], to: [] },
    ],
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
      'docker  settle       network web 2001:db8:1:1:1::/80 → 2001:db8:2:2:1::/80, between 03:00 and 05:30',
      'dns     add          new.example.org AAAA 2001:db8:2:2:1::2',
      'dns     change       www.example.org AAAA 2001:db8:1:1:1::1 → 2001:db8:2:2:1::1',
      'dns     withdraw     old.example.org A 203.0.113.1',
      'problem   settings: no network db; create it',
      '2 steps to take, 3 names to report',
    ])
  })

  it('says that there is nothing to do', () => {
    const decision = { kind: 'hold', reason: 'no prefix' } as const
    const nothing = {
      ...plan,
      decision,
      others: [],
      steps: [],
      settle: [],
      dns: [],
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
