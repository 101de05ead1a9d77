import type { AgentMeasurement } from '../../bench/agent-result.ts'
import type { Sample } from '../../bench/reprefix-way.ts'

/** A run of the agent. */
export const GOOD: Sample = {
  toReachableMs: 120,
  toNamedMs: 110,
  lostIpv4: 0,
  longestIpv4GapMs: 31,
  lostOldIpv6: 0,
  brokenTcp: 0,
  restarts: 0,
  reached: 20,
}

/** A run of the script. */
export const BAD: Sample = {
  toReachableMs: 9300,
  toNamedMs: 9250,
  lostIpv4: 280,
  longestIpv4GapMs: 5600,
  lostOldIpv6: 411,
  brokenTcp: 1,
  restarts: 20,
  reached: 1,
}

/** Ten runs from 110 to 200 ms. */
export const TEN: readonly Sample[] = Array.from({ length: 10 }, (_, i) => ({
  ...GOOD,
  toReachableMs: 110 + 10 * i,
}))

/** A whole measurement with 20 containers. */
export const MEASUREMENT: AgentMeasurement = {
  v: 1,
  at: '2024-05-06T07:08:09.000Z',
  isComplete: true,
  machine: { system: 'Debian & friends', cpus: '2', docker: 'Docker version 20.10.24, build x' },
  conditions: {},
  series: [
    { way: 'reprefix', containers: 20, samples: TEN, failures: [] },
    { way: 'cron', containers: 20, samples: [BAD], failures: ['run 2: no page within 120 s'] },
  ],
  dns: [
    { way: 'reprefix', containers: 20, toNamedMs: [100, 120] },
    { way: 'ddclient by hand', containers: 20, toNamedMs: [2200] },
    { way: 'ddclient by itself', containers: 20, toNamedMs: [33_000] },
  ],
  idle: {
    seconds: 60,
    agent: { rssMiB: 60, childrenMiB: 6, cpuPercent: 0.05 },
    node: { rssMiB: 45, childrenMiB: 0, cpuPercent: 0 },
  },
}
