import { readFileSync } from 'node:fs'
import { loadEmbeddedConfig } from '../../cloud/embedded-config.ts'
import { createLambdaHandler } from '../../cloud/lambda.ts'
import { openParameters } from '../../cloud/parameter-store.ts'
import type { Repository } from '../../cloud/ports.ts'
import { openD1 } from '../../cloud/store/d1.ts'
import { openDynamo } from '../../cloud/store/dynamodb.ts'
import { openLibsql } from '../../cloud/store/libsql.ts'
import { openLibsqlServer } from '../../cloud/store/libsql-server.ts'
import { migrate } from '../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../cloud/store/sql-repository.ts'
import { createSqlStore } from '../../cloud/store/sql-store.ts'
import { isReprefixError } from '../../shared/errors.ts'
import { parseName } from '../../shared/rrset.ts'
import { createEnvResolver } from '../../shared/settings-source.ts'
import { type Decoder, jsonDecoder } from './decoder.ts'
import { NOTE_KEY } from './samples.ts'

const env = (name: string) => `$\{env:${name}}`
const NAME = parseName('www.example.org')
const SETTINGS = {
  url: 'https://cloud.example.org',
  store: 'dynamodb:reprefix',
  log: { key: env('LOG_KEY') },
  admin: { token: env('ADMIN_TOKEN') },
  zones: { 'example.org': { ttl: 60, providers: ['main'] } },
  providers: { main: { type: 'desec', token: env('DNS_TOKEN') } },
}
const resolve = createEnvResolver({
  LOG_KEY: NOTE_KEY,
  ADMIN_TOKEN: 'operator-token-of-the-tests',
  DNS_TOKEN: 'desec-token-1234',
})
const HOST = {
  name: 'home',
  status: 'active',
  policy: { names: ['www.example.org'], prefixes: ['2001:db8::/32'] },
  claim: [{ name: 'www.example.org', type: 'AAAA', values: ['2001:db8::1'] }],
}
const HASH = Buffer.alloc(32, 7).toString('base64')
const KEYS = [{ name: NAME, type: 'AAAA' }] as const

/** Everything that is read, as the answer is one to some of it. @throws the first fault where it is to none */
async function readAll(repository: Repository): Promise<readonly unknown[]> {
  const reads = [
    () => repository.lastRow(),
    () => repository.host('home'),
    () => repository.token('t'),
    async () => [...(await repository.owners([NAME]))],
    () => repository.desired(KEYS),
    () => repository.report('kid', 1),
  ]
  const found: unknown[] = []
  let fault: unknown
  for (const read of reads) {
    try {
      found.push(await read())
    } catch (error) {
      if (!isReprefixError(error)) throw error
      fault ??= error
    }
  }
  if (found.length > 0) return found
  throw fault
}

/** Decoders may be tried side by side, and what is replaced here is everybody's: one after the other. */
let turn: Promise<unknown> = Promise.resolve()
function inTurn<T>(act: () => Promise<T>): Promise<T> {
  const done = turn.then(act)
  turn = done.catch(() => undefined)
  return done
}

/** Answers some requests with this and then with nothing: a real service ends its pages, too. */
function answering<T>(value: unknown, act: () => Promise<T>): Promise<T> {
  return inTurn(async () => {
    const before = globalThis.fetch
    let left = 20
    globalThis.fetch = async () => Response.json(left-- > 0 ? value : {})
    try {
      return await act()
    } finally {
      globalThis.fetch = before
    }
  })
}

