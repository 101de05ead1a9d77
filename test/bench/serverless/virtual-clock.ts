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
  isCancelled: boolean
}

/** Rounds of the event loop without anything happening, after which everybody must be waiting. */
const IDLE_ROUNDS = 3
/** How long nobody may have an alarm, in milliseconds that really pass, unless told otherwise. */
const PATIENCE_MS = 2000

/**
 * A clock for simulations of real programs: whatever is computed takes no time, and when everybody
 * waits it jumps to the next alarm. What the event loop does not show (other threads, sockets) has to
 * be told as `work`.
 */
export function createVirtualClock(
  patienceMs = PATIENCE_MS,
  startMs = Date.parse('2026-03-01T12:00:00Z'),
): VirtualClock {
  let elapsedMs = 0
  let tasks = 0
  let events = 0
  /** By time, and those of one time in the order they were set. */
  const alarms: Alarm[] = []

  function schedule(ms: number, act: () => void): () => void {
    // Whole milliseconds, as programs are told the time: no timer may ring a fraction too early.
    const dueMs = elapsedMs + Math.max(0, Math.ceil(ms))
    const alarm: Alarm = { dueMs, act, isCancelled: false }
    alarms.splice(firstAfter(dueMs), 0, alarm)
    events++
    return () => {
      alarm.isCancelled = true
    }
  }

  /** Where the alarms begin that are due later; a fleet has tens of thousands of them. */
  function firstAfter(dueMs: number): number {
    let [start, end] = [0, alarms.length]
    while (start < end) {
      const middle = (start + end) >> 1
      if ((alarms[middle]?.dueMs ?? 0) <= dueMs) start = middle + 1
      else end = middle
    }
    return start
  }

  /** Goes on to the next alarm, and rings all of its time in the order they were set; false without one. */
  function jump(): boolean {
    while (alarms[0]?.isCancelled === true) alarms.shift()
    const [next] = alarms
    if (next === undefined) return false
    elapsedMs = next.dueMs
    const due = alarms.splice(0, firstAfter(elapsedMs))
    for (const alarm of due) if (!alarm.isCancelled) alarm.act()
    return true
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
      let idleSince = performance.now()
      while (!isDone) {
        const hasMoved = !(await isIdle()) || isDone || jump()
        // A module that is loaded when it is first needed is nobody's alarm.
        if (hasMoved) idleSince = performance.now()
        else if (performance.now() - idleSince > patienceMs) {
          throw new Error('everybody waits, and for nothing')
        }
      }
      return done
    },
  }
}
