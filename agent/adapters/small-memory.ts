import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Makes V8 content with little memory, from now on. It keeps the young generation at the 2 MB that it
 * starts with: left alone it grows to 32 MB in the first busy pass and hardly shrinks again, while a pass
 * leaves little behind. And it does without the optimising compiler, which takes 4 MB of code and as much
 * again of what it works on, for functions that run for milliseconds and then rest for minutes. What is
 * left behind all the same is collected when the agent rests, once instead of three times.
 */
export function useLittleMemory(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--no-opt')
  setFlagsFromString('--memory-reducer-single-gc')
}

/** How long after the last pass the agent counts as at rest. */
const REST_MS = 2000

/** Collects what work has left behind, when there is time for it. */
export interface Collector {
  /** Work begins: nothing is collected now. */
  busy(): void
  /** Work has ended: what it left is collected in a moment, if nothing comes in between. */
  rest(): void
}

/** The garbage collector of V8 as a function, which it is only for those who ask by flag. */
export function exposeCollection(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}

/**
 * Collects at rest. V8 collects when its memory fills up or, if left idle, by several careful steps over
 * half a minute; a whole pass every few minutes leaves 6 MB, which would lie there for most of the time.
 */
export function createCollector(collect: () => void): Collector {
  let timer: NodeJS.Timeout | undefined
  return {
    busy: () => clearTimeout(timer),
    rest: () => {
      clearTimeout(timer)
      timer = setTimeout(collect, REST_MS)
      timer.unref()
    },
  }
}
