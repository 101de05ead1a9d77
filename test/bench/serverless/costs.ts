import { setTimeout as sleep } from 'node:timers/promises'
import { openD1 } from '../../../cloud/store/d1.ts'
import { openLibsql } from '../../../cloud/store/libsql.ts'
import { migrate } from '../../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../../cloud/store/sql-repository.ts'
import { openD1Databases } from '../../stores/d1-databases.ts'
import { startDynamoProxy } from '../../stores/dynamo-proxy.ts'
import { hasDynoxide, openDynamoRepository, startDynoxide } from '../../stores/dynoxide.ts'
import { countD1, countSql, dynamoCounter, measureReport } from '../../stores/report-costs.ts'

/** What one report needs of a store, by what the store counts. */
export interface StoreNeed {
  readonly store: 'libsql' | 'D1' | 'DynamoDB'
  /** Names of the host, all of which have moved. */
  readonly names: number
  readonly counts: Readonly<Record<string, number>>
}

const NAMES = [1, 16] as const

/**
 * Counts reads and writes of a report at each store, as test/stores/costs.test.ts does. Without its
 * emulator DynamoDB is left out, and `onProgress` is told.
 */
export async function measureNeeds(
  onProgress: (line: string) => void,
): Promise<readonly StoreNeed[]> {
  const needs: StoreNeed[] = []
  for (const names of NAMES) {
    needs.push({ store: 'libsql', names, counts: await ofLibsql(names) })
    needs.push({ store: 'D1', names, counts: await ofD1(names) })
    if (hasDynoxide()) {
      needs.push({ store: 'DynamoDB', names, counts: await ofDynamo(names) })
    } else {
      onProgress('LEFT OUT: DynamoDB: the npm package @dynoxide/linux-x64 is missing')
    }
  }
  return needs
}

async function ofLibsql(names: number) {
  const { port, count } = countSql(await openLibsql(':memory:'))
  try {
    await migrate(port)
    return await measureReport(createSqlRepository(port), names, count)
  } finally {
    port.close()
  }
}

async function ofD1(names: number) {
  const databases = await openD1Databases()
  try {
    const { binding, count } = countD1(await databases.next())
    const port = openD1(binding)
    await migrate(port)
    return await measureReport(createSqlRepository(port), names, count)
  } finally {
    await databases.close()
  }
}

async function ofDynamo(names: number) {
  const dynoxide = await startDynoxide()
  const proxy = await startDynamoProxy(dynoxide.endpoint)
  const settings = { ...(await dynoxide.createTable()), endpoint: proxy.endpoint }
  const deps = { sleep: (ms: number) => sleep(ms), random: Math.random }
  const stored = await openDynamoRepository(settings, deps)
  try {
    return await measureReport(stored, names, dynamoCounter(proxy))
  } finally {
    stored.close()
    await proxy.close()
    await dynoxide.stop()
  }
}
