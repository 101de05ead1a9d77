import { describe, expect, it } from 'vitest'
import { createPlayer } from '../../vectors/play.ts'
import { readVectors } from '../../vectors/read.ts'
import type { SequenceVectors } from '../../vectors/shapes.ts'

const { cloud, sequences } = await readVectors<SequenceVectors>('sequences.json')

describe('sequences.json', () => {
  it.each(sequences)('$name', async ({ steps }) => {
    const { play } = await createPlayer(cloud)
    for (const step of steps) {
      const real = await play(step)
      if (step.kind === 'request') expect(real, step.what).toEqual(step.expect)
    }
  })
})
