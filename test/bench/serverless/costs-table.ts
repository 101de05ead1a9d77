import { type Costs, costOf, type Need, REPORT } from '../../../infra/cdk/costs.ts'
import { numberIn, tableOf } from '../../infra/guide-tables.ts'
import type { ResultTable } from '../bench.ts'
import type { TableRow } from '../table.ts'
import type { StoreNeed } from './costs.ts'

const MILLION = 1e6
/** The emulator does not count the index of pending reports (docs/design/stores.md). */
const INDEX_UNITS = 2
const D1_GUIDE = 'deploy-cloudflare.md'

/** What each store was asked for, and what a million such reports cost at the prices of the guides. */
export function costTables(needs: readonly StoreNeed[]): readonly ResultTable[] {
  const stores = [...new Set(needs.map(({ store }) => store))]
  return [
    ...stores.map((store) => ({
      title: `costs: what one report needs of ${store} (a host whose names have all moved)`,
      rows: needs
        .filter((need) => need.store === store)
        .map(({ names, counts }) => ({ names, ...rounded(counts) })),
    })),
    {
      title:
        'costs: dollars for a million reports, at the prices of the guides, without free tiers',
      rows: needs.flatMap((need) => {
        const price = priceOf(need)
        return price === undefined ? [] : [price]
      }),
    },
  ]
}

/** The store alone by what was counted here; what the runtime costs besides is in the guides. */
function priceOf({ store, names, counts }: StoreNeed): TableRow | undefined {
  if (store === 'D1') {
    const price = (what: string) => numberIn(tableOf(D1_GUIDE, 'what is paid for').get(what)?.[0])
    // The prices are those of a million rows.
    const reads = (counts.rowsRead ?? Number.NaN) * price('rows read')
    const writes = (counts.rowsWritten ?? Number.NaN) * price('rows written')
    return rowOf(store, names, { reads, writes })
  }
  if (store === 'DynamoDB') {
    const need: Need = {
      ...REPORT,
      readUnits: counts.readUnits ?? Number.NaN,
      writeUnits: (counts.writeUnits ?? Number.NaN) + INDEX_UNITS,
    }
    return rowOf(store, names, costOf(need, MILLION))
  }
  return undefined
}

function rowOf(store: string, names: number, costs: Pick<Costs, 'reads' | 'writes'>): TableRow {
  const dollars = (amount: number) => amount.toFixed(2)
  return {
    store,
    names,
    'reads $': dollars(costs.reads),
    'writes $': dollars(costs.writes),
    'sum $': dollars(costs.reads + costs.writes),
  }
}

function rounded(counts: Readonly<Record<string, number>>): TableRow {
  const entries = Object.entries(counts).map(([what, count]) => [what, Math.round(count * 10) / 10])
  return Object.fromEntries(entries)
}
