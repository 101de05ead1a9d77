import type { Store } from '../ports.ts'
import { openDynamo } from './dynamodb.ts'

/**
 * A store on one DynamoDB table. Its schema is that of this version once it is open; region, credentials
 * and endpoint are those of the environment.
 * @throws ReprefixError STORE_*
 */
export async function openDynamoStore(
  table: string,
  sleep: (ms: number) => Promise<void>,
): Promise<Store> {
  const repository = await openDynamo({ table }, { sleep, random: Math.random })
  return {
    repository,
    prepare: async () => undefined,
    check: async () => void (await repository.lastRow()),
  }
}
