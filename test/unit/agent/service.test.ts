import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RELOAD, startService } from '../../../agent/service.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const WATCHDOG_MS = 60_000

/** A service whose manager writes down what it is told, and when in ms after the start. */
function watched(watchdogMs: number | null = WATCHDOG_MS) {
  const startedAt = Date.now()
  const told: { readonly at: number; readonly words: Readonly<Record<string, string>> }[] = []
  const service = startService(
    { watchdogMs, tell: (words) => told.push({ at: Date.now() - startedAt, words }) },
    () => Date.now() * 1000,
  )
  const words = () => told.map((one) => one.words)
  const pings = () => told.filter((one) => 'WATCHDOG' in one.words).map(({ at }) => at)
  return { ...service, words, told, pings }
}

describe('the service', () => {
  it('is ready after the first pass, and says so once', async () => {
    const service = watched(null)
    service.progressed()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(service.words()).toEqual([])
    service.passed(['start'], 'eth0: 2001:db8:1:1::/64')
    service.passed(['kernel'], 'eth0: 2001:db8:1:1::/64')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(service.words()).toEqual([{ READY: '1', STATUS: 'eth0: 2001:db8:1:1::/64' }])
  })

  it('tells a changed status a second later, and of several changes the last', async () => {
    const service = watched(null)
    service.passed(['start'], 'a')
    service.passed(['kernel'], 'b')
    await vi.advanceTimersByTimeAsync(500)
    service.passed(['kernel'], 'c')
    expect(service.words()).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(500)
    expect(service.words().slice(1)).toEqual([{ STATUS: 'c' }])
  })

  it('tells nothing of a status that has changed back meanwhile', async () => {
    const service = watched(null)
    service.passed(['start'], 'a')
    service.passed(['kernel'], 'b')
    service.passed(['kernel'], 'a')
    await vi.advanceTimersByTimeAsync(5000)
    expect(service.words()).toHaveLength(1)
  })

  it('ends a reload only with the pass that answers it', () => {
    const service = watched(null)
    service.passed(['start'], 'a')
    service.reloading()
    expect(service.words()[1]).toEqual({
      RELOADING: '1',
      MONOTONIC_USEC: String(Date.now() * 1000),
    })
    service.passed(['timer'], 'a')
    expect(service.words()).toHaveLength(2)
    service.passed(['kernel', RELOAD], 'a')
    expect(service.words()[2]).toEqual({ READY: '1', STATUS: 'a' })
  })

  it('does not reload before it is ready', () => {
    const service = watched(null)
    service.reloading()
    expect(service.words()).toEqual([])
  })

  it('says that it stops', () => {
    const service = watched(null)
    service.stopping()
    expect(service.words()).toEqual([{ STOPPING: '1' }])
  })
})

describe('the signs of life of a service', () => {
  it('come twice in each period while the loop gets on', async () => {
    const service = watched()
    for (let pass = 0; pass < 20; pass++) {
      service.passed(['timer'], 'a')
      await vi.advanceTimersByTimeAsync(30_000)
    }
    expect(service.pings()).toEqual(Array.from({ length: 20 }, (_, index) => (index + 1) * 30_000))
  })

  it('go on through a pass of an hour in which one thing after the other ends', async () => {
    const service = watched()
    service.progressed()
    for (let minute = 0; minute < 60; minute += 2) {
      await vi.advanceTimersByTimeAsync(120_000)
      service.progressed()
    }
    expect(service.pings()).toHaveLength(120)
  })

  it('stop three minutes after a loop has begun to hang, and come back with it', async () => {
    const service = watched()
    service.passed(['timer'], 'a')
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(service.pings()).toEqual([30_000, 60_000, 90_000, 120_000, 150_000])
    service.passed(['timer'], 'a')
    await vi.advanceTimersByTimeAsync(30_000)
    expect(service.pings()).toHaveLength(6)
  })

  it('are not sent where nobody waits for them, nor after the end', async () => {
    const unasked = watched(null)
    unasked.progressed()
    const ended = watched()
    ended.progressed()
    ended.end()
    await vi.advanceTimersByTimeAsync(120_000)
    expect([...unasked.words(), ...ended.words()]).toEqual([])
  })

  it('leave no timer behind where there is no service manager', () => {
    const service = startService(null, () => 0)
    service.progressed()
    service.passed(['start'], 'a')
    service.reloading()
    service.stopping()
    expect(vi.getTimerCount()).toBe(0)
  })
})
