import { describe, expect, it } from 'vitest'
import { presentAgent, ratio, type Series, summarise } from '../../bench/agent-result.ts'
import { BAD, GOOD, MEASUREMENT, TEN } from './measurement.fixture.ts'

const twenty: Series = { way: 'reprefix', containers: 20, samples: TEN, failures: [] }

function verdict(series: readonly Series[], name: string) {
  const { targets } = presentAgent({ ...MEASUREMENT, series })
  return targets.find((target) => target.name === name)
}

describe('summarise', () => {
  it('takes the median of the times and the worst of the losses', () => {
    const worse = { ...GOOD, toReachableMs: 150, lostIpv4: 3, restarts: 1, reached: 19 }
    const summary = summarise({ ...twenty, samples: [GOOD, worse, GOOD] })
    expect(summary).toMatchObject({ medianMs: 120, lostIpv4: 3, restarts: 1, reached: 19 })
  })

  it('gives a 95th percentile from ten runs on', () => {
    expect(summarise(twenty)?.p95Ms).toBe(200)
    expect(summarise({ ...twenty, samples: TEN.slice(1) })?.p95Ms).toBeUndefined()
  })

  it('counts a run that never got through as a run', () => {
    const summary = summarise({ ...twenty, samples: [GOOD], failures: ['run 2: never'] })
    expect(summary).toMatchObject({ runs: 2, failed: 1, medianMs: 120 })
  })

  it('has nothing to say when no run got through', () => {
    expect(summarise({ ...twenty, samples: [], failures: ['run 1: never'] })).toBeUndefined()
  })
})

describe('ratio', () => {
  it.each([
    ['small', 150, 100, '1.5x'],
    ['large', 9300, 120, '78x'],
    ['nothing to compare with', 5, 0, '-'],
  ])('%s', (_name, value, base, expected) => {
    expect(ratio(value, base)).toBe(expected)
  })
})

describe('presentAgent', () => {
  it('puts each way beside the agent at the same number of containers', () => {
    const [changes, dns, idle] = presentAgent(MEASUREMENT).tables
    expect(changes?.rows).toMatchObject([
      { way: 'reprefix', runs: '10', 'median ms': 155, 'p95 ms': 200, ratio: '1x' },
      { way: 'cron', runs: '2 (1 failed)', 'median ms': 9300, 'p95 ms': '-', ratio: '60x' },
    ])
    expect(dns?.rows.map((row) => row.ratio)).toEqual(['1x', '20x', '300x'])
    expect(idle?.rows.map((row) => row.ratio)).toEqual(['1.3x', '1x'])
  })

  it('is satisfied with what the targets ask for', () => {
    expect(presentAgent(MEASUREMENT).targets.filter(({ ok }) => !ok)).toEqual([])
  })

  it('does not hold the losses of the script against the agent', () => {
    const targets = presentAgent(MEASUREMENT).targets
    expect(targets.find(({ name }) => name === 'reprefix: IPv4 requests lost')?.value).toBe(0)
  })

  it.each([
    ['20 containers, median ms', { toReachableMs: 201 }],
    ['20 containers, p95 ms', { toReachableMs: 401 }],
    ['reprefix: IPv4 requests lost', { lostIpv4: 1 }],
    ['reprefix: old IPv6 requests lost', { lostOldIpv6: 1 }],
    ['reprefix: established TCP connections broken', { brokenTcp: 1 }],
    ['reprefix: containers restarted', { restarts: 1 }],
    ['reprefix: containers not reached by name', { reached: 19 }],
  ])('says NO to %s', (name, fault) => {
    const samples = TEN.map((sample) => ({ ...sample, ...fault }))
    expect(verdict([{ ...twenty, samples }], name)?.ok).toBe(false)
  })

  it('says NO when a run of the agent never got through', () => {
    const series = [{ ...twenty, failures: ['run 11: never'] }]
    expect(verdict(series, 'reprefix: runs in which nobody got through')?.ok).toBe(false)
  })

  it('asks less of 50 containers, and nothing of sizes that were not measured', () => {
    const samples = [{ ...GOOD, toReachableMs: 390, reached: 50 }]
    const series: Series[] = [{ way: 'reprefix', containers: 50, samples, failures: [] }]
    expect(verdict(series, '50 containers, median ms')?.ok).toBe(true)
    expect(verdict(series, '20 containers, median ms')).toBeUndefined()
  })

  it.each([
    ['idle CPU, %', { rssMiB: 60, childrenMiB: 6, cpuPercent: 0.1 }],
    ['idle RSS, times bare node', { rssMiB: 68, childrenMiB: 6, cpuPercent: 0 }],
  ])('says NO to %s', (name, agent) => {
    const idle = { seconds: 60, agent, node: { rssMiB: 45, childrenMiB: 0, cpuPercent: 0 } }
    const { targets } = presentAgent({ ...MEASUREMENT, idle })
    expect(targets.find((target) => target.name === name)?.ok).toBe(false)
  })

  it('leaves out tables of what was not measured', () => {
    const { idle: _, ...rest } = MEASUREMENT
    const cron: Series = { way: 'cron', containers: 5, samples: [BAD], failures: [] }
    const { tables, targets } = presentAgent({ ...rest, series: [cron], dns: [] })
    expect(tables).toHaveLength(1)
    expect(targets).toEqual([])
  })
})
