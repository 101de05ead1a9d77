import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openD1 } from '../../cloud/store/d1.ts'
import { migrate } from '../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../cloud/store/sql-repository.ts'
import { openD1Databases } from './d1-databases.ts'
import { describeDynamo } from './describe-dynamo.ts'
import { startDynamoProxy } from './dynamo-proxy.ts'
import { openDynamoRepository, startDynoxide } from './dynoxide.ts'
import { countD1, dynamoCounter, measureReport } from './report-costs.ts'

// What one report costs at a store, as docs/design/stores.md tells: of a host with one name that has
// moved to another prefix, once the log has some length. Rates of the providers are not in here.

describeDynamo('what a report costs at DynamoDB', () => {
  it.each([
    [1, { reads: 7, writes: 4, readUnits: 14, writeUnits: 24 }],
    [16, { reads: 7, writes: 4, readUnits: 65, writeUnits: 110 }],
  ])('with %i names', async (names, most) => {
    const dynoxide = await startDynoxide()
    const proxy = await startDynamoProxy(dynoxide.endpoint)
    const settings = { ...(await dynoxide.createTable()), endpoint: proxy.endpoint }
    const deps = { sleep: (ms: number) => sleep(ms), random: Math.random }
    const stored = await openDynamoRepository(settings, deps)
    try {
      const costs = await measureReport(stored, names, dynamoCounter(proxy))
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
      const { binding, count } = countD1(await databases.next())
      const port = openD1(binding)
      await migrate(port)
      const costs = await measureReport(createSqlRepository(port), names, count)
      for (const [what, limit] of Object.entries(most)) {
        expect(costs[what], what).toBeLessThanOrEqual(limit)
        expect(costs[what], what).toBeGreaterThan(0)
      }
    } finally {
      await databases.close()
    }
  })
})
