import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Prefix } from '../../shared/ipv6.ts'
import { labEnvironment } from './command.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES, sharedHome, untilSeen } from './harness.ts'
import type { Lab } from './lab.ts'
import { prefixNumber } from './leftovers.ts'
import { programPath } from './packages.ts'
import { addressBelow } from './renumbering.ts'
import { OFTEN, usable } from './router.ts'

/** The agent's own limits between two looks, and what a busy machine adds. */
const POLLED_WITHIN_MS = 30_000 + 10_000
const POLLED_UNAWARE_WITHIN_MS = 60_000 + 10_000
/** In that time `ip monitor` may be started 0.5, 1, 2, 4, 8 and 16 s after it ended, once each. */
const WATCHED_MS = 20_000
const MOST_STARTS = 7
/** Of one processor, while nothing happens but advertisements every few seconds. */
const MOST_CPU_SHARE = 0.5
const CLOCK_TICKS_PER_S = 100
const FAKETIME = 'faketime/libfaketimeMT.so.1'

/** How `ip monitor` behaves; every other use of `ip` is left alone. */
type MonitorMode = 'usual' | 'deaf' | 'dies' | 'absent'

/** What stands between the agent and `ip monitor`, and between it and the clock. */
interface Meddler {
  readonly environment: Readonly<Record<string, string>>
  setMonitor(mode: MonitorMode): void
  /** How often `ip monitor` was started. */
  starts(): number
  /** Sets the clock that the agent sees, as an offset such as `+1d`. */
  setClock(offset: string): void
}

function createMeddler(lab: Lab): Meddler {
  const directory = join(lab.directory.path, 'meddler')
  const [mode, starts, clock] = ['mode', 'starts', 'clock'].map((name) =>
    join(directory, name),
  ) as [string, string, string]
  mkdirSync(join(directory, 'bin'), { recursive: true })
  writeFileSync(starts, '')
  writeFileSync(mode, 'usual')
  writeFileSync(clock, '+0\n')
  const ip = programPath('ip')
  const script = `#!/bin/sh
case " $* " in
  *" monitor "*)
    echo start >>${starts}
    case $(cat ${mode}) in
      deaf) exec sleep 3600 ;;
      dies) exit 1 ;;
      absent) echo 'Object "monitor" is unknown, try "ip help".' >&2; exit 1 ;;
    esac ;;
esac
exec ${ip} "$@"
`
  writeFileSync(join(directory, 'bin/ip'), script, { mode: 0o755 })
  return {
    environment: {
      PATH: `${join(directory, 'bin')}:${labEnvironment().PATH}`,
      LD_PRELOAD: faketimeLibrary(),
      FAKETIME_TIMESTAMP_FILE: clock,
      // Timers run on the monotonic clock, which nobody can set.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
      NO_FAKE_STAT: '1',
    },
    setMonitor: (next) => writeFileSync(mode, next),
    starts: () => readFileSync(starts, 'utf8').split('start').length - 1,
    setClock: (offset) => writeFileSync(clock, `${offset}\n`),
  }
}

/** The library that the Debian package puts where the linker finds it by the machine's own name. */
function faketimeLibrary(): string {
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as 'x64' | 'arm64']
  return join('/usr/lib', `${machine}-linux-gnu`, FAKETIME)
}

