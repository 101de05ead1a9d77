import { describe, expect, it } from 'vitest'
import { schedulePasses } from '../../../cloud/schedule-passes.ts'
import { recordedLog } from '../../fakes/recorded-log.ts'

/** Passes by timers that the test lets fire. */
function startSchedule(everyMs: number, random = 0.5) {
  const timers: { readonly ms: number; readonly act: () => void }[] = []
  const running: { readonly end: () => void; readonly fail: (error: Error) => void }[] = []
  const recorded = recordedLog()
  const schedule = schedulePasses({
    run: () => new Promise<void>((end, fail) => running.push({ end, fail })),
    everyMs,
    schedule: (ms, act) => {
      const timer = { ms, act }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
    random: () => random,
    logger: recorded.log,
  })
  const fire = () => timers.shift()?.act()
  const rest = () => new Promise((resolve) => setImmediate(resolve))
  return { schedule, timers, running, fire, rest, lines: recorded.lines }
}

describe('scheduled passes', () => {
  it('run one after the other, the first one soon', async () => {
    const { timers, running, fire, rest } = startSchedule(300_000)
    expect(timers.map(({ ms }) => ms)).toEqual([30_000])
    fire()
    await rest()
    expect([running.length, timers.length]).toEqual([1, 0])
    running[0]?.end()
    await rest()
    expect(timers.map(({ ms }) => ms)).toEqual([300_000])
  })

  it.each([
    [0, 270_000],
    [0.999_999, 330_000],
  ])('are a tenth early or late, by chance: %d', async (random, ms) => {
    const { timers, running, fire, rest } = startSchedule(300_000, random)
    fire()
    running[0]?.end()
    await rest()
    expect(timers[0]?.ms).toBeCloseTo(ms, -1)
  })

  it('go on after one that fails, which is told', async () => {
    const { timers, running, fire, rest, lines } = startSchedule(300_000)
    fire()
    running[0]?.fail(new Error('the store is full'))
    await rest()
    expect(timers).toHaveLength(1)
    expect(JSON.stringify(lines)).toMatch(/the pass failed: the store is full/)
  })

  it('end with the one that runs, when they are stopped', async () => {
    const { schedule, timers, running, fire } = startSchedule(300_000)
    fire()
    let hasStopped = false
    const stopped = schedule.stop().then(() => {
      hasStopped = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(hasStopped).toBe(false)
    running[0]?.end()
    await stopped
    expect(timers).toEqual([])
  })

  it('do not begin any more, when they are stopped before', async () => {
    const { schedule, timers, running } = startSchedule(300_000)
    await schedule.stop()
    expect([timers.length, running.length]).toEqual([0, 0])
  })
})
