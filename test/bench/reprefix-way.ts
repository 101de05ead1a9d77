import { type Prefix, parsePrefix } from '../../shared/ipv6.ts'
import { type Home, startHome } from '../lab/home.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { takeCensus } from '../lab/prober.ts'
import { measureRenumbering, type Renumbering } from '../lab/renumbering.ts'

/** One flash renumbering of one way. */
export interface Sample {
  readonly toReachableMs: number
  readonly toNamedMs: number
  readonly lostIpv4: number
  readonly longestIpv4GapMs: number
  readonly lostOldIpv6: number
  readonly brokenTcp: number
  readonly restarts: number
  /** Containers whose page was fetched by name 2.5 s after the first one's was. */
  readonly reached: number
}

/** The prefix after `run` changes: a new one each time, as providers hand them out. */
export function prefixAfter(run: number): Prefix {
  const group = (run + 1).toString(16)
  return parsePrefix(`2001:db8:${group}:${group}::/64`)
}

/** What of a renumbering is kept, after a look at every container. */
export async function toSample(lab: Lab, measured: Renumbering): Promise<Sample> {
  const { toReachableMs, toNamedMs, lostIpv4, lostOldIpv6, brokenTcp, restarts } = measured
  const longestIpv4GapMs = measured.counters.ipv4.longestGapMs
  const { reached } = await takeCensus(lab, measured.to)
  return {
    ...{ toReachableMs, toNamedMs, lostIpv4, longestIpv4GapMs },
    ...{ lostOldIpv6, brokenTcp, restarts, reached: reached.length },
  }
}

/** What one size of lab is asked for. */
export interface ReprefixWayOptions<T> {
  readonly containers: number
  readonly runs: number
  readonly onProgress: (line: string) => void
  /** Looks at the home after its renumberings, when it has this prefix, before it is removed. */
  readonly afterwards?: (home: Home, prefix: Prefix) => Promise<T>
}

/**
 * Flash renumberings of one home that the agent renumbers, each to a new prefix: from the
 * advertisement on the link to a stranger's first page by name, and what was lost meanwhile.
 */
export async function measureReprefix<T = undefined>({
  containers,
  runs,
  onProgress,
  afterwards,
}: ReprefixWayOptions<T>): Promise<{ samples: readonly Sample[]; afterwards: T | undefined }> {
  const lab = await createLab({ containers })
  try {
    const home = await startHome(lab, { prefix: prefixAfter(0) })
    const samples: Sample[] = []
    for (let run = 1; run <= runs; run++) {
      const measured = await measureRenumbering(lab, home.prober, home.watched, {
        cause: 'flash',
        from: prefixAfter(run - 1),
        to: prefixAfter(run),
      })
      const sample = await toSample(lab, measured)
      samples.push(sample)
      onProgress(
        `reprefix, ${containers} containers, run ${run}: ${sample.toReachableMs} ms, ` +
          `${sample.lostIpv4} IPv4 requests lost`,
      )
    }
    return { samples, afterwards: await afterwards?.(home, prefixAfter(runs)) }
  } finally {
    lab.close()
  }
}
