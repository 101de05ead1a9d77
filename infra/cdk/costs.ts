import { MEMORY_MB } from './function-size.ts'

// What the deployment costs, from what one report and one pass need. docs/guides/deploy-aws.md has the
// tables that come of it, and test/infra/cdk/costs.test.ts holds both to what is measured.

/** What one invocation needs, counted on the emulator of DynamoDB with the built function. */
export interface Need {
  /** Request units of DynamoDB, those of the index included. */
  readonly readUnits: number
  readonly writeUnits: number
  /** Requests to DynamoDB, one after the other. */
  readonly storeReads: number
  readonly storeWrites: number
  readonly providerRequests: number
  /** Of one processor. */
  readonly cpuMs: number
  /** Lines of our own. */
  readonly logBytes: number
  /** What is more in the table afterwards, with 100 bytes for each item; rows of a long log are longer. */
  readonly storedBytes: number
}

/** A host with one name that has moved: both entries of the log, one provider, the receipt. */
export const REPORT: Need = {
  ...{ readUnits: 11, writeUnits: 22, storeReads: 6, storeWrites: 4 },
  ...{ providerRequests: 2, cpuMs: 30, logBytes: 700, storedBytes: 3000 },
}
/** One zone with one name, in which everything is right. */
export const PASS: Need = {
  ...{ readUnits: 7, writeUnits: 3, storeReads: 7, storeWrites: 3 },
  ...{ providerRequests: 2, cpuMs: 15, logBytes: 300, storedBytes: 0 },
}

/** Dollars; us-east-1, as far as known in November 2026, without any free tier. Check them. */
export const PRICES = {
  perGbSecond: 0.0000133334,
  perInvocation: 0.2 / 1e6,
  perReadUnit: 0.125 / 1e6,
  perWriteUnit: 0.625 / 1e6,
  perLogGb: 0.5,
  perStoredGbMonth: 0.25,
  perRecoverableGbMonth: 0.2,
  perAlarmMonth: 0.1,
} as const

/** What only an account can tell; guessed, and not measured. */
export const GUESSES = {
  msPerRead: 5,
  msPerWrite: 10,
  msPerProviderRequest: 100,
  platformBytes: 350,
}

/** A processor is divided by memory: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const MEMORY_OF_ONE_PROCESSOR_MB = 1769
const ALARMS = 5
const PASSES_A_MONTH = (30 * 24 * 60) / 5
const GB = 1e9

/** Dollars by what they are for. */
export type Costs = Readonly<Record<'function' | 'reads' | 'writes' | 'log', number>>

/** How long one invocation is billed, in ms. */
export function billedMs(need: Need): number {
  const share = MEMORY_MB / MEMORY_OF_ONE_PROCESSOR_MB
  const waiting =
    need.storeReads * GUESSES.msPerRead +
    need.storeWrites * GUESSES.msPerWrite +
    need.providerRequests * GUESSES.msPerProviderRequest
  return Math.ceil(need.cpuMs / share + waiting)
}

/** What so many invocations cost. */
export function costOf(need: Need, count: number): Costs {
  const seconds = billedMs(need) / 1000
  const gb = MEMORY_MB / 1024
  return {
    function: count * (seconds * gb * PRICES.perGbSecond + PRICES.perInvocation),
    reads: count * need.readUnits * PRICES.perReadUnit,
    writes: count * need.writeUnits * PRICES.perWriteUnit,
    log: (count * (need.logBytes + GUESSES.platformBytes) * PRICES.perLogGb) / GB,
  }
}

/** The table of the guide: a million reports, and a month in which nothing happens. */
export function renderCosts(): string {
  const reports = costOf(REPORT, 1e6)
  const passes = costOf(PASS, PASSES_A_MONTH)
  const storedGb = (1e6 * REPORT.storedBytes) / GB
  const kept = storedGb * (PRICES.perStoredGbMonth + PRICES.perRecoverableGbMonth)
  const rows: readonly (readonly [what: string, million: number, month: number])[] = [
    [
      `function: ${billedMs(REPORT)} ms a report, ${billedMs(PASS)} ms a pass`,
      reports.function,
      passes.function,
    ],
    [`DynamoDB, read units: ${REPORT.readUnits}, ${PASS.readUnits}`, reports.reads, passes.reads],
    [
      `DynamoDB, write units: ${REPORT.writeUnits}, ${PASS.writeUnits}`,
      reports.writes,
      passes.writes,
    ],
    ['lines of the log', reports.log, passes.log],
    [`${ALARMS} alarms`, 0, ALARMS * PRICES.perAlarmMonth],
  ]
  const sum = (column: 1 | 2) => rows.reduce((total, row) => total + row[column], 0)
  return [
    `| | a million reports | a month of ${PASSES_A_MONTH} passes |`,
    '|---|---|---|',
    ...rows.map(
      ([what, million, month]) => `| ${what} | ${dollars(million)} | ${dollars(month)} |`,
    ),
    `| **sum** | **${dollars(sum(1))}** | **${dollars(sum(2))}** |`,
    '',
    `A million reports are ${storedGb} GB in the table, which then cost ${dollars(kept)} a month with their recovery.`,
  ].join('\n')
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`
}
