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
import { describeRuntime } from './suite.ts'

/** `reprefix serve` as a process of its own, on a file, behind a proxy on this machine. */
async function startNode(setting: CloudSetting): Promise<RunningCloud> {
  const directory = await mkdtemp(join(tmpdir(), 'reprefix-node-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const config = join(directory, 'cloud.yaml')
  const more = `listen: 127.0.0.1:${port}\ntrustedProxies: [127.0.0.1]\npass: { every: 10s }\n`
  await writeFile(config, settingsOf(setting, `file:${directory}/cloud.db`, more))
  const logFile = join(directory, 'log')
  const daemon = await startDaemon({
    name: 'cloud',
    argv: nodeProgram('reprefix.js', ['serve', '--config', config]),
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
      await rm(directory, { recursive: true })
    },
  }
}

describeRuntime('Node', startNode)
