import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ReprefixError } from '../../shared/errors.ts'

/** The built programs that the lab drives from outside. */
export type Program = 'reprefix.js' | 'reprefix-agent.js' | 'lab-prober.js'

/**
 * Where a built program is: beside this one when this is itself a bundle, else in the repository's
 * dist directory. Throws `LAB_FAILED` with the remedy when it has not been built.
 */
export function builtProgram(program: Program): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    for (const path of [join(directory, program), join(directory, 'dist', program)]) {
      if (existsSync(path)) return path
    }
    const parent = dirname(directory)
    if (parent === directory) break
    directory = parent
  }
  throw new ReprefixError('LAB_FAILED', `${program} is not built: run npm run build`)
}

/** The argument vector that runs a built program with this Node. */
export function nodeProgram(program: Program, args: readonly string[]): readonly string[] {
  return [process.execPath, builtProgram(program), ...args]
}
