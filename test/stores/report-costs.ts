import type { Repository } from '../../cloud/ports.ts'
import type { D1Binding } from '../../cloud/store/d1.ts'
import type { SqlPort } from '../../cloud/store/sql-port.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import type { Report } from '../../shared/report.ts'
import { parseName } from '../../shared/rrset.ts'
import { startTestCloud } from '../fakes/test-cloud.ts'
import type { DynamoProxy } from './dynamo-proxy.ts'

// What one report costs at a store: counted here for test/stores/costs.test.ts and for the bench.

const WARM_UP = 10
const MEASURED = 4

function reportAt(round: number, names: number): Partial<Report> {
  const prefix = `2001:db8:${round + 1}::`
  return {
    prefix: { current: parsePrefix(`${prefix}/64`), cause: 'flash' },
    records: Array.from({ length: names }, (_, i) => ({
      name: parseName(`n${i}.home.example.org`),
      type: 'AAAA' as const,
      values: [`${prefix}${i + 1}`],
    })),
  }
}

/** Means of what `count` says, per report of a host with so many names that have all moved. */
export async function measureReport(
  stored: Repository,
  names: number,
  count: () => Readonly<Record<string, number>>,
): Promise<Record<string, number>> {
  const cloud = await startTestCloud({}, { stored })
  const agent = await cloud.addAgent('home')
  let start: Readonly<Record<string, number>> = {}
  for (let round = 0; round < WARM_UP + MEASURED; round++) {
    if (round === WARM_UP) start = count()
    cloud.clock.ms += 60_000
    const { response, body } = await agent.report(reportAt(round, names))
    if (response.status !== 200) {
      throw new Error(`a report was answered with ${response.status}: ${JSON.stringify(body)}`)
    }
  }
  const means = Object.entries(count()).map(([what, end]) => {
    return [what, (end - (start[what] ?? 0)) / MEASURED] as const
  })
  return Object.fromEntries(means)
}

/** Requests to DynamoDB and its capacity units, without those of the index. */
export function dynamoCounter({ requests }: DynamoProxy) {
  const sum = (isWrite: boolean) =>
    requests
      .filter(({ operation }) => /Put|Write/.test(operation) === isWrite)
      .map(({ capacity }) => capacity)
  const total = (list: readonly number[]) => list.reduce((all, one) => all + one, 0)
  return () => ({
    reads: sum(false).length,
    writes: sum(true).length,
    readUnits: total(sum(false)),
    writeUnits: total(sum(true)),
  })
}

/** A binding that adds up what D1 says of each statement. */
export function countD1(database: D1Binding) {
  const sums = { calls: 0, statements: 0, rowsRead: 0, rowsWritten: 0 }
  const binding: D1Binding = {
    prepare: (sql) => database.prepare(sql),
    async batch(statements) {
      const answers = await database.batch(statements)
      sums.calls += 1
      sums.statements += answers.length
      for (const answer of answers) {
        const { meta } = answer as { meta?: { rows_read: number; rows_written: number } }
        sums.rowsRead += meta?.rows_read ?? 0
        sums.rowsWritten += meta?.rows_written ?? 0
      }
      return answers
    },
  }
  return { binding, count: () => ({ ...sums }) }
}

/** A port that counts calls and statements: SQLite itself tells of no rows. */
export function countSql(port: SqlPort) {
  const sums = { calls: 0, statements: 0 }
  const counting: SqlPort = {
    async batch(statements) {
      sums.calls += 1
      sums.statements += statements.length
      return port.batch(statements)
    },
    close: () => port.close(),
  }
  return { port: counting, count: () => ({ ...sums }) }
}
