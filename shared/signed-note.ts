import { decodeBase64, encodeBase64 } from './base64.ts'
import {
  type CryptoKey,
  importPublicKey,
  importSeed,
  sha256,
  signEd25519,
  verifyEd25519,
} from './ed25519.ts'
import { quote, ReprefixError } from './errors.ts'

/** A key that notes are verified with (C2SP signed-note, Ed25519 only). */
export interface NoteVerifier {
  readonly name: string
  /** First 4 bytes of SHA-256 over name, newline, type 1 and public key. */
  readonly keyId: Uint8Array
  /** `name+hex(keyId)+base64(1 || public key)`. */
  readonly vkey: string
  readonly key: CryptoKey
}

/** A key that notes are signed with. */
export interface NoteSigner {
  readonly name: string
  readonly keyId: Uint8Array
  readonly vkey: string
  readonly privateKey: CryptoKey
}

const ED25519 = 1
const KEY_ID_BYTES = 4
/** Notes of ours are under 1 KiB; post-quantum cosignatures of others are up to 5 KB each. */
const MAX_NOTE_LENGTH = 200_000
const KEY_NAME = /^[^\p{White_Space}\p{Cc}+]+$/u
const SECRET_MARK = 'PRIVATE+KEY+'
// The dash by its number: one such letter in a regular expression makes V8 keep two bytes for each
// letter of the whole bundle.
const SIGNATURE_LINE = /^\u2014 (\S+) (\S+)$/u

/**
 * Reads a verifier key and recomputes its key ID.
 * @throws ReprefixError KEY_INVALID
 */
export async function parseVkey(text: string): Promise<NoteVerifier> {
  const { name, hex, keyBytes } = splitKey(text, 'the verifier key')
  const key = await importPublicKey(keyBytes)
  const keyId = await computeKeyId(name, keyBytes)
  if (toHex(keyId) !== hex)
    throw invalidKey('the verifier key is altered: its key ID does not match')
  return { name, keyId, vkey: text, key }
}

/** Makes a new signing key for a note name such as a log's origin; `secret` goes to a private store. */
export async function generateNoteSigner(
  name: string,
): Promise<{ signer: NoteSigner; secret: string }> {
  if (!KEY_NAME.test(name)) throw invalidKey(`${quote(name)} may not have spaces or "+"`)
  const seed = crypto.getRandomValues(new Uint8Array(32))
  const signer = await signerOf(name, seed)
  const material = encodeBase64(Uint8Array.from([ED25519, ...seed]))
  return { signer, secret: `${SECRET_MARK}${name}+${toHex(signer.keyId)}+${material}` }
}

/** Reads what `generateNoteSigner` gave as `secret`; no part of it is in an error. @throws KEY_INVALID */
export async function importNoteSigner(secret: string): Promise<NoteSigner> {
  if (!secret.startsWith(SECRET_MARK)) throw invalidKey('this is not a private key for notes')
  const { name, hex, keyBytes } = splitKey(secret.slice(SECRET_MARK.length), 'the private key')
  const signer = await signerOf(name, keyBytes)
  if (toHex(signer.keyId) !== hex)
    throw invalidKey('the private key is altered: its key ID does not match')
  return signer
}

/**
 * Signs a text that ends in a newline, with a line for each key in the order given.
 * @throws ReprefixError CHECKPOINT_INVALID for any other text
 */
export async function signNote(text: string, ...signers: readonly NoteSigner[]): Promise<string> {
  const fault = textFault(text)
  if (fault !== undefined) throw invalidNote(fault)
  const message = new TextEncoder().encode(text)
  const lines = signers.map(async ({ name, keyId, privateKey }) => {
    const signature = await signEd25519(privateKey, message)
    return `— ${name} ${encodeBase64(Uint8Array.from([...keyId, ...signature]))}\n`
  })
  return `${text}\n${(await Promise.all(lines)).join('')}`
}

