import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { transform } from 'esbuild'
import { describe, expect, it } from 'vitest'

const SOURCE = join(process.cwd(), 'agent/adapters/small-memory.ts')

/** Makes much that dies young, some of which lives a little longer. */
const CHURN = `
  const { getHeapSpaceStatistics } = await import('node:v8')
  const text = JSON.stringify(Array.from({ length: 1000 }, (_, i) => ({ i, name: 'container ' + i })))
  let kept = []
  for (let i = 0; i < 200; i++) kept = [...kept.slice(-3), JSON.parse(text)]
  const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
  console.log(young.space_size / 2 ** 20)
`

/** Tells whether V8 has optimised a function that ran a million times: bit 4 of its status. */
const HOT = `
  function hot(n) { let sum = 0; for (let i = 0; i < n; i++) sum += i % 7; return sum }
  for (let i = 0; i < 20_000; i++) hot(50)
  const deadline = Date.now() + 5000
  const isOptimised = () => (%GetOptimizationStatus(hot) & 16) !== 0
  while (!isOptimised() && Date.now() < deadline) { hot(50); await new Promise(setImmediate) }
  console.log(isOptimised() ? 1 : 0)
`

/** What a program prints, in a process of its own. */
async function print(program: string): Promise<number> {
  const argv = ['--allow-natives-syntax', '--input-type=module', '--eval', program]
  return Number((await promisify(execFile)(process.execPath, argv)).stdout)
}

async function frugally(program: string): Promise<string> {
  const { code } = await transform(await readFile(SOURCE, 'utf8'), { loader: 'ts' })
  return `${code}\nuseLittleMemory()\n${program}`
}

describe('little memory', () => {
  it('keeps the young generation small where it would grow', { timeout: 30_000 }, async () => {
    expect(await print(CHURN)).toBeGreaterThan(2)
    expect(await print(await frugally(CHURN))).toBe(2)
  })

  it('optimises no function, however hot', { timeout: 30_000 }, async () => {
    expect(await print(HOT)).toBe(1)
    expect(await print(await frugally(HOT))).toBe(0)
  })
})
