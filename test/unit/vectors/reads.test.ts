import { beforeAll, describe, expect, it } from 'vitest'
import { readVectors } from '../../vectors/read.ts'
import { type ReadableCloud, readOnce, startReadableCloud } from '../../vectors/read-log.ts'
import type { ReadVectors } from '../../vectors/shapes.ts'

const { logKey, entries, reads } = await readVectors<ReadVectors>('reads.json')

describe('reads.json', () => {
  let cloud: ReadableCloud
  beforeAll(async () => {
    cloud = await startReadableCloud(logKey, entries.slice(1))
  })

  it('begins as every log of that key does', async () => {
    expect(await cloud.entries()).toEqual(entries)
  })

  it.each(reads)('$name', async ({ name: _, ...read }) => {
    expect(await readOnce(cloud, read.path, read.isOperator)).toEqual(read)
  })
})