/**
 * The text of an untrusted note and the known keys that signed it. Unknown signatures are ignored,
 * a wrong signature by a known key refuses the whole note, and so does the lack of any known key.
 * @throws ReprefixError CHECKPOINT_INVALID
 */
export async function openNote(
  note: string,
  verifiers: readonly NoteVerifier[],
): Promise<{ text: string; signers: readonly NoteVerifier[] }> {
  if (note.length > MAX_NOTE_LENGTH) throw invalidNote('it is too long')
  const split = note.lastIndexOf('\n\n')
  if (split < 0 || !note.endsWith('\n')) throw invalidNote('it has no signature')
  const text = note.slice(0, split + 1)
  const fault = textFault(text)
  if (fault !== undefined) throw invalidNote(fault)
  const message = new TextEncoder().encode(text)
  const signers: NoteVerifier[] = []
  for (const line of note.slice(split + 2, -1).split('\n')) {
    const { name, keyId, signature } = parseSignatureLine(line)
    const verifier = verifiers.find((v) => v.name === name && toHex(v.keyId) === keyId)
    if (verifier === undefined || signers.includes(verifier)) continue
    if (!(await verifyEd25519(verifier.key, signature, message))) {
      throw invalidNote(`the signature of ${name} is wrong`)
    }
    signers.push(verifier)
  }
  if (signers.length === 0) throw invalidNote('it is not signed by a key that is trusted here')
  return { text, signers }
}

function parseSignatureLine(line: string) {
  const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? []
  if (!KEY_NAME.test(name)) throw invalidNote('a signature line is malformed')
  try {
    const bytes = decodeBase64(encoded)
    if (bytes.length > KEY_ID_BYTES) {
      return {
        name,
        keyId: toHex(bytes.slice(0, KEY_ID_BYTES)),
        signature: bytes.slice(KEY_ID_BYTES),
      }
    }
  } catch (cause) {
    throw invalidNote('a signature line is malformed', cause)
  }
  throw invalidNote('a signature line is malformed')
}

function textFault(text: string): string | undefined {
  if (!text.endsWith('\n')) return 'its text does not end in a newline'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: signed-note forbids exactly these
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) return 'it has control characters'
  return /\p{Surrogate}/u.test(text) ? 'it is not valid UTF-8' : undefined
}

function splitKey(text: string, what: string) {
  const [, name = '', hex = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? []
  if (!KEY_NAME.test(name)) throw invalidKey(`${what} is not of the form name+id+key`)
  const bytes = decodeKey(encoded, what)
  if (bytes[0] !== ED25519) throw invalidKey(`${what} is not an Ed25519 key`)
  return { name, hex, keyBytes: bytes.slice(1) }
}

function decodeKey(encoded: string, what: string): Uint8Array {
  try {
    return decodeBase64(encoded)
  } catch (cause) {
    throw new ReprefixError('KEY_INVALID', `${what} is cut off or altered`, { cause })
  }
}

async function signerOf(name: string, seed: Uint8Array): Promise<NoteSigner> {
  const { privateKey, publicKey } = await importSeed(seed)
  const keyId = await computeKeyId(name, publicKey)
  const material = encodeBase64(Uint8Array.from([ED25519, ...publicKey]))
  return { name, keyId, vkey: `${name}+${toHex(keyId)}+${material}`, privateKey }
}

async function computeKeyId(name: string, publicKey: Uint8Array): Promise<Uint8Array> {
  const prefix = new TextEncoder().encode(`${name}\n`)
  return (await sha256(Uint8Array.from([...prefix, ED25519, ...publicKey]))).slice(0, KEY_ID_BYTES)
}

function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function invalidKey(reason: string): ReprefixError {
  return new ReprefixError('KEY_INVALID', reason)
}

function invalidNote(reason: string, cause?: unknown): ReprefixError {
  return new ReprefixError('CHECKPOINT_INVALID', `invalid signed note: ${reason}`, { cause })
}
