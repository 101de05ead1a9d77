import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../shared/files.ts'
import type { BenchFile } from './bench.ts'

/** Keeps the results of one run of a bench in a directory. */
export interface Saving {
  /** What is measured so far, under a name of its own: an earlier whole run stays whole beside it. */
  part(file: BenchFile): Promise<void>
  /** The whole results; what was saved of parts goes. Returns the paths. */
  whole(files: readonly BenchFile[]): Promise<readonly string[]>
}

/** `agent.json` → `agent.incomplete.json`. */
function partName(name: string): string {
  return name.replace(/(\.[^.]+)?$/, '.incomplete$1')
}

/**
 * Saves into `directory`. No two runs are ever mixed: a part replaces the last part whole, and only a
 * run that is complete replaces results, all of them.
 */
export function createSaving(directory: string): Saving {
  const parts = new Set<string>()

  async function write(name: string, content: string): Promise<string> {
    await mkdir(directory, { recursive: true })
    const path = join(directory, name)
    await writeFileAtomic(path, content)
    return path
  }

  return {
    part: async ({ name, content }) => {
      parts.add(await write(partName(name), content))
    },
    whole: async (files) => {
      const paths: string[] = []
      for (const { name, content } of files) {
        paths.push(await write(name, content))
        // Also what an earlier run that was cut off has left.
        parts.add(join(directory, partName(name)))
      }
      for (const path of parts) await rm(path, { force: true })
      return paths
    },
  }
}
