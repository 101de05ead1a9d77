import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLoop, type PassOutcome } from '../../../agent/loop.ts'
import { recordedLog } from '../../fakes/recorded-log.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A loop over passes that take `passMs` each and answer from `outcomes`, the last one repeated. */
function startLoop(outcomes: readonly (PassOutcome | Error)[], passMs = 0) {
  const passes: { readonly at: number; readonly reasons: readonly string[] }[] = []
  const startedAt = Date.now()
  let running = 0
  let mostRunning = 0
  const { log, lines } = recordedLog()
  const loop = createLoop({
    pass: async (reasons) => {
      const outcome = outcomes[Math.min(passes.length, outcomes.length - 1)]
      passes.push({ at: Date.now() - startedAt, reasons })
      running += 1
      mostRunning = Math.max(mostRunning, running)
      await new Promise((resolve) => setTimeout(resolve, passMs))
      running -= 1
      if (outcome instanceof Error || outcome === undefined) throw outcome
      return outcome
    },
    now: Date.now,
    log,
  })
  const abort = new AbortController()
  const done = loop.run(abort.signal)
  return { ...loop, passes, lines, stop: () => abort.abort(), done, mostRunning: () => mostRunning }
}

const FINE: PassOutcome = { isIncomplete: false }
const INCOMPLETE: PassOutcome = { isIncomplete: true }

describe('the loop', () => {
  it('passes once at the start and then only every 30 s when nothing happens', async () => {
    const loop = startLoop([FINE])
    await vi.advanceTimersByTimeAsync(65_000)
    expect(loop.passes.map(({ reasons }) => reasons)).toEqual([['start'], ['timer'], ['timer']])
  })

  it('answers a hint at once when it rests', async () => {
    const loop = startLoop([FINE])
    await vi.advanceTimersByTimeAsync(5000)
    loop.wake('kernel')
    await vi.advanceTimersByTimeAsync(0)
    expect(loop.passes[1]).toEqual({ at: 5000, reasons: ['kernel'] })
  })

  it('never runs two passes at a time, and answers all hints of one pass with one more', async () => {
    const loop = startLoop([FINE], 50)
    await vi.advanceTimersByTimeAsync(10)
    for (let hint = 0; hint < 100; hint++) loop.wake('kernel')
    loop.wake('docker')
    await vi.advanceTimersByTimeAsync(1000)
    expect(loop.passes.map(({ at, reasons }) => ({ at, reasons }))).toEqual([
      { at: 0, reasons: ['start'] },
      { at: 60, reasons: ['kernel', 'docker'] },
    ])
    expect(loop.mostRunning()).toBe(1)
  })

  it('looks again at the instant a pass asked for', async () => {
    const loop = startLoop([{ isIncomplete: false, recheckAt: Date.now() + 100 }, FINE])
    await vi.advanceTimersByTimeAsync(200)
    expect(loop.passes.map(({ at }) => at)).toEqual([0, 101])
  })

  it('does not spin when the instant asked for is past', async () => {
    const loop = startLoop([{ isIncomplete: false, recheckAt: 0 }])
    await vi.advanceTimersByTimeAsync(1000)
    expect(loop.passes.length).toBeLessThanOrEqual(51)
  })

  it('retries failures ever more slowly and says so', async () => {
    const loop = startLoop([new Error('docker is down')])
    await vi.advanceTimersByTimeAsync(4000)
    expect(loop.passes.map(({ at }) => at)).toEqual([0, 251, 753, 1755, 3757])
    expect(loop.lines[0]).toMatchObject({ level: 'error', fields: { event: 'pass-failed' } })
    await vi.advanceTimersByTimeAsync(600_000)
    const [last, before] = loop.passes.map(({ at }) => at).reverse()
    expect((last ?? 0) - (before ?? 0)).toBeLessThanOrEqual(30_020)
  })

  it('retries an incomplete pass although it threw nothing', async () => {
    const loop = startLoop([INCOMPLETE, FINE])
    await vi.advanceTimersByTimeAsync(1000)
    expect(loop.passes).toHaveLength(2)
  })

  it('keeps its pause under a flood of hints while passes fail', async () => {
    const loop = startLoop([INCOMPLETE])
    for (let ms = 0; ms < 20_000; ms++) {
      loop.wake('kernel')
      await vi.advanceTimersByTimeAsync(1)
    }
    expect(loop.passes.length).toBeLessThan(15)
  })

  it('finishes the pass under way when it is stopped, and starts no other', async () => {
    const loop = startLoop([FINE], 50)
    await vi.advanceTimersByTimeAsync(10)
    loop.wake('kernel')
    loop.stop()
    let isDone = false
    void loop.done.then(() => {
      isDone = true
    })
    await vi.advanceTimersByTimeAsync(10)
    expect(isDone).toBe(false)
    await vi.advanceTimersByTimeAsync(50)
    expect(isDone).toBe(true)
    expect(loop.passes).toHaveLength(1)
  })
})
