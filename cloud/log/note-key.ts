import { importNoteSigner, type NoteSigner } from '../../shared/checkpoint.ts'
import { ReprefixError } from '../../shared/errors.ts'
import { equalBytes } from '../../shared/merkle-verify.ts'

/** The log's signing key with the text it is stored as. */
export interface NoteKey {
  readonly signer: NoteSigner
  readonly secret: string
}

/** The keys that sign a log. */
export interface LogKeys {
  readonly first: NoteKey
  /** Signs beside the first one, where there is one. */
  readonly next?: NoteKey
}

/**
 * Reads a signing key; `place` says where its text is from. Nothing of the text is in an error.
 * @throws ReprefixError KEY_INVALID
 */
export async function importNoteKey(text: string, place: string, remedy: string): Promise<NoteKey> {
  const secret = text.trim()
  try {
    return { signer: await importNoteSigner(secret), secret }
  } catch (cause) {
    throw new ReprefixError('KEY_INVALID', `${place} is not a signing key of the log; ${remedy}`, {
      cause,
    })
  }
}

/**
 * Refuses a second key that is none: two keys with one name and one identifier could not be told apart
 * in a note, and one of another name signs another log.
 * @throws ReprefixError KEY_INVALID
 */
export function checkNextNoteKey(next: NoteKey, first: NoteSigner, place: string): NoteKey {
  const { signer } = next
  if (signer.name === first.name && !equalBytes(signer.keyId, first.keyId)) return next
  const fault =
    signer.name === first.name
      ? 'is the first key'
      : `is a key of ${signer.name}, not ${first.name}`
  throw new ReprefixError('KEY_INVALID', `${place} ${fault}; remove log.nextKey, or name another`)
}
