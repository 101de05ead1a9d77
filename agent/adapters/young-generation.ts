import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8's young generation at the 2 MB that it starts with, from now on. Left alone it grows to 32 MB
 * in the first busy pass and hardly shrinks again, while a pass leaves little behind: measured, it
 * collects no slower small.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