const DYNAMO_SAMPLES = [
  { Item: { record: { S: JSON.stringify(HOST) }, name: { S: 'home' }, version: { N: '3' } } },
  {
    Items: [
      {
        ...{ pk: { S: 'LOG' }, sk: { S: '0000000000000000' }, i: { N: '0' }, body: { S: '{}' } },
        ...{ leaf: { B: HASH }, nodes: { B: HASH }, frontier: { B: HASH } },
      },
    ],
    LastEvaluatedKey: { pk: { S: 'LOG' }, sk: { S: '1' } },
  },
  {
    Responses: { t: [{ pk: { S: 'NAME' }, sk: { S: 'org' }, hosts: { L: [{ S: 'home' }] } }] },
    UnprocessedKeys: { t: { Keys: [{ pk: { S: 'NAME' }, sk: { S: 'org' } }] } },
  },
  { __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException', message: 'slow down' },
]

const text = (value: string) => ({
  type: 'blob',
  base64: Buffer.from(value).toString('base64'),
})
const hash = { type: 'blob', base64: HASH }
const cols = (...names: string[]) => names.map((name) => ({ name }))
const hrana = (columns: string[], row: readonly unknown[]) => {
  const result = { step_results: [{ cols: cols(...columns), rows: [row] }], step_errors: [null] }
  return { baton: null, results: [{ type: 'ok', response: { result } }] }
}
const LIBSQL_SAMPLES = [
  hrana(
    ['i', 'leaf', 'nodes', 'frontier', 'body'],
    [{ type: 'integer', value: '0' }, hash, hash, hash, text('{}')],
  ),
  hrana(
    ['version', 'name', 'record'],
    [{ type: 'integer', value: '3' }, text('home'), text(JSON.stringify(HOST))],
  ),
]

const D1_SAMPLES = [
  [{ i: 0, leaf: [7, 7], nodes: [7, 7], frontier: [7, 7], body: [123, 125] }],
  [{ version: 3, name: [104], record: [...Buffer.from(JSON.stringify(HOST))] }],
]

function storeDecoders(): readonly Decoder[] {
  const deps = { sleep: async () => undefined, random: Math.random }
  const credentials = { accessKeyId: 'a', secretAccessKey: 's' }
  const codes = ['STORE_FAILED', 'STORE_BUSY', 'STORE_CONFLICT', 'STORE_FULL'] as const
  return [
    jsonDecoder({
      name: 'answer of DynamoDB',
      samples: DYNAMO_SAMPLES,
      decode: (value) =>
        answering(value, async () => {
          const settings = { table: 't', region: 'eu-central-1', credentials }
          return readAll((await openDynamo(settings, deps)).repository)
        }),
      codes,
      weight: 0.1,
    }),
    jsonDecoder({
      name: 'answer of a libsql server',
      samples: LIBSQL_SAMPLES,
      decode: (value) =>
        answering(value, () =>
          readAll(createSqlRepository(openLibsqlServer({ url: 'http://127.0.0.1:1' }))),
        ),
      codes,
      weight: 0.3,
    }),
    jsonDecoder({
      name: 'answer of D1',
      samples: D1_SAMPLES,
      decode(value) {
        const results = [{ results: value }] as never
        const statement = { bind: () => statement }
        const binding = { prepare: () => statement, batch: async () => results }
        return readAll(createSqlRepository(openD1(binding)))
      },
      codes,
      weight: 0.3,
    }),
  ]
}

/** The adapter says on standard error what it answers with 400. */
function quietly<T>(act: () => Promise<T>): Promise<T> {
  return inTurn(async () => {
    const before = console.error
    console.error = () => undefined
    try {
      return await act()
    } finally {
      console.error = before
    }
  })
}

/** What a platform hands to the program. */
export async function platformDecoders(): Promise<readonly Decoder[]> {
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const loaded = await loadEmbeddedConfig(
    { runtime: 'lambda', settings: SETTINGS },
    'lambda',
    resolve,
  )
  const handler = await createLambdaHandler(
    loaded,
    async () => createSqlStore(await openLibsql('file::memory:'), '', (port) => migrate(port)),
    silent,
  )
  const context = { awsRequestId: 'id', getRemainingTimeInMillis: () => 1000 } as never
  const events = ['function-url', 'http-api'].map((name): unknown =>
    JSON.parse(readFileSync(`test/fixtures/lambda/${name}.json`, 'utf8')),
  )
  return [
    jsonDecoder({
      name: 'event of AWS Lambda',
      samples: events,
      decode: (event) => quietly(() => handler(event, context)),
      codes: ['REQUEST_INVALID'],
      weight: 0.1,
    }),
    jsonDecoder({
      name: 'embedded settings',
      samples: [{ runtime: 'lambda', settings: SETTINGS }],
      decode: async (value) => (await loadEmbeddedConfig(value, 'lambda', resolve)).config,
      codes: ['CONFIG_INVALID'],
      weight: 0.3,
    }),
    jsonDecoder({
      name: 'answer of the Parameter Store',
      samples: [{ Parameters: [{ Name: '/r/LOG_KEY', Value: NOTE_KEY }], InvalidParameters: [] }],
      decode: (value) =>
        answering(value, async () => {
          const environment = { AWS_REGION: 'eu-central-1', REPREFIX_PARAMETERS: '/r/' }
          const settings = { settings: { log: { key: env('LOG_KEY') } } }
          const resolveThere = await openParameters(settings, environment)
          return resolveThere({ kind: 'env', name: 'LOG_KEY' })
        }),
      codes: ['SECRET_UNREADABLE', 'CONFIG_INVALID'],
      weight: 0.1,
    }),
    ...storeDecoders(),
  ]
}
