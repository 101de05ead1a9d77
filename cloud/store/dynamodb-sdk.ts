import {
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { ReprefixError } from '../../shared/errors.ts'
import {
  type Answer,
  type DynamoApi,
  type Inputs,
  REQUEST_ATTEMPTS,
  REQUEST_TIMEOUT_MS,
} from './dynamodb-api.ts'
import type { DynamoSettings } from './dynamodb-table.ts'

const TIMEOUTS = {
  connectionTimeout: 1000,
  requestTimeout: REQUEST_TIMEOUT_MS,
  throwOnRequestTimeout: true,
}

/**
 * DynamoDB over the AWS SDK, which finds credentials wherever AWS may keep them and renews them. Loaded only
 * for that: it takes a tenth of a second and a third of a megabyte.
 */
export async function openSdkApi(settings: DynamoSettings): Promise<DynamoApi> {
  // Its advice on Node versions goes to whoever builds reprefix, and not into an operator's log.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  const { table, withSdk: _, ...given } = settings
  const client = new DynamoDBClient({
    ...given,
    maxAttempts: REQUEST_ATTEMPTS,
    requestHandler: TIMEOUTS,
  })
  type Calls = { readonly [Name in keyof Inputs]: (input: Inputs[Name]) => Promise<Answer> }
  const calls: Calls = {
    GetItem: (input) => client.send(new GetItemCommand(input)),
    BatchGetItem: (input) => client.send(new BatchGetItemCommand(input)),
    Query: (input) => client.send(new QueryCommand(input)),
    PutItem: (input) => client.send(new PutItemCommand(input)).then(() => ({})),
    // The SDK gives each a token, so that its own retry of one that was stored is no conflict.
    TransactWriteItems: (input) =>
      client.send(new TransactWriteItemsCommand(input)).then(() => ({})),
  }
  return {
    region: settings.region ?? (await regionOf(client, table)),
    call: (operation, input) => calls[operation](input),
    close: () => client.destroy(),
  }
}

async function regionOf(client: DynamoDBClient, table: string): Promise<string> {
  try {
    return await client.config.region()
  } catch (cause) {
    const remedy = 'no region is given: set AWS_REGION'
    throw new ReprefixError('STORE_FAILED', `the DynamoDB table ${table}: ${remedy}`, { cause })
  }
}
