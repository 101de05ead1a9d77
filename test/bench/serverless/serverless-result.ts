import type { BenchResult } from '../bench.ts'
import type { BundleSizes } from './bundles.ts'
import { bundleTables, bundleTargets } from './bundles-table.ts'
import type { BurstResult } from './burst.ts'
import { burstTable, burstTargets } from './burst-table.ts'
import type { StoreNeed } from './costs.ts'
import { costTables } from './costs-table.ts'
import type { RuntimeLoad } from './load.ts'
import { loadTable } from './load-table.ts'
import type { StartTimes } from './start-time.ts'
import { startTable, startTargets } from './starts-table.ts'

/** Everything that one run measured: what is saved. */
export interface ServerlessMeasurement {
  readonly v: 1
  readonly at: string
  readonly isComplete: boolean
  readonly machine: Readonly<Record<string, string>>
  readonly bundles?: readonly BundleSizes[]
  readonly starts?: readonly StartTimes[]
  readonly loads?: readonly RuntimeLoad[]
  readonly needs?: readonly StoreNeed[]
  readonly bursts?: readonly BurstResult[]
}

/** Tables and verdicts of a measurement; of what was not measured there are none. */
export function presentServerless(measured: ServerlessMeasurement): BenchResult {
  const { bundles, starts, loads, needs, bursts = [] } = measured
  return {
    tables: [
      ...(bundles === undefined ? [] : bundleTables(bundles)),
      ...(starts === undefined ? [] : [startTable(starts)]),
      ...(loads === undefined ? [] : [loadTable(loads)]),
      ...(needs === undefined ? [] : costTables(needs)),
      ...bursts.map(burstTable),
    ],
    targets: [
      ...bundleTargets(bundles ?? []),
      ...startTargets(starts ?? []),
      ...bursts.flatMap(burstTargets),
    ],
  }
}
