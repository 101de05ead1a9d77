import type { Bench, BenchFile, BenchResult } from '../bench.ts'
import { type BurstPlan, type BurstResult, measureBurst } from './burst.ts'
import { burstTable, burstTargets } from './burst-table.ts'

/** Everything that one run measured: what is saved. */
export interface ServerlessMeasurement {
  readonly v: 1
  readonly at: string
  readonly isComplete: boolean
  readonly bursts?: readonly BurstResult[]
}

const WAYS = ['burst'] as const
const ZONES = 50
const MINUTE_MS = 60_000

/** Tables and verdicts of a measurement. */
export function presentServerless({ bursts = [] }: ServerlessMeasurement): BenchResult {
  return { tables: bursts.map(burstTable), targets: bursts.flatMap(burstTargets) }
}

/** Every size at once and spread over a minute; `--quick` is a small one. */
export function planBursts(isQuick: boolean): readonly BurstPlan[] {
  const sizes = isQuick ? [200] : [1000, 10_000]
  return sizes.flatMap((hosts) =>
    [0, MINUTE_MS].map((withinMs) => ({ hosts, zones: ZONES, withinMs })),
  )
}

async function measureBursts(
  isQuick: boolean,
  onProgress: (line: string) => void,
): Promise<readonly BurstResult[]> {
  const bursts: BurstResult[] = []
  for (const plan of planBursts(isQuick)) {
    onProgress(`${plan.hosts} hosts renumber${plan.withinMs === 0 ? ' at once' : ''}`)
    bursts.push(await measureBurst(plan))
  }
  return bursts
}

function fileOf(measurement: ServerlessMeasurement): BenchFile {
  return { name: 'serverless.json', content: `${JSON.stringify(measurement, null, 2)}\n` }
}

/** `npm run bench -- serverless`. */
export const serverlessBench: Bench = {
  name: 'serverless',
  summary: 'a fleet that renumbers at once, at services that limit requests',
  ways: WAYS,
  run: async ({ isQuick, ways = WAYS, onProgress }) => {
    const measurement: ServerlessMeasurement = {
      ...{ v: 1, at: new Date().toISOString(), isComplete: true },
      ...(ways.includes('burst') && { bursts: await measureBursts(isQuick, onProgress) }),
    }
    return { ...presentServerless(measurement), files: [fileOf(measurement)] }
  },
}
