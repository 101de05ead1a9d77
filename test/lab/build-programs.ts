import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..')

function newestSource(): number {
  const times = ['agent', 'cloud', 'shared', 'infra', 'test/lab'].flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  )
  return Math.max(...times)
}

/** For tests that drive the built programs: they must be those of the present sources. */
export function buildPrograms(): void {
  const built = statSync(join(ROOT, 'dist/reprefix.js'), { throwIfNoEntry: false })
  if (built && built.mtimeMs > newestSource()) return
  const script = join(ROOT, 'infra/build.mjs')
  execFileSync(process.execPath, [script, '--quiet'], { stdio: 'inherit' })
}