describeLab('an agent whose hints or clock cannot be trusted', () => {
  let meddler: Meddler
  const home = sharedHome(1, (lab) => {
    meddler = createMeddler(lab)
    return { agent: { environment: meddler.environment } }
  })
  let used = 0
  let at: Prefix = PREFIXES.p1

  async function change(): Promise<Prefix> {
    at = prefixNumber(used++)
    await home().lab.router.announce([usable(at)], { interval: OFTEN })
    return at
  }
  const seen = () => untilSeen(home(), home().watched.domain, addressBelow(at, home().watched))
  const renumbered = (to: Prefix, timeoutMs: number) =>
    home().agent.event(
      `renumbering to ${to}`,
      ({ event, fields }) => event === 'renumber' && fields.to === to,
      0,
      { timeoutMs },
    )
  const renumberings = (from: number) =>
    home()
      .agent.events.slice(from)
      .filter(({ event }) => event === 'renumber')
      .map(({ fields }) => `${fields.cause} ${fields.to}`)

  async function monitors(): Promise<readonly number[]> {
    const children = await childrenOf(home().agent.pid() ?? 0)
    const lines = await Promise.all(
      children.map(async (pid) => [pid, await commandLine(pid)] as const),
    )
    return lines.filter(([, line]) => line.includes('monitor prefix')).map(([pid]) => pid)
  }

  async function restartWith(mode: MonitorMode): Promise<void> {
    meddler.setMonitor(mode)
    await home().agent.stop()
    await home().agent.start()
  }

  it('starts `ip monitor` again when it was killed, and misses nothing', async () => {
    const [pid] = await monitors()
    if (pid === undefined) throw new Error('no ip monitor among the children of the agent')
    process.kill(pid, 'SIGKILL')
    await change()
    await seen()
    await waitFor('another ip monitor', async () =>
      (await monitors()).some((other) => other !== pid) ? true : undefined,
    )
  })

  it('finds a change by polling when `ip monitor` tells nothing', async () => {
    const before = meddler.starts()
    await restartWith('deaf')
    const started = home().agent.events.length
    await waitFor('the deaf ip monitor', () => (meddler.starts() > before ? true : undefined))
    await seen()
    const to = await change()
    const announcedAt = Date.now()
    // It cannot know that the program, which runs, is of no use.
    await renumbered(to, POLLED_UNAWARE_WITHIN_MS)
    expect(Date.now() - announcedAt).toBeLessThan(POLLED_UNAWARE_WITHIN_MS)
    await seen()
    expect(renumberings(started)).toEqual([`flash ${to}`])
  })

  it.each<MonitorMode>(['dies', 'absent'])(
    'starts `ip monitor` ever more slowly and works on when it %s',
    async (mode) => {
      await restartWith(mode)
      const [before, cpu, since] = [meddler.starts(), cpuSeconds(), performance.now()]
      const to = await change()
      await renumbered(to, POLLED_WITHIN_MS)
      await seen()
      await waitFor(
        'enough time to be judged',
        () => (performance.now() - since > WATCHED_MS ? true : undefined),
        { timeoutMs: WATCHED_MS + 1000 },
      )
      const seconds = (performance.now() - since) / 1000
      expect((cpuSeconds() - cpu) / seconds).toBeLessThan(MOST_CPU_SHARE)
      expect(meddler.starts() - before).toBeGreaterThan(1)
      expect(meddler.starts() - before).toBeLessThanOrEqual(MOST_STARTS)
    },
  )

  it.each([
    ['a day ahead', '+1d'],
    ['a month back', '-30d'],
    ['a year ahead', '+365d'],
    ['back to what it is', '+0'],
  ])('keeps its prefix when the clock is set %s, and follows the next one', async (_, offset) => {
    meddler.setMonitor('usual')
    if ((await monitors()).length === 0) await restartWith('usual')
    const { agent, lab } = home()
    await seen()
    const before = agent.events.length
    meddler.setClock(offset)
    await lab.router.regular()
    await lab.router.regular()
    await seen()
    expect(renumberings(before)).toEqual([])
    const to = await change()
    await seen()
    expect(renumberings(before)).toEqual([`flash ${to}`])
    // However wrong its clock, the cloud takes its report and the log stays in order.
    await agent.event('receipt', ({ event }) => event === 'receipt', before)
  })

  it('leaves a log that verifies', async () => {
    expect((await home().cloud.verifyAudit()).ok).toBe(true)
  })

  /** Processor time of the agent and of what it has called so far. */
  function cpuSeconds(): number {
    const stat = readFileSync(`/proc/${home().agent.pid()}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return ticks / CLOCK_TICKS_PER_S
  }
})

async function childrenOf(parent: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      const ppid = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
      return Number(ppid) === parent ? [Number(pid)] : []
    }),
  )
  return found.flat()
}

async function commandLine(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return text.replaceAll('\0', ' ')
}
