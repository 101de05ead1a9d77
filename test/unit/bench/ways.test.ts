import { describe, expect, it } from 'vitest'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { MEASURES, measureAgent, planAgent } from '../../bench/agent.ts'
import type { AgentMeasurement } from '../../bench/agent-result.ts'
import { groupsOf, renderStackLine } from '../../bench/cron-host.ts'
import { isAtRest, renderDdclientConfiguration } from '../../bench/ddclient.ts'
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

describe('measureAgent', () => {
  it('gives what there is after each size, marked, and of one run', async () => {
    const plan = planAgent({ isQuick: true, containers: [1, 5], ways: ['reprefix', 'cron'] })
    const parts: AgentMeasurement[] = []
    const sizes: number[] = []
    const whole = await measureAgent(
      plan,
      () => undefined,
      async (soFar) => void parts.push(structuredClone(soFar)),
      {
        ...MEASURES,
        describeMachine: async () => ({ system: 'none' }),
        measureReprefix: async ({ containers }) => {
          sizes.push(containers)
          return { samples: [GOOD], afterwards: undefined }
        },
        measureCron: async (containers) => {
          if (containers === 5) throw new Error('cut off')
          return { samples: [GOOD], failures: [] }
        },
      },
    ).catch((cause: unknown) => cause)
    expect(whole).toMatchObject({ message: 'cut off' })
    expect(sizes).toEqual([1, 5])
    expect(parts).toMatchObject([
      {
        isComplete: false,
        machine: { system: 'none' },
        series: [
          { way: 'reprefix', containers: 1 },
          { way: 'cron', containers: 1 },
        ],
      },
    ])
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

describe('isAtRest', () => {
  // Written by ddclient 3.10.0 after its first look, which updated, and after its second.
  const cache = (atime: number, domain: string) =>
    `atime=${atime},host=${domain},ip=2001:db8:1:1::5,mtime=1795612906,status=noconnect,ttl=60,wtime=30 ${domain}`
  const head = '## ddclient-3.10.0\n## last updated at Wed Nov 25 13:22:46 2026 (1795612966)\n'

  it('sees that ddclient has looked once more after its update', () => {
    const text = `${head}${cache(0, 'web.example.org')}\n${cache(1_795_612_906, 'api.example.org')}\n`
    expect(isAtRest(text, 'web.example.org')).toBe(true)
    expect(isAtRest(text, 'api.example.org')).toBe(false)
    expect(isAtRest(text, 'files.example.org')).toBe(false)
    expect(isAtRest('', 'web.example.org')).toBe(false)
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
