import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { transform } from 'esbuild'
import { describe, expect, it } from 'vitest'

const SOURCE = join(process.cwd(), 'agent/adapters/young-generation.ts')

/** Makes much that dies young, some of which lives a little longer. */
const CHURN = `
  const { getHeapSpaceStatistics } = await import('node:v8')
  const text = JSON.stringify(Array.from({ length: 1000 }, (_, i) => ({ i, name: 'container ' + i })))
  let kept = []
  for (let i = 0; i < 200; i++) kept = [...kept.slice(-3), JSON.parse(text)]
  const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
  console.log(young.space_size / 2 ** 20)
`

/** The size in MiB after a program has been busy, in a process of its own. */
async function youngMiB(program: string): Promise<number> {
  const argv = ['--input-type=module', '--eval', program]
  return Number((await promisify(execFile)(process.execPath, argv)).stdout)
}

describe('the young generation', () => {
  it('stays small where it would grow', { timeout: 30_000 }, async () => {
    const { code } = await transform(await readFile(SOURCE, 'utf8'), { loader: 'ts' })
    expect(await youngMiB(CHURN)).toBeGreaterThan(2)
    expect(await youngMiB(`${code}\nkeepYoungGenerationSmall()\n${CHURN}`)).toBe(2)
  })
})
