import { decodeBase64, encodeBase64 } from './base64.ts'
import { messageOf, ReprefixError } from './errors.ts'
import { type NoteSigner, type NoteVerifier, openNote, signNote } from './signed-note.ts'

export {
  generateNoteSigner,
  importNoteSigner,
  type NoteSigner,
  type NoteVerifier,
  parseVkey,
} from './signed-note.ts'

/** The state of a log: its name, how many entries it has, and the root over them. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
}

const HASH_BYTES = 32
const DECIMAL = /^(?:0|[1-9]\d{0,15})$/

/**
 * Signs a checkpoint as C2SP tlog-checkpoint text, with each key of the log that is given. Sign only what the store has committed: a signed
 * checkpoint cannot be taken back.
 * @throws ReprefixError CHECKPOINT_INVALID when the key belongs to another log
 */
export function signCheckpoint(
  checkpoint: Checkpoint,
  ...signers: readonly NoteSigner[]
): Promise<string> {
  const { origin, size, root } = checkpoint
  const foreign = signers.find(({ name }) => name !== origin)
  if (foreign !== undefined) {
    throw invalid(`the key of ${foreign.name} does not sign for the log ${origin}`)
  }
  return signNote(`${origin}\n${size}\n${encodeBase64(root)}\n`, ...signers)
}

/**
 * Reads an untrusted checkpoint. It must be signed by one of the keys, and that key must be named
 * like the log. Extension lines are ignored; unknown signatures too (rotation, cosigning).
 * @throws ReprefixError CHECKPOINT_INVALID
 */
export async function openCheckpoint(
  note: string,
  verifiers: readonly NoteVerifier[],
): Promise<Checkpoint> {
  const { text, signers } = await openNote(note, verifiers)
  const [origin = '', size = '', root = '', ...extensions] = text.slice(0, -1).split('\n')
  if (!signers.some(({ name }) => name === origin)) {
    throw invalid(`it is for the log ${origin}, which none of its trusted signers is named after`)
  }
  if (!DECIMAL.test(size) || !Number.isSafeInteger(Number(size))) {
    throw invalid('its second line is not a size')
  }
  if (extensions.includes('')) throw invalid('it has an empty line')
  return { origin, size: Number(size), root: decodeHash(root) }
}

function decodeHash(text: string): Uint8Array {
  try {
    const bytes = decodeBase64(text)
    if (bytes.length === HASH_BYTES) return bytes
  } catch (error) {
    throw invalid(`its third line: ${messageOf(error)}`)
  }
  throw invalid(`its third line is not a hash of ${HASH_BYTES} bytes`)
}

function invalid(reason: string): ReprefixError {
  return new ReprefixError('CHECKPOINT_INVALID', `invalid checkpoint: ${reason}`)
}
