import { describe, expect, it } from 'vitest'
import { reportAtOnce } from './two-clouds.ts'

describe('hosts that are all renumbered at once', () => {
  it.each([
    ['memory', 200, 20],
    ['file', 200, 20],
    ['alone', 1000, 20],
  ] as const)(
    'cost a handful of calls: %s, %i',
    async (kind, hosts, most) => {
      const calls = await reportAtOnce(kind, hosts)
      process.stdout.write(`${hosts} hosts at once, ${kind}: ${calls} calls of each provider\n`)
      expect(calls).toBeLessThanOrEqual(most)
    },
    120_000,
  )
})
