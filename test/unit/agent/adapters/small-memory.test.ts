import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createCollector, exposeCollection } from '../../../../agent/adapters/small-memory.ts'

describe('createCollector', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('collects once, two seconds after the last work', () => {
    const collect = vi.fn()
    const collector = createCollector(collect)
    collector.rest()
    vi.advanceTimersByTime(1500)
    collector.rest()
    vi.advanceTimersByTime(1999)
    expect(collect).not.toHaveBeenCalled()
    vi.advanceTimersByTime(60_000)
    expect(collect).toHaveBeenCalledTimes(1)
  })

  it('collects nothing while work is done', () => {
    const collect = vi.fn()
    const collector = createCollector(collect)
    collector.rest()
    collector.busy()
    vi.advanceTimersByTime(60_000)
    expect(collect).not.toHaveBeenCalled()
  })
})

it('exposeCollection gives a function that takes away what nobody holds', async () => {
  const collect = exposeCollection()
  const weak = new WeakRef({})
  // What a job has made a weak reference to stays until the job ends.
  await new Promise((resolve) => setTimeout(resolve, 0))
  collect()
  expect(weak.deref()).toBeUndefined()
})
