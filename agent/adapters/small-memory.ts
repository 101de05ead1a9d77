import { setFlagsFromString } from 'node:v8'

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
