import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { writeFileAtomic } from '../../shared/files.ts'

/**
 * Reads a JSON file of the state directory. `null` when there is none; STATE_CORRUPT, with `remedy`,
 * when it is not what we wrote: guessing at a damaged state could withdraw what works.
 */
export async function readJsonFile<S extends v.GenericSchema>(
  path: string,
  schema: S,
  remedy: string,
): Promise<v.InferOutput<S> | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw readFault(path, cause)
  }
  try {
    return v.parse(schema, JSON.parse(text))
  } catch (cause) {
    throw new ReprefixError('STATE_CORRUPT', `${path} is damaged; ${remedy}`, { cause })
  }
}

/** The fault for a file that is there but cannot be read: FILE_READ_FAILED. */
export function readFault(path: string, cause: unknown): ReprefixError {
  return new ReprefixError(
    'FILE_READ_FAILED',
    `failed to read ${path}: ${messageOf(cause)}; run this as root, or check the file's permissions`,
    { cause },
  )
}

/** Writes a JSON file durably and whole; readable by its owner alone. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value)}\n`, { mode: 0o600 })
}
