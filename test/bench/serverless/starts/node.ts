import { join } from 'node:path'
import { enrol, postTo } from '../../../conformance/enrol.ts'
import { type CloudSetting, secretsOf } from '../../../conformance/running-cloud.ts'
import { layOutNode } from '../../../conformance/start-node.ts'
import { startDaemon } from '../../../lab/daemon.ts'
import { waitFor } from '../../../lab/deadline.ts'
import { buildEmpty, type Started, type StartRig } from './start-rig.ts'

/** Plain Node: a process each, on a file of SQLite, which is ready when it says that it listens. */
export async function startNodeRig(setting: CloudSetting): Promise<StartRig> {
  const empty = await buildEmpty('Node')
  const { argv, url, port, directory, remove } = await layOutNode(setting)
  const emptyArgv = [process.execPath, join(empty.directory, 'reprefix.js'), `${port}`]

  async function start(program: 'empty' | 'reprefix'): Promise<Started> {
    let isListening = false
    const daemon = await startDaemon({
      name: program,
      argv: program === 'empty' ? emptyArgv : argv,
      logFile: join(directory, 'log'),
      environment: secretsOf(setting),
      onLine: (line) => {
        if (line.includes('"event":"listening"')) isListening = true
      },
    })
    await waitFor(`${program} to listen`, () => isListening || undefined, {
      intervalMs: 1,
      hopeless: () => daemon.failure(),
    })
    return { url, stop: async () => void (await daemon.stop()) }
  }

  const first = await start('reprefix')
  const agent = await enrol(postTo(url), 'home')
  await first.stop()
  return {
    runtime: 'Node',
    agent,
    start,
    async close() {
      await Promise.all([empty.remove(), remove()])
    },
  }
}
