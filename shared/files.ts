import { constants, readFileSync } from 'node:fs'
import { type FileHandle, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { messageOf, ReprefixError } from './errors.ts'
import type { ReferenceResolver } from './settings.ts'

/** A sibling as it is called until its content is whole. */
const SIBLING = /^\..+\.new$/

/**
 * Replaces a file so that a reader, or a machine that loses power, sees the old or the new content,
 * whole: writes a sibling, fsync, rename, fsync of the directory. Keeps mode and owner of an
 * existing file and follows a symbolic link to it; a new file gets exactly `mode` (default 0644).
 * A sibling left by a killed process is replaced. One writer a path at a time.
 * @throws ReprefixError DISK_FULL, or FILE_WRITE_FAILED; the old content is still there
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string,
  options: { readonly mode?: number } = {},
): Promise<void> {
  const target = await realpath(path).catch(() => path)
  const sibling = join(dirname(target), `.${basename(target)}.new`)
  try {
    const existing = await stat(target).catch(() => undefined)
    await rm(sibling, { force: true })
    const { O_WRONLY, O_CREAT, O_EXCL } = constants
    // Created private: the final mode is set before any other process can know the name's content.
    await writeDurably(
      await open(sibling, O_WRONLY | O_CREAT | O_EXCL, 0o600),
      content,
      async (f) => {
        if (existing !== undefined) await f.chown(existing.uid, existing.gid)
        await f.chmod(existing === undefined ? (options.mode ?? 0o644) : existing.mode & 0o7777)
      },
    )
    await rename(sibling, target)
    await syncDirectory(dirname(target))
  } catch (cause) {
    await rm(sibling, { force: true }).catch(() => undefined)
    throw writeFault(path, cause)
  }
}

/**
 * Removes what killed writers left of `writeFileAtomic` in a directory: siblings never renamed. Only for
 * a directory in which nobody writes meanwhile. A directory that is not there has none.
 */
export async function removeInterruptedWrites(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  const left = names.filter((name) => SIBLING.test(name))
  await Promise.all(left.map((name) => rm(join(directory, name), { force: true })))
}

/** Reads `${env:X}` from the given environment and `${file:/p}` from disk, without its last newline. */
export function createReferenceResolver(
  environment: Readonly<Record<string, string | undefined>>,
): ReferenceResolver {
  return ({ kind, name }) => {
    if (kind === 'env') {
      const value = environment[name]
      if (value !== undefined && value !== '') return value
      throw new ReprefixError('CONFIG_INVALID', `set the environment variable ${name}: it is empty`)
    }
    try {
      return readFileSync(name, 'utf8').replace(/\r?\n$/, '')
    } catch (cause) {
      throw readFault(name, cause)
    }
  }
}

/** The fault for reading `path` that failed with `cause`: FILE_READ_FAILED with the remedy. */
export function readFault(path: string, cause: unknown): ReprefixError {
  const reason = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const remedy =
    reason === 'ENOENT'
      ? 'there is no such file: create it, or correct the path'
      : reason === 'EACCES' || reason === 'EPERM'
        ? 'this user may not read it: change its owner or mode'
        : reason === 'EISDIR'
          ? 'it is a directory: name a file'
          : messageOf(cause)
  return new ReprefixError('FILE_READ_FAILED', `failed to read ${path}: ${remedy}`, { cause })
}

/** The fault for a write to `path` that failed with `cause`: DISK_FULL or FILE_WRITE_FAILED. */
export function writeFault(path: string, cause: unknown): ReprefixError {
  const reason = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (reason === 'ENOSPC' || reason === 'EDQUOT') {
    return new ReprefixError(
      'DISK_FULL',
      `the disk has no room for ${path}: free space on its file system; the old content is kept`,
      { cause },
    )
  }
  const remedy =
    reason === 'ENOENT'
      ? 'create its directory'
      : reason === 'EACCES' || reason === 'EPERM' || reason === 'EROFS'
        ? 'check that this user may write there'
        : 'the old content is kept'
  return new ReprefixError(
    'FILE_WRITE_FAILED',
    `could not write ${path}: ${messageOf(cause)}; ${remedy}`,
    { cause },
  )
}

async function writeDurably(
  file: FileHandle,
  content: Uint8Array | string,
  adjust: (file: FileHandle) => Promise<void>,
): Promise<void> {
  try {
    await adjust(file)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
