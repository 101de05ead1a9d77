/** One thing to time: `prepare` is not timed, and gives what the next run takes. */
export interface Timed<T> {
  readonly name: string
  prepare(): Promise<T>
  run(input: T): Promise<unknown>
}

/** Times of each case in milliseconds, by name. */
export type Times = ReadonlyMap<string, readonly number[]>

/** Makes a case of any input one of a list. */
export function timed<T>(
  name: string,
  run: (input: T) => Promise<unknown>,
  prepare: () => Promise<T>,
): Timed<unknown> {
  return { name, prepare, run: (input) => run(input as T) }
}

/** The same run each time. */
export function plain(name: string, run: () => Promise<unknown>): Timed<unknown> {
  return { name, prepare: async () => undefined, run }
}

/**
 * Times the cases in turns, one run of each, so that what else the machine does meets all of them alike,
 * and none is at an advantage by coming again and again: a durable commit right after another takes half
 * as long as one some milliseconds later. The first `warmUp` turns are not counted: code that has run a
 * thousand times is several times as fast as at first, and what is compared with it is native and is not.
 */
export async function timeInTurns(
  cases: readonly Timed<unknown>[],
  { turns, warmUp }: { readonly turns: number; readonly warmUp: number },
  clock: () => number = () => performance.now(),
): Promise<Times> {
  const times = new Map<string, number[]>(cases.map(({ name }) => [name, []]))
  for (let turn = -warmUp; turn < turns; turn++) {
    for (const { name, prepare, run } of cases) {
      const input = await prepare()
      const startedAt = clock()
      await run(input)
      const ms = clock() - startedAt
      if (turn >= 0) times.get(name)?.push(ms)
    }
  }
  return times
}
