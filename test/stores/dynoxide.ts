import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import {
  type AttributeValue,
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Repository } from '../../cloud/ports.ts'
import { openDynamo } from '../../cloud/store/dynamodb.ts'
import { UNFINISHED, UNFINISHED_INDEX } from '../../cloud/store/dynamodb-keys.ts'
import type { DynamoDeps, DynamoSettings } from '../../cloud/store/dynamodb-table.ts'
import { freePort, untilListening } from './listening.ts'

/** The npm package that has the emulator. */
export const DYNOXIDE_PACKAGE = '@dynoxide/linux-x64'

/** A DynamoDB emulator on loopback, in memory. */
export interface Dynoxide {
  readonly endpoint: string
  /** Makes an empty table of the form that the store needs, and gives what opens it. */
  createTable(): Promise<TableSettings>
  /** Stores an item as another program would. */
  put(table: string, item: Record<string, AttributeValue>): Promise<void>
  stop(): Promise<void>
}

/** What opens a table of the emulator. */
export interface TableSettings {
  readonly table: string
  readonly region: string
  readonly endpoint: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** The form of the table, as every deployment must make it (docs/guides/stores.md). */
const FORM: Omit<CreateTableCommandInput, 'TableName'> = {
  BillingMode: 'PAY_PER_REQUEST',
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
    { AttributeName: UNFINISHED, AttributeType: 'S' },
    { AttributeName: 'log_index', AttributeType: 'N' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: UNFINISHED_INDEX,
      KeySchema: [
        { AttributeName: UNFINISHED, KeyType: 'HASH' },
        { AttributeName: 'log_index', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
}

/** Whether the emulator is installed. */
export const hasDynoxide = (): boolean => binaryPath() !== undefined

/** Starts the emulator on a free port. It ends with this process at the latest. */
export async function startDynoxide(): Promise<Dynoxide> {
  const port = await freePort()
  const child = spawn(binaryPath() ?? '', ['--host', '127.0.0.1', '--port', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  const endpoint = `http://127.0.0.1:${port}`
  const settings = {
    region: 'eu-central-1',
    endpoint,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  }
  await untilListening(child, endpoint)
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  const client = new DynamoDBClient(settings)
  let tables = 0
  return {
    endpoint,
    async createTable() {
      const TableName = `reprefix-${tables++}`
      await client.send(new CreateTableCommand({ ...FORM, TableName }))
      return { ...settings, table: TableName }
    },
    async put(TableName, Item) {
      await client.send(new PutItemCommand({ TableName, Item }))
    },
    async stop() {
      client.destroy()
      process.off('exit', end)
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await ended
    },
  }
}

/** The package is one file for one platform; its wrapper cannot be had everywhere. */
function binaryPath(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${DYNOXIDE_PACKAGE}/package.json`)
    const path = join(dirname(manifest), 'dynoxide')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

/** The repository on a table, whose schema has been noted or found right. */
export async function openDynamoRepository(
  settings: DynamoSettings,
  deps: DynamoDeps,
): Promise<Repository> {
  const { repository, prepare } = await openDynamo(settings, deps)
  try {
    await prepare()
  } catch (error) {
    repository.close()
    throw error
  }
  return repository
}
