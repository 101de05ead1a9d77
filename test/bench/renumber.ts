import { type Bench, type BenchResult, below, none } from './bench.ts'
import { measureReprefix, type Sample } from './reprefix-way.ts'
import { median } from './statistics.ts'

const REACHABLE_TARGET_MS = 1000
const RUNS = 10
const QUICK_RUNS = 3
const CONTAINERS = 3

/** What `renumber` says of its runs: one row each, and the verdicts. */
export function judgeRenumber(samples: readonly Sample[]): BenchResult {
  const total = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0)
  return {
    tables: [
      { title: 'flash renumberings', rows: samples.map((each, i) => ({ run: i + 1, ...each })) },
    ],
    targets: [
      below(
        'announcement to page by name, median ms',
        median(samples.map(({ toReachableMs }) => toReachableMs)),
        REACHABLE_TARGET_MS,
      ),
      none(
        'IPv4 requests lost',
        total(({ lostIpv4 }) => lostIpv4),
      ),
      none(
        'old IPv6 requests lost',
        total(({ lostOldIpv6 }) => lostOldIpv6),
      ),
      none(
        'established TCP connections broken',
        total(({ brokenTcp }) => brokenTcp),
      ),
      none(
        'containers restarted',
        total(({ restarts }) => restarts),
      ),
    ],
  }
}

/** `npm run bench -- renumber`: this machine, in a minute. */
export const renumberBench: Bench = {
  name: 'renumber',
  summary: 'flash renumbering in the lab: time to the first page by name, and what was lost',
  needs: 'lab',
  run: async ({ isQuick, runs, containers, onProgress }) => {
    const { samples } = await measureReprefix({
      containers: containers?.[0] ?? CONTAINERS,
      runs: runs ?? (isQuick ? QUICK_RUNS : RUNS),
      onProgress,
    })
    return judgeRenumber(samples)
  },
}
