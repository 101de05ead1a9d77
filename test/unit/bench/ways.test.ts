import { describe, expect, it } from 'vitest'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { planAgent } from '../../bench/agent.ts'
import { groupsOf, renderStackLine } from '../../bench/cron-host.ts'
import { renderDdclientConfiguration } from '../../bench/ddclient.ts'
import { familyOf, parseProcessStat } from '../../bench/idle.ts'
import { judgeRenumber } from '../../bench/renumber.ts'
import { labContainers } from '../../lab/lab-names.ts'
import { GOOD } from './measurement.fixture.ts'

describe('planAgent', () => {
  it('measures the 95th percentile of 20 containers from at least ten runs', () => {
    const plan = planAgent({ isQuick: false })
    expect(plan.containers).toEqual([1, 5, 20, 50])
    expect(plan.usualSize).toBe(20)
    expect(plan.reprefixRuns).toBeGreaterThanOrEqual(10)
    expect(plan.idleSeconds).toBeGreaterThanOrEqual(60)
  })

  it('takes what it is asked for, and the largest lab for the rest', () => {
    const plan = planAgent({ isQuick: true, containers: [1, 8], runs: 2, ways: ['idle'] })
    expect(plan).toMatchObject({ usualSize: 8, reprefixRuns: 2, ways: ['idle'] })
  })
})

describe('the script to compare with', () => {
  it('takes an address below its prefix for each container', () => {
    const [web] = labContainers(1)
    expect(web && renderStackLine(web)).toBe('web 172.30.5.101 1::101 8001:80 7001:7')
  })

  it('writes a prefix of 64 bits as four groups', () => {
    expect(groupsOf(parsePrefix('2001:db8:2:2::/64'))).toBe('2001:db8:2:2')
  })
})

describe('renderDdclientConfiguration', () => {
  it('gives no two names the same key file, which ddclient would give one address', () => {
    const text = renderDdclientConfiguration(labContainers(3), '/run/x', '/usr/bin/nsupdate')
    const keys = [...text.matchAll(/password='([^']+)'/g)].map(([, key]) => key)
    expect(keys).toEqual(['/run/x/web.key', '/run/x/api.key', '/run/x/files.key'])
    expect(text).toContain("cmd='/run/x/address 1::102'")
    expect(text).toMatch(/, api\.example\.org$/m)
  })
})

describe('parseProcessStat', () => {
  // Written by Linux 6.18 for a program named "a) b (c".
  const stat =
    '71 (a) b (c) S 7 71 71 0 -1 4194560 100 200 0 0 5 6 30 40 20 0 1 0 123 1000 10 18446744073709551615'

  it('adds the CPU time of children that have ended', () => {
    expect(parseProcessStat(stat)).toEqual({ pid: 71, parent: 7, ticks: 81 })
  })

  it('finds children and their children, and nobody else', () => {
    const each = (pid: number, parent: number) => ({ pid, parent, ticks: 0 })
    const all = [each(1, 0), each(7, 1), each(71, 7), each(72, 71), each(8, 1)]
    expect(familyOf(7, all).map(({ pid }) => pid)).toEqual([7, 71, 72])
  })
})

describe('judgeRenumber', () => {
  it('has a row for each run and adds up what was lost', () => {
    const { tables, targets } = judgeRenumber([GOOD, { ...GOOD, lostIpv4: 2 }, GOOD])
    expect(tables[0]?.rows).toHaveLength(3)
    expect(targets.filter(({ ok }) => !ok)).toMatchObject([
      { name: 'IPv4 requests lost', value: 2 },
    ])
  })
})
