import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Daemon, startDaemon } from '../lab/daemon.ts'
import { startDynoxide } from '../stores/dynoxide.ts'
import { deploy } from './embed.ts'
import { eventOf, SOURCE_HEADER, startFront } from './function-url.ts'
import { type CloudSetting, type RunningCloud, secretsOf, settingsOf } from './running-cloud.ts'
import { type RuntimeApi, startRuntimeApi } from './runtime-api.ts'

/** A function with its instances, its front and its table. */
export interface RunningFunction extends RunningCloud {
  readonly api: RuntimeApi
  /** Runs one more instance, of which the environment is changed. */
  addInstance(change: Readonly<Record<string, string>>): Promise<Daemon>
}

/** As many requests at a time as the function may have; more wait for an instance. */
const INSTANCES = 3

/** Deploys `dist/lambda` with the settings of the suite, on the emulator of DynamoDB. */
export async function startLambda(
  setting: CloudSetting,
  count = INSTANCES,
): Promise<RunningFunction> {
  const emulator = await startDynoxide()
  const { table, region, endpoint, credentials } = await emulator.createTable()
  const deployment = await deploy('lambda', settingsOf(setting, `dynamodb:${table}`))
  const api = await startRuntimeApi()
  const instances: Daemon[] = []
  const addInstance = async (change: Readonly<Record<string, string>>): Promise<Daemon> => {
    const instance = await startDaemon({
      name: 'instance',
      argv: [process.execPath, 'test/conformance/lambda-bootstrap.mjs'],
      logFile: join(deployment.directory, '..', `instance-${instances.length}.log`),
      environment: {
        ...secretsOf(setting),
        AWS_REGION: region,
        AWS_ENDPOINT_URL_DYNAMODB: endpoint,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_LAMBDA_RUNTIME_API: api.address,
        LAMBDA_TASK_ROOT: deployment.directory,
        _HANDLER: 'index.handler',
        ...change,
      },
    })
    instances.push(instance)
    return instance
  }
  for (let i = 0; i < count; i++) await addInstance({})
  const front = await startFront(api)
  return {
    api,
    addInstance,
    url: front.url,
    from: (address) => ({ [SOURCE_HEADER]: address }),
    claims: { 'x-forwarded-for': '2001:db8:66::1', 'cf-connecting-ip': '2001:db8:66::2' },
    logged: () => instances.map(({ logFile }) => readFileSync(logFile, 'utf8')).join(''),
    async pass() {
      const invoked = await api.invoke(eventOf('scheduled-rule'))
      if (invoked.kind === 'error') throw new Error(invoked.message)
    },
    async stop() {
      const alive = instances.filter((instance) => instance.isRunning())
      await Promise.all(alive.map((instance) => instance.stop('SIGKILL')))
      await front.close()
      await api.close()
      await deployment.remove()
      await emulator.stop()
    },
  }
}
