import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { messageOf } from '../../shared/errors.ts'
import type { FileFacts, ProgramFacts } from '../domain/doctor-host.ts'
import type { Read } from '../domain/finding.ts'
import { debianPackageOf } from './command.ts'

const PERMISSION_BITS = 0o7777

/** Reads something for `doctor`, which goes on with the rest when that fails. */
export async function attempt<T>(read: () => Promise<T>): Promise<Read<T>> {
  try {
    return { value: await read() }
  } catch (cause) {
    return { fault: messageOf(cause) }
  }
}

/** Reads who owns a file and who may do what with it. */
export async function readFileFacts(path: string): Promise<FileFacts> {
  const found = await stat(path).catch(() => null)
  return found === null
    ? { path, mode: null, owner: 0 }
    : { path, mode: found.mode & PERMISSION_BITS, owner: found.uid }
}

/** Reads how many bytes are free where `path` is, or will be. */
export async function readFreeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch (cause) {
    const parent = dirname(path)
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    if (!isMissing || parent === path) throw cause
    return readFreeBytes(parent)
  }
}

/** Looks for programs as the agent would start them. */
export function readPrograms(
  programs: readonly string[],
  path = process.env.PATH ?? '',
): Promise<readonly ProgramFacts[]> {
  return Promise.all(
    [...new Set(programs)].map(async (program) => ({
      program,
      package: debianPackageOf(program),
      isInstalled: await isInstalled(program, path),
    })),
  )
}

async function isInstalled(program: string, path: string): Promise<boolean> {
  const candidates = isAbsolute(program)
    ? [program]
    : path.split(delimiter).map((directory) => join(directory, program))
  for (const candidate of candidates) {
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return true
  }
  return false
}
