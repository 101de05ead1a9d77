import { cpus, release } from 'node:os'
import type { Bench, BenchFile } from '../bench.ts'
import { type BundleSizes, measureBundles, RUNTIMES } from './bundles.ts'
import { type BurstPlan, type BurstResult, measureBurst } from './burst.ts'
import { measureNeeds } from './costs.ts'
import { measureLoads } from './load.ts'
import { presentServerless, type ServerlessMeasurement } from './serverless-result.ts'
import { measureStarts } from './starts.ts'

const WAYS = ['bundles', 'start', 'load', 'costs', 'burst'] as const
const ZONES = 50
const MINUTE_MS = 60_000

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

async function measureAllBundles(): Promise<readonly BundleSizes[]> {
  const bundles: BundleSizes[] = []
  for (const runtime of RUNTIMES) bundles.push(await measureBundles(runtime))
  return bundles
}

function fileOf(measurement: ServerlessMeasurement): BenchFile {
  return { name: 'serverless.json', content: `${JSON.stringify(measurement, null, 2)}\n` }
}

/** `npm run bench -- serverless`. */
export const serverlessBench: Bench = {
  name: 'serverless',
  summary: 'what the three runtimes weigh, start, bear and cost; a fleet that renumbers at once',
  ways: WAYS,
  run: async ({ isQuick, runs, ways = WAYS, onProgress, onPart = async () => {} }) => {
    let measured: ServerlessMeasurement = {
      ...{ v: 1, at: new Date().toISOString(), isComplete: false },
      machine: describeMachine(),
    }
    async function measure(way: (typeof WAYS)[number], part: () => Promise<object>): Promise<void> {
      if (!ways.includes(way)) return
      onProgress(way)
      measured = { ...measured, ...(await part()) }
      await onPart(fileOf(measured))
    }
    const starts = runs ?? (isQuick ? 5 : 25)
    const load = isQuick
      ? { hosts: 8, reports: 5, turns: 2 }
      : { hosts: 32, reports: 10, turns: runs ?? 5 }
    await measure('bundles', async () => ({ bundles: await measureAllBundles() }))
    await measure('start', async () => ({ starts: await measureStarts(starts, onProgress) }))
    await measure('load', async () => ({ loads: await measureLoads(load, onProgress) }))
    await measure('costs', async () => ({ needs: await measureNeeds(onProgress) }))
    await measure('burst', async () => ({ bursts: await measureBursts(isQuick, onProgress) }))
    measured = { ...measured, isComplete: true }
    return { ...presentServerless(measured), files: [fileOf(measured)] }
  },
}

function describeMachine(): Readonly<Record<string, string>> {
  const [cpu] = cpus()
  return {
    kernel: release(),
    cpus: `${cpus().length} x ${cpu?.model ?? '?'}`,
    node: process.version,
  }
}
