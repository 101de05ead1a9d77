import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBridgeSettling } from '../../../../agent/adapters/bridge-settling.ts'
import type { CommandResult, RunCommand } from '../../../../agent/adapters/command.ts'
import { createDefaultBridgeSettler } from '../../../../agent/adapters/default-bridge.ts'
import type { DefaultBridge } from '../../../../agent/domain/default-bridge-need.ts'
import { parseSettlePolicy } from '../../../../agent/domain/settle-policy.ts'
import { ReprefixError } from '../../../../shared/errors.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { createMemoryDocker } from '../../../fakes/memory-docker.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'
import { INTENT, P2 } from '../domain/host-simulator.ts'

const FORMER = parsePrefix('2001:db8:1:1::/80')
const TO = parsePrefix('2001:db8:2:2::/80')
const file = (value: string) => `{\r\n\t"ipv6": true,\r\n\t"fixed-cidr-v6": "${value}"\r\n}`

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reprefix-bridge-'))
})
afterEach(() => rm(directory, { recursive: true }))

interface Daemon {
  readonly isLiveRestore?: boolean
  readonly runningContainers?: number
  /** Texts that dockerd does not start with. */
  readonly refuses?: (text: string) => boolean
  readonly knowsValidate?: boolean
}

/** A dockerd that reads its file when it is restarted, and docker0's subnet as it has it. */
async function createScene(daemon: Daemon = {}) {
  const configPath = join(directory, 'daemon.json')
  await writeFile(configPath, file(FORMER))
  await chmod(configPath, 0o640)
  let isUp = true
  let subnet: string = FORMER
  let dieAt: string | undefined
  const calls: string[] = []
  const result = (exitCode: number, stderr = ''): CommandResult => ({
    exitCode,
    stdout: '',
    stderr,
  })

  const run: RunCommand = async ([program, ...args]) => {
    calls.push([program, ...args].join(' ').replace(directory, ''))
    if (dieAt === program) throw new Error('killed')
    const text = await readFile(configPath, 'utf8')
    const isRefused = daemon.refuses?.(text) ?? false
    if (program === 'dockerd') {
      if (!daemon.knowsValidate) return result(125, 'unknown flag: --validate')
      return isRefused ? result(1, 'unable to configure: invalid') : result(0)
    }
    if (program === 'ip') return result(2, 'RTNETLINK answers: No such process')
    isUp = !isRefused
    if (!isUp) return result(1, 'Job for docker.service failed')
    const isKept = daemon.isLiveRestore && (daemon.runningContainers ?? 0) > 0
    if (!isKept) subnet = JSON.parse(text)['fixed-cidr-v6']
    return result(0)
  }
  const control = {
    ...createMemoryDocker().control,
    readInfo: async () => {
      if (!isUp) throw new ReprefixError('DOCKER_UNREACHABLE', 'down')
      return {
        ServerVersion: '26.1.5',
        LiveRestoreEnabled: daemon.isLiveRestore ?? false,
        ContainersRunning: daemon.runningContainers ?? 0,
      }
    },
  }
  let now = 0
  const { log, lines } = recordedLog()
  const start = (policy: string) =>
    createBridgeSettling({
      policy: parseSettlePolicy(policy),
      settler: createDefaultBridgeSettler(
        {
          configPath,
          restart: ['service', 'docker', 'restart'],
          recordPath: join(directory, 'record.json'),
        },
        { run, control, startTimeoutMs: 20 },
      ),
      now: () => now,
      minuteOfDay: () => 0,
      log,
    })
  let settling = start('now')
  return {
    calls,
    lines,
    subnet: () => subnet,
    isUp: () => isUp,
    text: () => readFile(configPath, 'utf8'),
    mode: async () => (await stat(configPath)).mode & 0o777,
    edit: (text: string) => writeFile(configPath, text),
    start: (policy: string) => {
      dieAt = undefined
      settling = start(policy)
    },
    dieAt: (program: string) => {
      dieAt = program
    },
    pass: (ms: number) => {
      now += ms
    },
    look: (more: Partial<DefaultBridge> = {}) => {
      const stale = subnet === TO ? {} : { stale: parsePrefix(subnet) }
      const bridge = { to: TO, current: P2, within: INTENT.within, isInUse: false, ...stale }
      return settling.afterPass({ ...bridge, ...more }, true)
    },
  }
}

