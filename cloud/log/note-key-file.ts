import { readFile } from 'node:fs/promises'
import { generateNoteSigner, importNoteSigner, type NoteSigner } from '../../shared/checkpoint.ts'
import { ReprefixError } from '../../shared/errors.ts'
import { readFault, writeFileAtomic } from '../../shared/files.ts'
import { equalBytes } from '../../shared/merkle-verify.ts'

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

/**
 * Reads, or makes, the key that signs beside `first`. It is a key of the same log.
 * @throws ReprefixError KEY_INVALID
 */
export async function openNextNoteKey(path: string, first: NoteSigner): Promise<NoteKey> {
  const next = await openNoteKey(path, first.name)
  const { signer } = next
  // Two keys with one name and one identifier could not be told apart in a note.
  if (signer.name === first.name && !equalBytes(signer.keyId, first.keyId)) return next
  const fault =
    signer.name === first.name
      ? 'is the first key'
      : `is a key of ${signer.name}, not ${first.name}`
  throw new ReprefixError(
    'KEY_INVALID',
    `${path} ${fault}; remove log.nextKey, or name another file`,
  )
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw readFault(path, cause)
  }
}
