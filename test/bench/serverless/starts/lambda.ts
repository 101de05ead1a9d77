import { enrol, postTo } from '../../../conformance/enrol.ts'
import type { CloudSetting } from '../../../conformance/running-cloud.ts'
import { startLambda } from '../../../conformance/start-lambda.ts'
import { buildEmpty, type Started, type StartRig } from './start-rig.ts'

/**
 * Node as AWS Lambda runs it: a process that loads the handler and asks the Runtime API for events, which
 * is when it is ready. DynamoDB is an emulator that runs all the time.
 */
export async function startLambdaRig(setting: CloudSetting): Promise<StartRig> {
  const empty = await buildEmpty('Lambda')
  const cloud = await startLambda(setting, 0)
  const changes = { empty: { LAMBDA_TASK_ROOT: empty.directory }, reprefix: {} } as const

  async function start(program: 'empty' | 'reprefix'): Promise<Started> {
    const instance = await cloud.addInstance(changes[program])
    await cloud.api.idle()
    return { url: cloud.url, stop: async () => void (await instance.stop('SIGKILL')) }
  }

  const first = await start('reprefix')
  const agent = await enrol(postTo(cloud.url), 'home')
  await first.stop()
  return {
    runtime: 'Lambda',
    agent,
    start,
    async close() {
      await Promise.all([cloud.stop(), empty.remove()])
    },
  }
}
