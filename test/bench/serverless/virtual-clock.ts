/** Time that passes only while everybody waits. */
export interface VirtualClock {
  now(): Date
  /** Milliseconds since the start. */
  elapsed(): number
  sleep(ms: number): Promise<void>
  /** Runs `act` after so many milliseconds, unless the answer is called before. */
  schedule(ms: number, act: () => void): () => void
  /** Counts as work until it is done: until then no time passes. */
  work<T>(task: Promise<T>): Promise<T>
  /** Lets time pass until `done` is settled. */
  runUntil<T>(done: Promise<T>): Promise<T>
}

interface Alarm {
  readonly dueMs: number
  readonly act: () => void
}

/** Rounds of the event loop without anything happening, after which everybody must be waiting. */
const IDLE_ROUNDS = 3

/**
 * A clock for simulations of real programs: whatever is computed takes no time, and when everybody
 * waits it jumps to the next alarm. What the event loop does not show (other threads, sockets) has to
 * be told as `work`.
 */
export function createVirtualClock(startMs = Date.parse('2026-03-01T12:00:00Z')): VirtualClock {
  let elapsedMs = 0
  let tasks = 0
  let events = 0
  const alarms = new Set<Alarm>()

  function schedule(ms: number, act: () => void): () => void {
    const alarm: Alarm = { dueMs: elapsedMs + Math.max(0, ms), act }
    alarms.add(alarm)
    events++
    return () => void alarms.delete(alarm)
  }

  /** Goes on to the next alarm, and rings all of its time in the order they were set. */
  function jump(): void {
    const nextMs = Math.min(...[...alarms].map(({ dueMs }) => dueMs))
    if (nextMs === Number.POSITIVE_INFINITY) throw new Error('everybody waits, and for nothing')
    elapsedMs = Math.max(elapsedMs, nextMs)
    for (const alarm of [...alarms]) {
      if (alarm.dueMs > elapsedMs || !alarms.delete(alarm)) continue
      alarm.act()
    }
  }

  async function isIdle(): Promise<boolean> {
    const before = events
    for (let round = 0; round < IDLE_ROUNDS; round++) {
      await new Promise(setImmediate)
      if (tasks > 0 || events !== before) return false
    }
    return true
  }

  return {
    now: () => new Date(startMs + elapsedMs),
    elapsed: () => elapsedMs,
    schedule,
    sleep: (ms) => new Promise((resolve) => void schedule(ms, resolve)),
    async work(task) {
      tasks++
      events++
      try {
        return await task
      } finally {
        tasks--
        events++
      }
    },
    async runUntil(done) {
      let isDone = false
      const finish = (): void => {
        isDone = true
      }
      done.then(finish, finish)
      while (!isDone) if ((await isIdle()) && !isDone) jump()
      return done
    },
  }
}
