import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CommandResult, RunCommand } from '../../../../agent/adapters/command.ts'
import { createDelegationCommand } from '../../../../agent/adapters/delegation-command.ts'
import { createDelegationFile } from '../../../../agent/adapters/delegation-file.ts'
import { withDelegations } from '../../../../agent/adapters/delegation-source.ts'
import type { UplinkIntent } from '../../../../agent/domain/model.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'
import { INTENT, uplink } from '../domain/host-simulator.ts'

const P1 = '2001:db8:7:700::/56'
const P2 = '2001:db8:8:800::/56'
const NOW = Date.UTC(2026, 0, 1)

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reprefix-delegation-'))
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(directory, { recursive: true, force: true })
})

describe('a file of delegations', () => {
  it('has lifetimes that count from when it was written', async () => {
    const path = join(directory, 'prefix')
    await writeFile(path, `${P1} preferred 100 valid 200\n${P2}\n`)
    await utimes(path, NOW / 1000, NOW / 1000)
    let now = NOW + 60_000
    const file = createDelegationFile(path, () => now)
    expect(await file.read()).toEqual({
      value: [
        { prefix: P1, preferredSeconds: 40, validSeconds: 140 },
        { prefix: P2, preferredSeconds: null, validSeconds: null },
      ],
    })
    now = NOW + 300_000
    expect(await file.read()).toMatchObject({ value: [{ prefix: P2 }] })
  })

  it.each([
    ['missing', async () => undefined, /failed to read .*ENOENT/],
    ['empty', (path: string) => writeFile(path, ''), /prefix: it names no prefix/],
    ['half-written', (path: string) => writeFile(path, '2001:db8:7:'), /prefix: line 1: /],
    ['a-directory', (path: string) => mkdir(path), /no regular file/],
    ['endless', (path: string) => writeFile(path, 'x'.repeat(70_000)), /larger than/],
  ])('says nothing when it is %s', async (_, make, fault) => {
    const path = join(directory, 'prefix')
    await make(path)
    const said = await createDelegationFile(path, () => NOW).read()
    expect(said).toEqual({ fault: expect.stringMatching(fault) })
  })

  it('hints when it is replaced, not when its neighbours are', async () => {
    const path = join(directory, 'prefix')
    const onHint = vi.fn()
    const watching = createDelegationFile(path, () => NOW).watch(onHint, recordedLog().log)
    expect(onHint).toHaveBeenCalledTimes(1)
    await writeFile(join(directory, 'other'), P1)
    await writeFile(join(directory, 'new'), P1)
    await rename(join(directory, 'new'), path)
    await vi.waitFor(() => expect(onHint.mock.calls.length).toBeGreaterThan(1))
    watching.stop()
  })

  it('tries each minute to watch a directory that is not there, without a hint', async () => {
    vi.useFakeTimers()
    const onHint = vi.fn()
    const { log } = recordedLog()
    const file = createDelegationFile(join(directory, 'later', 'prefix'), () => NOW)
    const watching = file.watch(onHint, log)
    await vi.advanceTimersByTimeAsync(300_000)
    expect(onHint).not.toHaveBeenCalled()
    vi.useRealTimers()
    await mkdir(join(directory, 'later'))
    watching.stop()
    const again = file.watch(onHint, log)
    expect(onHint).toHaveBeenCalledTimes(1)
    again.stop()
  })
})

/** A command whose runs end when the test says so. */
function fakeCommand() {
  const pending: ((answer: CommandResult | Error) => void)[] = []
  let runs = 0
  const run: RunCommand = () =>
    new Promise((resolve, reject) => {
      runs += 1
      pending.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)))
    })
  return {
    run,
    runs: () => runs,
    end: (answer: string | Error, exitCode = 0) =>
      pending.shift()?.(
        answer instanceof Error ? answer : { stdout: answer, stderr: 'no lease\n', exitCode },
      ),
  }
}

describe('a command that prints delegations', () => {
  const argv = ['prefix', 'wan1'] as const

  it('is waited for once; later passes get what it said last, and a hint when that changes', async () => {
    let now = NOW
    const command = fakeCommand()
    const onHint = vi.fn()
    const source = createDelegationCommand(argv, { run: command.run, now: () => now })
    source.watch(onHint, recordedLog().log)
    const first = source.read()
    command.end(`${P1} preferred 100 valid 200`)
    const at = (elapsed: number) => ({
      value: [{ prefix: P1, preferredSeconds: 100 - elapsed, validSeconds: 200 - elapsed }],
    })
    expect(await first).toEqual(at(0))
    now += 4000
    expect(await source.read()).toEqual(at(4))
    expect(command.runs()).toBe(1)
    now += 6000
    // It hangs: whoever reads is not held up, and it is not started a second time.
    expect(await source.read()).toEqual(at(10))
    expect(await source.read()).toEqual(at(10))
    expect(command.runs()).toBe(2)
    command.end(P2)
    await vi.waitFor(() => expect(onHint).toHaveBeenCalledTimes(1))
    expect(await source.read()).toMatchObject({ value: [{ prefix: P2 }] })
  })

  it.each([
    ['fails', '', 3, /prefix wan1 ended with 3 \(no lease\)/],
    ['prints-nothing', '', 0, /what prefix wan1 printed, it names no prefix/],
    ['prints-something-else', 'no such lease', 0, /line 1: write PREFIX/],
    ['hangs', new Error('prefix did not finish within 5000 ms'), 0, /did not finish/],
  ])('says nothing when it %s', async (_, answer, exitCode, fault) => {
    const command = fakeCommand()
    const source = createDelegationCommand(argv, { run: command.run, now: () => NOW })
    const said = source.read()
    command.end(answer, exitCode)
    expect(await said).toEqual({ fault: expect.stringMatching(fault) })
  })

  it('is not run more often for a clock that was set back', async () => {
    let now = NOW
    const command = fakeCommand()
    const source = createDelegationCommand(argv, { run: command.run, now: () => now })
    const first = source.read()
    command.end(P1)
    await first
    now -= 86_400_000
    expect(await source.read()).toMatchObject({ value: [{ prefix: P1 }] })
    command.end(P1)
    await vi.waitFor(() => expect(command.runs()).toBe(2))
    await source.read()
    expect(command.runs()).toBe(2)
  })
})

describe('withDelegations', () => {
  it('completes the uplinks that have a file, and leaves the others alone', async () => {
    const path = join(directory, 'prefix')
    const wan: UplinkIntent = {
      ...INTENT,
      uplink: 'wan1',
      prefixLength: 56,
      source: { file: path },
    }
    const snapshots = [uplink([]), uplink([], { interface: 'wan1', isPresent: false })]
    const { kernel } = withDelegations(
      {
        readUplinks: async () => snapshots,
        readRoutes: async () => [],
        readNeighbours: async () => [],
      },
      [INTENT, wan],
      { run: fakeCommand().run, now: () => NOW },
    )
    expect(await kernel.readUplinks()).toEqual([
      snapshots[0],
      { ...snapshots[1], unknown: expect.stringContaining('ENOENT') },
    ])
    await writeFile(path, P1)
    expect(await kernel.readUplinks()).toMatchObject([
      snapshots[0] ?? {},
      { interface: 'wan1', delegations: [{ prefix: P1 }] },
    ])
  })
})
