import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type FollowCommand, followCommand } from '../../../../agent/adapters/command.ts'
import type { DockerApi } from '../../../../agent/adapters/docker.ts'
import { startDockerEvents } from '../../../../agent/adapters/docker-events.ts'
import { startFirewallMonitor } from '../../../../agent/adapters/firewall-monitor.ts'
import { keepFollowing, startMonitor } from '../../../../agent/adapters/monitor.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A monitor that prints and dies at will. */
function fakeMonitor() {
  const started: number[] = []
  let print = (_: string): void => undefined
  let end = (_: string): void => undefined
  let stopped = 0
  const follow: FollowCommand = (_argv, onLine) => {
    started.push(Date.now())
    print = onLine
    const ended = new Promise<string>((resolve) => {
      end = resolve
    })
    const stop = (): void => {
      stopped += 1
    }
    return { ended, stop }
  }
  return {
    follow,
    started,
    print: (line: string) => print(line),
    end: (why: string) => end(why),
    stopped: () => stopped,
  }
}

describe('the kernel monitor', () => {
  it('takes every line for a hint, whatever it says', () => {
    const fake = fakeMonitor()
    const onHint = vi.fn()
    startMonitor(onHint, { follow: fake.follow, log: recordedLog().log })
    fake.print('prefix 2001:db8:2:2::/64dev eth0 valid 86400 preferred 14400 ')
    fake.print('Deleted 7: eth0    inet6 garbage')
    expect(onHint).toHaveBeenCalledTimes(2)
  })

  it('is given the line, and none for the end', () => {
    const fake = fakeMonitor()
    const onHint = vi.fn()
    startMonitor(onHint, { follow: fake.follow, log: recordedLog().log })
    fake.print('prefix 2001:db8:2:2::/64dev eth0 valid 86400 preferred 14400 ')
    expect(onHint).toHaveBeenLastCalledWith(expect.stringContaining('2001:db8:2:2::/64'))
  })

  it('listens until it dies, and again when it is back', async () => {
    const fake = fakeMonitor()
    const parts = { follow: fake.follow, log: recordedLog().log }
    const monitor = keepFollowing({ name: 'ip', argv: ['ip'] }, () => undefined, parts)
    expect(monitor.isListening()).toBe(true)
    fake.end('exit code 1')
    await vi.advanceTimersByTimeAsync(400)
    expect(monitor.isListening()).toBe(false)
    await vi.advanceTimersByTimeAsync(100)
    expect(monitor.isListening()).toBe(true)
  })

  it('starts again ever more slowly when it dies, and looks once for what was missed', async () => {
    const fake = fakeMonitor()
    const onHint = vi.fn()
    const { log, lines } = recordedLog()
    const startedAt = Date.now()
    startMonitor(onHint, { follow: fake.follow, log })
    for (let death = 0; death < 4; death++) {
      fake.end('exit code 1')
      await vi.advanceTimersByTimeAsync(500 * 2 ** death)
    }
    expect(fake.started.map((at) => at - startedAt)).toEqual([0, 500, 1500, 3500, 7500])
    expect(onHint).toHaveBeenCalledTimes(4)
    expect(lines[0]).toMatchObject({ level: 'warn' })
  })

  it('is quick again after a long healthy life', async () => {
    const fake = fakeMonitor()
    startMonitor(() => undefined, { follow: fake.follow, log: recordedLog().log })
    fake.end('a')
    await vi.advanceTimersByTimeAsync(500)
    await vi.advanceTimersByTimeAsync(20_000)
    fake.end('b')
    await vi.advanceTimersByTimeAsync(500)
    expect(fake.started).toHaveLength(3)
  })

  it.each([
    ['is-not-there', ['/nonexistent/ip'] as const, /nonexistent\/ip is not installed/],
    ['ends-at-once', ['false'] as const, /exit code 1/],
    ['is-killed', ['sh', '-c', 'kill -9 $$'] as const, /SIGKILL/],
  ])('waits ever longer, without a busy loop, when ip %s', async (_, argv, reason) => {
    vi.useRealTimers()
    const { log, lines } = recordedLog()
    let started = 0
    const onHint = vi.fn()
    const monitor = startMonitor(onHint, {
      follow: (_argv, onLine) => {
        started += 1
        return followCommand(argv, onLine)
      },
      log,
      firstBackoffMs: 20,
      maxBackoffMs: 80,
    })
    const startedAt = performance.now()
    await vi.waitFor(() => expect(lines.length).toBeGreaterThanOrEqual(5), { timeout: 60_000 })
    monitor.stop()
    // 20, 40, 80 and 80 ms lie between five ends.
    expect(performance.now() - startedAt).toBeGreaterThan(215)
    expect(started).toBeLessThanOrEqual(lines.length + 1)
    expect(onHint).toHaveBeenCalledTimes(lines.length)
    expect(lines[0]).toMatchObject({
      level: 'warn',
      fields: { reason: expect.stringMatching(reason) },
    })
  })

  it('stays stopped', async () => {
    const fake = fakeMonitor()
    const monitor = startMonitor(() => undefined, { follow: fake.follow, log: recordedLog().log })
    monitor.stop()
    fake.end('signal')
    await vi.advanceTimersByTimeAsync(100_000)
    expect(fake.started).toHaveLength(1)
    expect(fake.stopped()).toBe(1)
  })
})

