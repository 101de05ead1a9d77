import type { ResultTable } from '../bench.ts'
import { median } from '../statistics.ts'
import type { RuntimeLoad } from './load.ts'

/** Reports a second of each runtime, side by side. */
export function loadTable(loads: readonly RuntimeLoad[]): ResultTable {
  return {
    title:
      'load: reports a second, each host waits for its receipt; client, DNS and store share the machine',
    rows: loads.map(({ runtime, store, hosts, rates }) => ({
      runtime,
      store,
      hosts,
      'median /s': Math.round(median(rates)),
      'slowest turn /s': Math.round(Math.min(...rates)),
    })),
  }
}
