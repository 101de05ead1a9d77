import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createNdppd } from '../../../../agent/adapters/ndppd.ts'
import { fakeProcesses } from '../../../fakes/process-table.ts'
import { scriptedCommands } from '../../../fakes/scripted-commands.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ndppd-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** ndppd on a host with bridges br-a (7) and br-b (8); `restart` says what the restart command does. */
function ndppd(restart: (processes: ReturnType<typeof fakeProcesses>, attempt: number) => number) {
  const processes = fakeProcesses()
  let attempts = 0
  const commands = scriptedCommands({
    'service ndppd restart': () => {
      attempts += 1
      return { exitCode: restart(processes, attempts), stderr: 'no such service' }
    },
  })
  const configPath = join(directory, 'ndppd.conf')
  const made = createNdppd(
    {
      configPath,
      restart: ['service', 'ndppd', 'restart'],
      recordPath: join(directory, 'ndppd.json'),
    },
    {
      run: commands.run,
      processes,
      linkIndexes: async () =>
        new Map([
          ['br-a', 7],
          ['br-b', 8],
        ]),
      startTimeoutMs: 30,
      watchMs: 5,
    },
  )
  return { ...made, commands, processes, configPath }
}

const restart = (configText: string, bridges: readonly string[]) => ({
  configText,
  bridges,
  restarts: true,
})

type Processes = ReturnType<typeof fakeProcesses>
const startNew = ({ running }: Processes, attempt: number): number => {
  running.splice(0, running.length, { pid: 100 + attempt, startTicks: attempt })
  return 0
}

describe('the ndppd adapter', () => {
  it('reads a host without configuration and without ndppd', async () => {
    expect(await ndppd(startNew).read()).toEqual({
      configText: '',
      isRunning: false,
      boundIndexes: {},
    })
  })

  it('writes, restarts, and remembers which bridges the process is bound to', async () => {
    const host = ndppd(startNew)
    await host.apply(restart('proxy eth0 {}\n', ['br-a', 'br-gone']))
    expect(await readFile(host.configPath, 'utf8')).toBe('proxy eth0 {}\n')
    expect(await host.read()).toEqual({
      configText: 'proxy eth0 {}\n',
      isRunning: true,
      boundIndexes: { 'br-a': 7 },
    })
  })

  it('does not trust its memory once another ndppd runs', async () => {
    const host = ndppd(startNew)
    await host.apply(restart('x\n', ['br-a']))
    host.processes.running.splice(0, 1, { pid: 101, startTicks: 99 })
    expect(await host.read()).toMatchObject({ isRunning: true, boundIndexes: {} })
  })

  it('names the package when ndppd does not come up, and puts the old file back', async () => {
    const host = ndppd((processes, attempt) => (attempt === 1 ? 0 : startNew(processes, attempt)))
    await writeFile(host.configPath, 'old\n')
    await expect(host.apply(restart('new\n', ['br-a']))).rejects.toMatchObject({
      code: 'NDPPD_FAILED',
      message: expect.stringContaining('Debian package ndppd'),
    })
    expect(await readFile(host.configPath, 'utf8')).toBe('old\n')
    expect(host.commands.calls).toHaveLength(2)
    expect((await host.read()).isRunning).toBe(true)
  })

  it('says what the restart command said', async () => {
    await expect(ndppd(() => 5).apply(restart('new\n', []))).rejects.toMatchObject({
      code: 'NDPPD_FAILED',
      message: expect.stringContaining('ended with 5 (no such service)'),
    })
  })

  it('does not take the old process for the new one', async () => {
    const host = ndppd(() => 0)
    host.processes.running.push({ pid: 7, startTicks: 7 })
    await expect(host.apply(restart('new\n', []))).rejects.toMatchObject({ code: 'NDPPD_FAILED' })
  })

  it('writes the file only, and goes on with what is bound, when the change asks for no restart', async () => {
    const host = ndppd(startNew)
    await host.apply(restart('both\n', ['br-a', 'br-b']))
    await host.apply({ configText: 'one\n', bridges: ['br-b'], restarts: false })
    expect(host.commands.calls).toHaveLength(1)
    expect(await host.read()).toEqual({
      configText: 'one\n',
      isRunning: true,
      boundIndexes: { 'br-b': 8 },
    })
  })

  it('hints once, soon after its process has ended', async () => {
    const host = ndppd(startNew)
    await host.apply(restart('x\n', ['br-a']))
    let hints = 0
    const ended = new Promise<void>((resolve) => {
      const watch = host.watch(() => {
        hints += 1
        resolve()
      })
      onTestFinished(() => watch.stop())
    })
    host.processes.running[0] = { pid: 101, startTicks: 99 }
    await ended
    await host.read()
    await vi.waitFor(async () => expect((await host.read()).boundIndexes).toEqual({}))
    expect(hints).toBe(1)
  })
})
