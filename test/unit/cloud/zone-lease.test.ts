import { describe, expect, it } from 'vitest'
import { openLibsql } from '../../../cloud/store/libsql.ts'
import { migrate } from '../../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../../cloud/store/sql-repository.ts'
import { createZoneLeases } from '../../../cloud/zone-lease.ts'
import { parseName } from '../../../shared/rrset.ts'
import { recordedLog } from '../../fakes/recorded-log.ts'

const zone = parseName('example.org')

/** A store with a clock and timers that only run when told to. */
async function startWorld() {
  const port = await openLibsql(':memory:')
  await migrate(port)
  const repository = createSqlRepository(port)
  const clock = { ms: 1_000_000 }
  const timers = new Set<{ readonly atMs: number; readonly act: () => void }>()
  let writes = 0
  let isBroken = false
  const counted = {
    async takeLease(...args: Parameters<typeof repository.takeLease>) {
      writes++
      if (isBroken) throw new Error('the store is down')
      return repository.takeLease(...args)
    },
    async dropLease(...args: Parameters<typeof repository.dropLease>) {
      writes++
      if (isBroken) throw new Error('the store is down')
      return repository.dropLease(...args)
    },
  }
  const recorded = recordedLog()
  const process = (holder: string, keepMs = 0) =>
    createZoneLeases({
      ...{ repository: counted, holder, keepMs, logger: recorded.log },
      now: () => new Date(clock.ms),
      schedule: (ms, act) => {
        const timer = { atMs: clock.ms + ms, act }
        timers.add(timer)
        return () => timers.delete(timer)
      },
    })
  return {
    clock,
    process,
    lines: recorded.lines,
    writes: () => writes,
    breakStore: (broken: boolean) => {
      isBroken = broken
    },
    timers: () => timers.size,
    /** Lets time go by, with the timers that fall into it. */
    async pass(ms: number) {
      const endMs = clock.ms + ms
      for (;;) {
        const [due] = [...timers].filter((t) => t.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)
        if (due === undefined) break
        clock.ms = due.atMs
        timers.delete(due)
        due.act()
        await new Promise((resolve) => setImmediate(resolve))
      }
      clock.ms = endMs
    },
  }
}

describe('the lease of a zone', () => {
  it('is one process’s at a time, and free as soon as it is given back', async () => {
    const world = await startWorld()
    const [a, b] = [world.process('a'), world.process('b')]
    const lease = await a.acquire(zone)
    expect(lease?.isHeld()).toBe(true)
    expect(await b.acquire(zone)).toBeUndefined()
    expect(await b.acquire(parseName('example.net'))).toBeDefined()
    await lease?.release()
    expect((await b.acquire(zone))?.isHeld()).toBe(true)
    expect(await a.acquire(zone)).toBeUndefined()
  })

  it('is extended for as long as it is used, and not any longer', async () => {
    const world = await startWorld()
    const [a, b] = [world.process('a'), world.process('b')]
    const lease = await a.acquire(zone)
    await world.pass(60_000)
    expect(lease?.isHeld()).toBe(true)
    expect(await b.acquire(zone)).toBeUndefined()
    await lease?.release()
    expect(world.timers()).toBe(0)
  })

  it('ends by itself when its holder is dead, within ten seconds', async () => {
    const world = await startWorld()
    const [a, b] = [world.process('a'), world.process('b')]
    const lease = await a.acquire(zone)
    world.clock.ms += 9999
    expect(await b.acquire(zone)).toBeUndefined()
    world.clock.ms += 1
    expect(lease?.isHeld()).toBe(false)
    expect(await b.acquire(zone)).toBeDefined()
  })

  it('does not count as held by who was paused, though nobody else has it by now', async () => {
    const world = await startWorld()
    const [a, b] = [world.process('a'), world.process('b')]
    const paused = await a.acquire(zone)
    world.clock.ms += 11_000
    await (await b.acquire(zone))?.release()
    const again = await a.acquire(zone)
    expect(again?.isHeld()).toBe(true)
    expect(paused?.isHeld()).toBe(false)
    await paused?.release()
    expect(again?.isHeld()).toBe(true)
    expect(await b.acquire(zone)).toBeUndefined()
  })

  it('is taken over at once by the same process after a crash', async () => {
    const world = await startWorld()
    await world.process('a').acquire(zone)
    expect((await world.process('a').acquire(zone))?.isHeld()).toBe(true)
  })

  it('costs a process that is alone one write in some seconds, however many flushes', async () => {
    const world = await startWorld()
    const a = world.process('a', 2000)
    for (let flush = 0; flush < 100; flush++) {
      await (await a.acquire(zone))?.release()
      await world.pass(100)
    }
    expect(world.writes()).toBeLessThanOrEqual(3)
    await world.pass(2000)
    expect(await world.process('b').acquire(zone)).toBeDefined()
  })

  it('is given back when its process stops', async () => {
    const world = await startWorld()
    const a = world.process('a', 2000)
    await (await a.acquire(zone))?.release()
    expect(await world.process('b').acquire(zone)).toBeUndefined()
    await a.stop()
    expect(world.timers()).toBe(0)
    expect(await world.process('b').acquire(zone)).toBeDefined()
  })

  it('survives a store that fails for a moment, and says so', async () => {
    const world = await startWorld()
    const a = world.process('a')
    const lease = await a.acquire(zone)
    world.breakStore(true)
    await world.pass(7000)
    world.breakStore(false)
    await world.pass(3000)
    expect(lease?.isHeld()).toBe(true)
    expect(JSON.stringify(world.lines)).toMatch(/could not be extended/)
    world.breakStore(true)
    await lease?.release()
    expect(JSON.stringify(world.lines)).toMatch(/could not be given back, it ends by itself/)
    await expect(a.acquire(zone)).rejects.toThrow('the store is down')
  })
})
