import { ReprefixError } from '../../shared/errors.ts'
import type { Store } from '../ports.ts'
import { accessOf } from './dynamodb-access.ts'
import type { DynamoApi } from './dynamodb-api.ts'
import { openHttpApi } from './dynamodb-http.ts'
import { itemKey, keyText } from './dynamodb-keys.ts'
import { openTable } from './dynamodb-operations.ts'
import { createDynamoRepository } from './dynamodb-repository.ts'
import { type DynamoDeps, type DynamoSettings, type DynamoTable, IS_NEW } from './dynamodb-table.ts'

/** The form of the items that this version writes. */
const SCHEMA = 1

/**
 * A store on one DynamoDB table, which must be there (docs/guides/stores.md). To prepare it notes the schema
 * in a table that is empty, and refuses one that a newer version has written. Nothing is asked of the table
 * before.
 *
 * @throws ReprefixError STORE_FAILED where region or credentials are missing
 */
export async function openDynamo(settings: DynamoSettings, deps: DynamoDeps): Promise<Store> {
  const table = openTable(settings.table, await openApi(settings, deps), deps)
  return {
    repository: createDynamoRepository(table),
    prepare: () => requireSchema(table),
    check: () => requireSchema(table),
  }
}

/**
 * Where region and credentials are at hand, as on Lambda, requests are made without the SDK. Everything
 * else that AWS knows – profiles, roles of a machine, other forms of endpoints – the SDK knows.
 */
async function openApi(settings: DynamoSettings, deps: DynamoDeps): Promise<DynamoApi> {
  const access = accessOf(settings, process.env)
  if (access === undefined) return (await import('./dynamodb-sdk.ts')).openSdkApi(settings)
  return openHttpApi(access, deps)
}

async function requireSchema(table: DynamoTable): Promise<void> {
  const version = await schemaVersion(table)
  if (version === SCHEMA) return
  if (version === undefined) {
    const item = { version: SCHEMA }
    // Two may start at once; what the other wrote is judged like any other.
    if (await table.put({ key: itemKey.schema, item, condition: IS_NEW })) return
    return requireSchema(table)
  }
  throw new ReprefixError(
    'STORE_TOO_NEW',
    `the table has schema ${version}, this version knows ${SCHEMA}; start the version that wrote ` +
      'it, or restore the table from before the upgrade',
  )
}

async function schemaVersion(table: DynamoTable): Promise<unknown> {
  return (await table.read([itemKey.schema])).get(keyText(itemKey.schema))?.version
}
