import type { NoteSigner } from '../../shared/checkpoint.ts'
import { ReprefixError } from '../../shared/errors.ts'
import { checkNextNoteKey, importNoteKey, type LogKeys, type NoteKey } from './note-key.ts'

/** A key in the settings: its own text, or a file. */
type KeySettings =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string }

/** Where the settings have the log's keys. */
export interface LogKeySources {
  readonly logKey: KeySettings
  readonly logNextKey?: KeySettings
}

/** Reads a key from a file, or makes one there; with `first`, the one that signs beside it. */
export type OpenKeyFile = (path: string, first?: NoteSigner) => Promise<NoteKey>

const NO_FILES: OpenKeyFile = async () => {
  throw new ReprefixError(
    'CONFIG_INVALID',
    'log.key must be the text of the key: this runtime keeps no files',
  )
}
const REMEDY = 'make one with "reprefix audit new-key", or restore it from a backup'

/**
 * The keys that sign the log. All instances of a cloud must have the same ones: agents have pinned them,
 * and nonces are made with the first.
 * @throws ReprefixError KEY_INVALID, CONFIG_INVALID
 */
export async function openLogKeys(
  { logKey, logNextKey }: LogKeySources,
  openFile: OpenKeyFile = NO_FILES,
): Promise<LogKeys> {
  const first =
    logKey.kind === 'file'
      ? await openFile(logKey.path)
      : await importNoteKey(logKey.text, 'log.key', REMEDY)
  if (logNextKey === undefined) return { first }
  if (logNextKey.kind === 'file') {
    return { first, next: await openFile(logNextKey.path, first.signer) }
  }
  const next = await importNoteKey(logNextKey.text, 'log.nextKey', REMEDY)
  return { first, next: checkNextNoteKey(next, first.signer, 'log.nextKey') }
}
