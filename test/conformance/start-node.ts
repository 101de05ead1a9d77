import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDaemon } from '../lab/daemon.ts'
import { waitFor } from '../lab/deadline.ts'
import { nodeProgram } from '../lab/programs.ts'
import { freePort } from '../servers/update-server.ts'
import { type CloudSetting, type RunningCloud, secretsOf, settingsOf } from './running-cloud.ts'

/** What `reprefix serve` needs, in a directory of its own. */
export async function layOutNode(setting: CloudSetting) {
  const directory = await mkdtemp(join(tmpdir(), 'reprefix-node-'))
  const port = await freePort()
  const config = join(directory, 'cloud.yaml')
  const more = `listen: 127.0.0.1:${port}\ntrustedProxies: [127.0.0.1]\npass: { every: 10s }\n`
  await writeFile(config, settingsOf(setting, `file:${directory}/cloud.db`, more))
  return {
    ...{ directory, port, url: `http://127.0.0.1:${port}` },
    argv: nodeProgram('reprefix.js', ['serve', '--config', config]),
    remove: () => rm(directory, { recursive: true }),
  }
}

/** `reprefix serve` as a process of its own, on a file, behind a proxy on this machine. */
export async function startNode(setting: CloudSetting): Promise<RunningCloud> {
  const { argv, directory, url, remove } = await layOutNode(setting)
  const logFile = join(directory, 'log')
  const daemon = await startDaemon({
    name: 'cloud',
    argv,
    logFile,
    environment: secretsOf(setting),
  })
  const isReady = () => fetch(`${url}/readyz`).then(({ ok }) => ok || undefined)
  await waitFor('the cloud to be ready', () => isReady().catch(() => undefined), {
    hopeless: () => daemon.failure(),
  })
  return {
    url,
    from: (address) => ({ 'x-forwarded-for': address }),
    claims: { 'cf-connecting-ip': '2001:db8:66::1', forwarded: 'for="[2001:db8:66::2]"' },
    // Its own timer asks for it; a moment later it may have come.
    pass: () => sleep(200),
    logged: () => readFileSync(logFile, 'utf8'),
    async stop() {
      await daemon.stop()
      await remove()
    },
  }
}
