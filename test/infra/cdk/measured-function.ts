import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AttributeValue, DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import { generateNoteSigner } from '../../../shared/checkpoint.ts'
import { deploy } from '../../conformance/embed.ts'
import { enrol, JOSE, movedTo, postTo } from '../../conformance/enrol.ts'
import { eventOf, startFront } from '../../conformance/function-url.ts'
import { secretsOf, settingsOf, startDns } from '../../conformance/running-cloud.ts'
import { startRuntimeApi } from '../../conformance/runtime-api.ts'
import { startDaemon } from '../../lab/daemon.ts'
import { startDynamoProxy } from '../../stores/dynamo-proxy.ts'
import { startDynoxide } from '../../stores/dynoxide.ts'

/** What was needed since the start. */
export interface Sums {
  readonly readUnits: number
  readonly writeUnits: number
  readonly storeReads: number
  readonly storeWrites: number
  readonly providerRequests: number
  readonly logBytes: number
  readonly storedBytes: number
}

/** The built function on the emulator of DynamoDB, with one host, and all that it needs counted. */
export interface MeasuredFunction {
  /** Takes the report of a host with one name that has moved to another prefix. */
  report(): Promise<void>
  pass(): Promise<void>
  sums(): Promise<Sums>
  stop(): Promise<void>
}

/** What DynamoDB adds to each item when it bills the table. */
const ITEM_OVERHEAD = 100

/** Starts one instance of `dist/lambda` and enrols a host. */
export async function startMeasuredFunction(): Promise<MeasuredFunction> {
  const dns = await startDns()
  const setting = { dns, logKey: (await generateNoteSigner('cloud.example.org')).secret }
  const emulator = await startDynoxide()
  const { table, region, credentials } = await emulator.createTable()
  const proxy = await startDynamoProxy(emulator.endpoint)
  const deployment = await deploy('lambda', settingsOf(setting, `dynamodb:${table}`))
  const logs = await mkdtemp(join(tmpdir(), 'reprefix-measured-'))
  const logFile = join(logs, 'instance.log')
  const api = await startRuntimeApi()
  const front = await startFront(api)
  const instance = await startDaemon({
    ...{ name: 'instance', logFile },
    argv: [process.execPath, 'test/conformance/lambda-bootstrap.mjs'],
    environment: {
      ...secretsOf(setting),
      AWS_REGION: region,
      AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_LAMBDA_RUNTIME_API: api.address,
      LAMBDA_TASK_ROOT: deployment.directory,
      _HANDLER: 'index.handler',
    },
  })

  const post = postTo(front.url)
  const agent = await enrol(post, 'home')
  let moves = 0
  return {
    async report() {
      const jws = await agent.sign(movedTo(agent, ++moves))
      await agent.verify(jws, await post('/v1/reports', jws, JOSE))
    },
    async pass() {
      const invoked = await api.invoke(eventOf('scheduled-rule'))
      if (invoked.kind === 'error') throw new Error(invoked.message)
    },
    async sums() {
      const of = (isWrite: boolean) =>
        proxy.requests.filter(({ operation }) => /Put|Write/.test(operation) === isWrite)
      const units = (isWrite: boolean) =>
        of(isWrite).reduce((sum, { capacity }) => sum + capacity, 0)
      return {
        readUnits: units(false),
        writeUnits: units(true),
        storeReads: of(false).length,
        storeWrites: of(true).length,
        providerRequests: dns.api.reads() + dns.api.writes(),
        logBytes: (await readFile(logFile)).length,
        storedBytes: await bytesOf(table, emulator.endpoint),
      }
    },
    async stop() {
      await instance.stop('SIGKILL')
      await Promise.all([front.close(), api.close(), proxy.close(), dns.api.close()])
      await Promise.all([emulator.stop(), deployment.remove(), rm(logs, { recursive: true })])
    },
  }
}

/** The bytes of all items, as they are billed, with names of attributes. */
async function bytesOf(TableName: string, endpoint: string): Promise<number> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials })
  let bytes = 0
  for await (const { Items = [] } of paginateScan({ client }, { TableName })) {
    for (const item of Items) bytes += ITEM_OVERHEAD + bytesOfMap(item)
  }
  client.destroy()
  return bytes
}

function bytesOfMap(map: Readonly<Record<string, AttributeValue>>): number {
  return Object.entries(map)
    .map(([name, value]) => name.length + bytesOfValue(value))
    .reduce((sum, one) => sum + one, 0)
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
function bytesOfValue({ S, N, B, L, M }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S)
  if (N !== undefined) return Math.ceil(N.length / 2) + 1
  if (B !== undefined) return B.length
  if (M !== undefined) return 3 + bytesOfMap(M)
  if (L !== undefined) return 3 + L.reduce((sum, one) => sum + 1 + bytesOfValue(one), 0)
  return 1
}