describe('the changes of the packet filter', () => {
  it('are one hint when looking has a point again, and none after the end', async () => {
    const fake = fakeMonitor()
    const onHint = vi.fn()
    let until = 0
    const monitor = startFirewallMonitor(async () => 'nft', onHint, {
      follow: fake.follow,
      log: recordedLog().log,
      heldBackMs: () => Math.max(until - Date.now(), 0),
    })
    await vi.advanceTimersByTimeAsync(0)
    const event = ' EVENT: -6 -t filter -A FORWARD -j DROP'
    fake.print(event)
    expect(onHint).toHaveBeenCalledTimes(1)
    until = Date.now() + 1000
    for (let insertion = 0; insertion < 50; insertion++) fake.print(event)
    await vi.advanceTimersByTimeAsync(900)
    until = Date.now() + 500
    await vi.advanceTimersByTimeAsync(499)
    expect(onHint).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(2)
    expect(onHint).toHaveBeenCalledTimes(2)
    until = Date.now() + 1000
    fake.print(event)
    monitor.stop()
    await vi.advanceTimersByTimeAsync(5000)
    expect(onHint).toHaveBeenCalledTimes(2)
  })
})

describe('the events of Docker', () => {
  function fakeDocker(follow: DockerApi['followEvents']): DockerApi {
    return {
      listNetworks: async () => [],
      listContainers: async () => [],
      inspectContainer: async () => null,
      followEvents: follow,
    }
  }

  it('opens the stream again when Docker ends it, and looks once', async () => {
    let opened = 0
    let end = (): void => undefined
    const onHint = vi.fn()
    const api = fakeDocker((onEvent, signal) => {
      opened += 1
      onEvent()
      return new Promise((resolve) => {
        end = resolve
        signal.addEventListener('abort', () => resolve())
      })
    })
    const events = startDockerEvents(api, onHint, recordedLog().log)
    expect(onHint).toHaveBeenCalledTimes(1)
    expect(events.isListening()).toBe(true)
    end()
    await vi.advanceTimersByTimeAsync(200)
    expect(events.isListening()).toBe(false)
    await vi.advanceTimersByTimeAsync(50)
    expect(opened).toBe(2)
    expect(events.isListening()).toBe(true)
    expect(onHint).toHaveBeenCalledTimes(3)
    events.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(opened).toBe(2)
  })

  it('waits ever longer for a Docker that is down, without any hint', async () => {
    let tried = 0
    const onHint = vi.fn()
    const api = fakeDocker(async () => {
      tried += 1
      throw new Error('connect ENOENT')
    })
    const events = startDockerEvents(api, onHint, recordedLog().log)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(tried).toBeLessThan(12)
    expect(onHint).not.toHaveBeenCalled()
    expect(events.isListening()).toBe(false)
    events.stop()
  })
})
