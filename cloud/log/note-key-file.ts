import { readFile } from 'node:fs/promises'
import { generateNoteSigner, importNoteSigner, type NoteSigner } from '../../shared/checkpoint.ts'
import { ReprefixError } from '../../shared/errors.ts'
import { readFault, writeFileAtomic } from '../../shared/files.ts'

/** The log's signing key with the text it is stored as. */
export interface NoteKey {
  readonly signer: NoteSigner
  readonly secret: string
}

/**
 * Reads the log's signing key, or makes one (mode 0600) where there is no file yet. Never replaces a
 * file it cannot read: the key is what every agent has pinned.
 */
export async function openNoteKey(path: string, origin: string): Promise<NoteKey> {
  const stored = await readIfPresent(path)
  if (stored === undefined) {
    const { signer, secret } = await generateNoteSigner(origin)
    await writeFileAtomic(path, new TextEncoder().encode(`${secret}\n`), { mode: 0o600 })
    return { signer, secret }
  }
  const secret = stored.trim()
  try {
    return { signer: await importNoteSigner(secret), secret }
  } catch (cause) {
    throw new ReprefixError(
      'KEY_INVALID',
      `${path} is not a signing key of the log; restore it from a backup`,
      { cause },
    )
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw readFault(path, cause)
  }
}
