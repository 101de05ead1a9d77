import { decodeBase64, encodeBase64 } from './base64.ts'
import { ReprefixError } from './errors.ts'

/** The proof that a log holds an entry (C2SP tlog-proof); nothing of it is verified yet. */
export interface TlogProof {
  readonly index: number
  /** Audit path, the leaf's sibling first. */
  readonly hashes: readonly Uint8Array[]
  /** The signed note, verbatim. */
  readonly checkpoint: string
  /** Opaque data that nothing authenticates. */
  readonly extra?: Uint8Array
}

const HEADER = 'c2sp.org/tlog-proof@v1'
const HASH_BYTES = 32
/** A tree of 2^53 leaves has paths of 53 hashes. */
const MAX_HASHES = 53

/** The proof as text. */
export function renderTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  const lines = [
    HEADER,
    ...(extra === undefined ? [] : [`extra ${encodeBase64(extra)}`]),
    `index ${index}`,
    ...hashes.map(encodeBase64),
    '',
  ]
  return `${lines.join('\n')}\n${checkpoint}`
}

/**
 * Reads untrusted text of a proof; its checkpoint comes back verbatim and unverified.
 * @throws ReprefixError PROOF_INVALID
 */
export function parseTlogProof(text: string): TlogProof {
  const split = text.indexOf('\n\n')
  if (split < 0) throw invalid('it has no checkpoint')
  const [header, ...lines] = text.slice(0, split).split('\n')
  if (header !== HEADER) throw invalid(`its first line is not ${HEADER}`)
  const extra = lines[0]?.startsWith('extra ') ? lines.shift()?.slice('extra '.length) : undefined
  const index = Number(/^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '')?.[1])
  if (!Number.isSafeInteger(index)) throw invalid('it has no index')
  if (lines.length > MAX_HASHES) throw invalid('its path is longer than any tree is high')
  const hashes = lines.map((line) => decode(line))
  if (hashes.some(({ length }) => length !== HASH_BYTES))
    throw invalid('a hash is not 32 bytes long')
  const checkpoint = text.slice(split + 2)
  return { index, hashes, checkpoint, ...(extra === undefined ? {} : { extra: decode(extra) }) }
}

function decode(line: string): Uint8Array {
  try {
    return decodeBase64(line)
  } catch (cause) {
    throw new ReprefixError('PROOF_INVALID', 'invalid proof: a line is not Base 64', { cause })
  }
}

function invalid(reason: string): ReprefixError {
  return new ReprefixError('PROOF_INVALID', `invalid proof: ${reason}`)
}
