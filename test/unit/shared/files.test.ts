import {
  chmod,
  lstat,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createReferenceResolver,
  readFault,
  removeInterruptedWrites,
  writeFault,
  writeFileAtomic,
} from '../../../shared/files.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reprefix-files-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('removeInterruptedWrites', () => {
  it('removes siblings that were never renamed, and nothing else', async () => {
    for (const name of ['.000001795517703.json.new', '.state.json.new', 'state.json', '.keep']) {
      await writeFile(join(directory, name), '')
    }
    await removeInterruptedWrites(directory)
    expect((await readdir(directory)).sort()).toEqual(['.keep', 'state.json'])
  })

  it('finds nothing in a directory that is not there', async () => {
    await removeInterruptedWrites(join(directory, 'outbox'))
    expect(await readdir(directory)).toEqual([])
  })
})

describe('writeFileAtomic', () => {
  it('makes a new file with the mode asked for, and leaves nothing beside it', async () => {
    const path = join(directory, 'state.json')
    await writeFileAtomic(path, '{}', { mode: 0o600 })
    expect(await readFile(path, 'utf8')).toBe('{}')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(directory)).toEqual(['state.json'])
  })

  it('replaces the content and keeps the mode', async () => {
    const path = join(directory, 'ndppd.conf')
    await writeFile(path, 'old')
    await chmod(path, 0o640)
    await writeFileAtomic(path, Uint8Array.from([110, 101, 119]), { mode: 0o600 })
    expect(await readFile(path, 'utf8')).toBe('new')
    expect((await stat(path)).mode & 0o777).toBe(0o640)
  })

  it('follows a symbolic link instead of replacing it', async () => {
    await writeFile(join(directory, 'real'), 'old')
    await symlink('real', join(directory, 'link'))
    await writeFileAtomic(join(directory, 'link'), 'new')
    expect(await readFile(join(directory, 'real'), 'utf8')).toBe('new')
    expect((await lstat(join(directory, 'link'))).isSymbolicLink()).toBe(true)
  })

  it('replaces the sibling that a killed process left', async () => {
    const path = join(directory, 'state.json')
    await writeFile(join(directory, '.state.json.new'), 'half', { mode: 0o644 })
    await writeFileAtomic(path, 'whole', { mode: 0o600 })
    expect(await readFile(path, 'utf8')).toBe('whole')
    expect(await readdir(directory)).toEqual(['state.json'])
  })

  it('names the path and the remedy when the directory is missing', async () => {
    const path = join(directory, 'no', 'state.json')
    await expect(writeFileAtomic(path, 'x')).rejects.toMatchObject({
      code: 'FILE_WRITE_FAILED',
      message: expect.stringContaining(`could not write ${path}`),
    })
  })

  it('keeps the old content and cleans up when the target cannot be replaced', async () => {
    await expect(writeFileAtomic(directory, 'x')).rejects.toMatchObject({
      code: 'FILE_WRITE_FAILED',
    })
    expect(await readdir(directory)).toEqual([])
  })

  it('calls a full disk by its name', () => {
    for (const code of ['ENOSPC', 'EDQUOT']) {
      const fault = writeFault(
        '/var/lib/reprefix/state.json',
        Object.assign(new Error('no'), { code }),
      )
      expect(fault).toMatchObject({ code: 'DISK_FULL' })
      expect(fault.message).toMatch(/\/var\/lib\/reprefix\/state\.json: free space/)
    }
  })
})

describe('createReferenceResolver', () => {
  it('reads variables and files', async () => {
    await writeFile(join(directory, 'tsig'), 'c2VjcmV0\n')
    const resolve = createReferenceResolver({ A: 'b', EMPTY: '' })
    expect(resolve({ kind: 'env', name: 'A' })).toBe('b')
    expect(resolve({ kind: 'file', name: join(directory, 'tsig') })).toBe('c2VjcmV0')
    expect(() => resolve({ kind: 'env', name: 'EMPTY' })).toThrow(/EMPTY/)
    expect(() => resolve({ kind: 'file', name: '/nonexistent' })).toThrow(/\/nonexistent/)
  })
})

describe('readFault', () => {
  it.each([
    ['ENOENT', /failed to read \/x: there is no such file: create it/],
    ['EACCES', /this user may not read it: change its owner or mode/],
    ['EISDIR', /it is a directory/],
    ['EIO', /broken/],
  ])('names path and remedy for %s', (code, message) => {
    const fault = readFault('/x', Object.assign(new Error('broken'), { code }))
    expect(fault).toMatchObject({ code: 'FILE_READ_FAILED' })
    expect(fault.message).toMatch(message)
  })
})
