import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateNoteSigner } from '../../../shared/checkpoint.ts'
import { startRuntimeApi } from '../../conformance/runtime-api.ts'
import { startParameterStore } from '../../fakes/parameter-store.ts'
import { startDaemon } from '../../lab/daemon.ts'
import { describeDynamo } from '../../stores/describe-dynamo.ts'
import { startDynoxide } from '../../stores/dynoxide.ts'
import { LINT, lintObstacle, NO_NETWORK, networkObstacle } from './tools.ts'

// The built app as the toolkit of the CDK runs it, and what comes of it.

const run = promisify(execFile)
const APP = resolve('dist/cdk.js')

let directory: string
let written: { readonly stdout: string; readonly stderr: string }
beforeAll(async () => {
  if (!existsSync(APP)) throw new Error(`${APP} is missing: run npm run build`)
  directory = await mkdtemp(join(tmpdir(), 'reprefix-assembly-'))
  await cp('infra/cdk/cloud.example.yaml', join(directory, 'cloud.yaml'))
  written = await synth(networkObstacle === undefined ? NO_NETWORK : [])
})
afterAll(() => rm(directory, { recursive: true }))

/** Runs the app in the directory; `wrap` comes before the command. */
function synth(wrap: readonly string[], context: Readonly<Record<string, string>> = {}) {
  const [program = '', ...args] = [...wrap, process.execPath, APP]
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, CDK_CONTEXT_JSON: JSON.stringify(context) }
  return run(program, args, { cwd: directory, env })
}

interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
}

async function resourcesOf(stack: string): Promise<readonly Resource[]> {
  const text = await readFile(join(directory, 'cdk.out', `${stack}.template.json`), 'utf8')
  return Object.values<Resource>(JSON.parse(text).Resources)
}

describe('the app', () => {
  it.skipIf(networkObstacle !== undefined)(
    `writes a cloud assembly without network and without account${networkObstacle ?? ''}`,
    async () => {
      expect(written).toEqual({ stdout: '', stderr: '' })
      expect(await readdir(join(directory, 'cdk.out'))).toEqual(
        expect.arrayContaining(['reprefix.template.json', 'reprefix-store.template.json']),
      )
      const json = await readFile(join(directory, 'cdk.out', 'manifest.json'), 'utf8')
      const { artifacts } = JSON.parse(json)
      expect(artifacts.reprefix.environment).toBe('aws://unknown-account/unknown-region')
      expect(artifacts.reprefix.dependencies).toContain('reprefix-store')
    },
  )

  it('ends with 2, the path and the remedy, where the settings are wrong', async () => {
    const path = join(directory, 'wrong.yaml')
    await writeFile(path, 'store: file:x\n')
    const failure = await synth([], { config: path }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 2, stdout: '' })
    const lines = String(Object(failure).stderr).trim().split('\n')
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines) expect(line).toContain(`${path}: `)
    const none = await synth([], { config: '/nowhere' }).catch((error: unknown) => error)
    expect(Object(none).stderr).toMatch(/^failed to read \/nowhere: there is no such file/)
  })

  it.skipIf(lintObstacle !== undefined)(
    `writes templates that cfn-lint finds nothing in${lintObstacle ?? ''}`,
    async () => {
      const files = ['reprefix', 'reprefix-store'].map((name) => `cdk.out/${name}.template.json`)
      const [program = '', ...args] = LINT
      expect(await run(program, [...args, ...files], { cwd: directory })).toMatchObject({
        stdout: '',
      })
    },
  )
})

describeDynamo('what is deployed', () => {
  it('starts on the table and the parameters of the templates', { timeout: 60_000 }, async () => {
    const emulator = await startDynoxide()
    const api = await startRuntimeApi()
    const url = 'https://abc.lambda-url.eu-central-1.on.aws/'
    const { secret } = await generateNoteSigner('abc.lambda-url.eu-central-1.on.aws')
    const parameters = await startParameterStore({
      '/reprefix/REPREFIX_URL': url,
      '/reprefix/LOG_KEY': secret,
      '/reprefix/ADMIN_TOKEN': 'token-of-the-operator-of-this-cloud',
    })
    await createTable(emulator.endpoint)
    const { Code, Environment, Handler } = Object(
      (await resourcesOf('reprefix')).find(({ Properties }) => Properties.MemorySize === 512),
    ).Properties
    const task = join(directory, 'cdk.out', `asset.${Code.S3Key.replace(/\.zip$/, '')}`)
    const instance = await startDaemon({
      name: 'instance',
      argv: [process.execPath, 'test/conformance/lambda-bootstrap.mjs'],
      logFile: join(directory, 'instance.log'),
      environment: {
        ...parameters.environment,
        ...Environment.Variables,
        AWS_ENDPOINT_URL_DYNAMODB: emulator.endpoint,
        AWS_LAMBDA_RUNTIME_API: api.address,
        LAMBDA_TASK_ROOT: task,
        _HANDLER: Handler,
      },
    })
    try {
      expect(await api.invoke({})).toEqual({ kind: 'response', body: { status: 'ready' } })
    } finally {
      await instance.stop('SIGKILL')
      await Promise.all([parameters.close(), api.close(), emulator.stop()])
    }
  })

  async function createTable(endpoint: string): Promise<void> {
    const [table] = await resourcesOf('reprefix-store')
    const { TableName, KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, BillingMode } =
      Object(table).Properties
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    const client = new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials })
    const form = { TableName, KeySchema, AttributeDefinitions, GlobalSecondaryIndexes, BillingMode }
    await client.send(new CreateTableCommand(form))
    client.destroy()
  }
})
