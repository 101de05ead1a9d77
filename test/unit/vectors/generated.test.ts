import { readdir } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeVectors } from '../../vectors/make.ts'
import { readVectorText } from '../../vectors/read.ts'

describe('the vector files', () => {
  let made: ReadonlyMap<string, string>
  beforeAll(async () => {
    made = await makeVectors()
  })

  it('are what "npm run vectors" makes', async () => {
    for (const [file, text] of made) {
      const isSame = (await readVectorText(file)) === text
      expect(isSame, `test/vectors/${file}: run "npm run vectors" and look at what changed`).toBe(
        true,
      )
    }
  })

  it('are all explained, and no other is there', async () => {
    const files = (await readdir('test/vectors')).filter((file) => /\.(nd)?json$/.test(file))
    expect(files.sort()).toEqual([...made.keys()].sort())
    const readme = await readVectorText('README.md')
    for (const file of files) expect(readme).toContain(`## ${file}`)
  })
})
