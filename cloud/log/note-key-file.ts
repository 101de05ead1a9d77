import { readFile } from 'node:fs/promises'
import { generateNoteSigner, type NoteSigner } from '../../shared/checkpoint.ts'
import { readFault, writeFileAtomic } from '../../shared/files.ts'
import { checkNextNoteKey, importNoteKey, type NoteKey } from './note-key.ts'

/**
 * Reads the log's signing key, or makes one (mode 0600) where there is no file yet. Never replaces a
 * file it cannot read: the key is what every agent has pinned.
 */
export async function openNoteKey(path: string, origin: string): Promise<NoteKey> {
  const stored = await readIfPresent(path)
  if (stored !== undefined) return importNoteKey(stored, path, 'restore it from a backup')
  const { signer, secret } = await generateNoteSigner(origin)
  await writeFileAtomic(path, new TextEncoder().encode(`${secret}\n`), { mode: 0o600 })
  return { signer, secret }
}

/**
 * Reads, or makes, the key that signs beside `first`. It is a key of the same log.
 * @throws ReprefixError KEY_INVALID
 */
export async function openNextNoteKey(path: string, first: NoteSigner): Promise<NoteKey> {
  return checkNextNoteKey(await openNoteKey(path, first.name), first, path)
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw readFault(path, cause)
  }
}
