/** One thing to time: `prepare` is not timed, and gives what each of the `count` runs takes. */
export interface Timed<T> {
  readonly name: string
  prepare(count: number): Promise<readonly T[]>
  run(input: T): Promise<unknown>
}

/** Times of each case in milliseconds, by name. */
export type Times = ReadonlyMap<string, readonly number[]>

/** Makes a case of any input one of a list. */
export function timed<T>(
  name: string,
  run: (input: T) => Promise<unknown>,
  prepare: (count: number) => Promise<readonly T[]>,
): Timed<unknown> {
  return { name, prepare, run: (input) => run(input as T) }
}

/** The same run each time. */
export function plain(name: string, run: () => Promise<unknown>): Timed<unknown> {
  return { name, prepare: async (count) => Array(count).fill(undefined), run }
}

/**
 * Times the cases in turns, a few runs of each at a time, so that what else the machine does meets
 * all of them alike. The first `warmUp` turns are not counted: code that has run a few hundred times is
 * several times as fast as at first, and what is compared with it is native and is not.
 */
export async function timeInTurns(
  cases: readonly Timed<unknown>[],
  { turns, runs, warmUp }: { turns: number; runs: number; warmUp: number },
  clock: () => number = () => performance.now(),
): Promise<Times> {
  const times = new Map<string, number[]>(cases.map(({ name }) => [name, []]))
  for (let turn = -warmUp; turn < turns; turn++) {
    for (const { name, prepare, run } of cases) {
      for (const input of await prepare(runs)) {
        const startedAt = clock()
        await run(input)
        const ms = clock() - startedAt
        if (turn >= 0) times.get(name)?.push(ms)
      }
    }
  }
  return times
}
