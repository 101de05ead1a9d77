import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSaving } from '../../bench/saving.ts'

let directory = ''
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'saving-')), 'bench')
})
afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }))

const part = (content: string) => ({ name: 'agent.json', content })
const read = (name: string) => readFile(join(directory, name), 'utf8')

describe('saving the results of a bench', () => {
  it('keeps what a run that was cut off has measured, and the whole run before it as it was', async () => {
    const files = [part('first'), { name: 'agent.svg', content: 'picture of the first' }]
    expect(await createSaving(directory).whole(files)).toEqual([
      join(directory, 'agent.json'),
      join(directory, 'agent.svg'),
    ])
    const cutOff = createSaving(directory)
    await cutOff.part(part('1'))
    await cutOff.part(part('1, 5'))
    expect(await read('agent.incomplete.json')).toBe('1, 5')
    expect([await read('agent.json'), await read('agent.svg')]).toEqual([
      'first',
      'picture of the first',
    ])
  })

  it('replaces the parts of another run, and removes them when its own is whole', async () => {
    await createSaving(directory).part(part('of another run'))
    const saving = createSaving(directory)
    await saving.part(part('1'))
    expect(await read('agent.incomplete.json')).toBe('1')
    await saving.whole([part('1, 5')])
    expect(await readdir(directory)).toEqual(['agent.json'])
    expect(await read('agent.json')).toBe('1, 5')
  })

  it('removes what was cut off before also where it saves no part itself', async () => {
    await createSaving(directory).part(part('of another run'))
    await createSaving(directory).whole([part('whole')])
    expect(await readdir(directory)).toEqual(['agent.json'])
  })
})