describe('the default bridge', () => {
  it('is settled by an edit of one value and a restart', async () => {
    const scene = await createScene({ knowsValidate: true })
    expect(await scene.look()).toMatchObject({ hasChanged: true, problems: [] })
    expect(await scene.text()).toBe(file(TO))
    expect(await scene.mode()).toBe(0o640)
    expect(scene.subnet()).toBe(TO)
    expect(scene.calls).toEqual([
      'dockerd --validate --config-file /daemon.json',
      'service docker restart',
      `ip -6 route del ${FORMER} dev docker0`,
    ])
    expect(await scene.look()).toEqual({ hasChanged: false, wakeAt: null, problems: [] })
    expect(scene.calls).toHaveLength(3)
  })

  it('is only edited with live-restore while a container runs, and that is said once', async () => {
    const scene = await createScene({ isLiveRestore: true, runningContainers: 2 })
    expect(await scene.look({ isInUse: true })).toMatchObject({ hasChanged: true, problems: [] })
    expect(await scene.text()).toBe(file(TO))
    expect(scene.calls).toEqual(['dockerd --validate --config-file /daemon.json'])
    expect(scene.lines.map(({ fields }) => fields.event)).toContain('settle-edited')
    for (const _ of [1, 2]) {
      expect(await scene.look({ isInUse: true })).toMatchObject({ hasChanged: false })
    }
    expect(scene.calls).toHaveLength(1)
  })

  it.each([
    ['by --validate', true, 0],
    ['when it starts', false, 2],
  ])('comes back with the former bytes when dockerd refuses it %s', async (_, knowsValidate, n) => {
    const scene = await createScene({ knowsValidate, refuses: (text) => text.includes(TO) })
    const result = await scene.look()
    expect(result).toMatchObject({ hasChanged: true, problems: [{ code: 'SETTLE_FAILED' }] })
    expect(await scene.text()).toBe(file(FORMER))
    expect(scene.isUp()).toBe(true)
    expect(scene.calls.filter((call) => call.startsWith('service'))).toHaveLength(n)
    expect(await scene.look()).toMatchObject({ hasChanged: false, wakeAt: 60_000 })
  })

  it.each(['dockerd', 'service'])('killed at %s is finished by the next start', async (program) => {
    const scene = await createScene()
    scene.dieAt(program)
    await scene.look()
    scene.start('never')
    expect(await scene.look()).toMatchObject({ problems: [] })
    expect([await scene.text(), scene.subnet()].filter((one) => one.includes(TO))).not.toHaveLength(
      1,
    )
    expect(scene.isUp()).toBe(true)
  })

  it('keeps what somebody else has written meanwhile', async () => {
    const scene = await createScene()
    scene.dieAt('dockerd')
    await scene.look()
    await scene.edit('{"debug": true}')
    scene.start('now')
    expect(await scene.look()).toMatchObject({ hasChanged: false, problems: [] })
    expect(await scene.text()).toBe('{"debug": true}')
  })

  it('does not restart Docker again and again for a file that dockerd does not read', async () => {
    const scene = await createScene({ isLiveRestore: true, runningContainers: 0 })
    await scene.look()
    const before = scene.calls.length
    const again = await scene.look({ stale: FORMER })
    expect(again.problems).toMatchObject([{ what: expect.stringContaining('still has') }])
    expect(scene.calls).toHaveLength(before)
  })

  it('on-restart: waits until no container runs', async () => {
    const scene = await createScene()
    scene.start('on-restart')
    expect(await scene.look({ isInUse: true })).toMatchObject({ hasChanged: false, wakeAt: null })
    expect(await scene.look()).toMatchObject({ hasChanged: false, wakeAt: 5000 })
    scene.pass(5000)
    expect(await scene.look()).toMatchObject({ hasChanged: true })
    expect(scene.subnet()).toBe(TO)
  })
})
