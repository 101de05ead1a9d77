import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { enrol, postTo } from '../../../conformance/enrol.ts'
import { type CloudSetting, secretsOf } from '../../../conformance/running-cloud.ts'
import {
  deployWorker,
  openWorkerd,
  readModules,
  startWorker,
} from '../../../conformance/start-worker.ts'
import { buildEmpty, type Started, type StartRig } from './start-rig.ts'

/** Workers: a workerd each, both with the same database bound, which is ready when it listens. */
export async function startWorkerRig(setting: CloudSetting): Promise<StartRig> {
  const empty = await buildEmpty('Workers')
  const deployment = await deployWorker(setting)
  const persistIn = await mkdtemp(join(tmpdir(), 'reprefix-d1-'))
  const modules = {
    empty: await readModules(empty.directory),
    reprefix: await readModules(deployment.directory),
  }

  async function start(program: 'empty' | 'reprefix'): Promise<Started> {
    const options = { modules: modules[program], bindings: secretsOf(setting), persistIn }
    const workerd = openWorkerd(options)
    const base = await workerd.ready
    return { url: base.href.replace(/\/$/, ''), stop: () => workerd.dispose() }
  }

  const first = await startWorker(setting, { persistIn })
  const agent = await enrol(postTo(first.url), 'home')
  await first.stop()
  return {
    runtime: 'Workers',
    agent,
    start,
    async close() {
      const directories = [rm(persistIn, { recursive: true }), deployment.remove()]
      await Promise.all([...directories, empty.remove()])
    },
  }
}
