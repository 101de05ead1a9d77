import { atMost, type ResultTable, type Target } from '../bench.ts'
import type { TableRow } from '../table.ts'
import type { BundleSizes, Size } from './bundles.ts'

/** As test/conformance/bundles.test.ts asserts it. */
const KB = 1000
const LIMIT_KB = 150
/** Of what is loaded on use, what is worth a line. */
const WORTH_NAMING = 10 * KB
/** They are alike, and only those of the zones are loaded: the largest one stands for all. */
const PROVIDER = /^cloud\/dns\/hosted\/[\da-z]+$/

/** Sizes of the programs, side by side, and of what each loads on use. */
export function bundleTables(bundles: readonly BundleSizes[]): readonly ResultTable[] {
  return [
    {
      title: 'bundles: what is read before the first answer (1 kB = 1000 bytes)',
      rows: bundles.flatMap(({ runtime, start, empty }) => [
        { runtime, program: 'empty Hono handler', ...cells(empty) },
        { runtime, program: 'reprefix', ...cells(start) },
      ]),
    },
    {
      title: `bundles: what is loaded on use, on top of that (${WORTH_NAMING / KB} kB and more)`,
      rows: bundles.flatMap(({ runtime, onUse }) =>
        worthNaming(onUse).map((size) => ({ runtime, module: size.name, ...cells(size) })),
      ),
    },
  ]
}

/** Only functions are started for a request, and only they are minified. */
export function bundleTargets(bundles: readonly BundleSizes[]): readonly Target[] {
  return bundles
    .filter(({ runtime }) => runtime !== 'Node')
    .map(({ runtime, start }) =>
      atMost(`${runtime}: kB minified before the first answer`, inKb(start.raw), LIMIT_KB),
    )
}

function worthNaming(onUse: BundleSizes['onUse']): BundleSizes['onUse'] {
  const large = onUse.filter(({ raw }) => raw >= WORTH_NAMING)
  const providers = large.filter(({ name }) => PROVIDER.test(name))
  return large
    .filter((each) => !PROVIDER.test(each.name) || each === providers[0])
    .map((each) =>
      each === providers[0]
        ? { ...each, name: `${each.name}, the largest of ${providers.length} providers` }
        : each,
    )
}

function cells({ raw, gzip }: Size): TableRow {
  return { kB: inKb(raw), 'gzip kB': inKb(gzip) }
}

function inKb(bytes: number): number {
  return Math.round((bytes / KB) * 10) / 10
}
