import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Repository } from '../../cloud/ports.ts'
import { type D1Binding, openD1 } from '../../cloud/store/d1.ts'
import { openDynamo } from '../../cloud/store/dynamodb.ts'
import { migrate } from '../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../cloud/store/sql-repository.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import type { Report } from '../../shared/report.ts'
import { parseName } from '../../shared/rrset.ts'
import { startTestCloud } from '../fakes/test-cloud.ts'
import { openD1Databases } from './d1-databases.ts'
import { type DynamoProxy, startDynamoProxy } from './dynamo-proxy.ts'
import { describeDynamo, startDynoxide } from './dynoxide.ts'

// What one report costs at a store, as docs/design/stores.md tells: of a host with one name that has
// moved to another prefix, once the log has some length. Rates of the providers are not in here.

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

/** Means of what `count` says, per report. */
async function measure(
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
    const { response } = await agent.report(reportAt(round, names))
    expect(response.status).toBe(200)
  }
  const means = Object.entries(count()).map(([what, end]) => {
    return [what, (end - (start[what] ?? 0)) / MEASURED] as const
  })
  return Object.fromEntries(means)
}

function dynamoCounter({ requests }: DynamoProxy) {
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

describeDynamo('what a report costs at DynamoDB', () => {
  it.each([
    [1, { reads: 7, writes: 4, readUnits: 14, writeUnits: 24 }],
    [16, { reads: 7, writes: 4, readUnits: 65, writeUnits: 110 }],
  ])('with %i names', async (names, most) => {
    const dynoxide = await startDynoxide()
    const proxy = await startDynamoProxy(dynoxide.endpoint)
    const settings = { ...(await dynoxide.createTable()), endpoint: proxy.endpoint }
    const deps = { sleep: (ms: number) => sleep(ms), random: Math.random }
    const stored = await openDynamo(settings, deps)
    try {
      const costs = await measure(stored, names, dynamoCounter(proxy))
      for (const [what, limit] of Object.entries(most)) {
        expect(costs[what], what).toBeLessThanOrEqual(limit)
        expect(costs[what], what).toBeGreaterThan(0)
      }
    } finally {
      stored.close()
      await proxy.close()
      await dynoxide.stop()
    }
  })
})

describe('what a report costs at D1', () => {
  it.each([
    [1, { calls: 8, statements: 20, rowsRead: 32, rowsWritten: 25 }],
    [16, { calls: 8, statements: 20, rowsRead: 280, rowsWritten: 95 }],
  ])('with %i names', async (names, most) => {
    const databases = await openD1Databases()
    try {
      const { binding, count } = counted(await databases.next())
      const port = openD1(binding)
      await migrate(port)
      const costs = await measure(createSqlRepository(port), names, count)
      for (const [what, limit] of Object.entries(most)) {
        expect(costs[what], what).toBeLessThanOrEqual(limit)
        expect(costs[what], what).toBeGreaterThan(0)
      }
    } finally {
      await databases.close()
    }
  })
})

/** A binding that adds up what D1 says of each statement. */
function counted(database: D1Binding) {
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
