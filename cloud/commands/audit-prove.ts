import { encodeBase64 } from '../../shared/base64.ts'
import { type NoteVerifier, openCheckpoint, parseVkey } from '../../shared/checkpoint.ts'
import { type LogEntry, parseEntry } from '../../shared/entry.ts'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { writeFileAtomic } from '../../shared/files.ts'
import { leafHash, verifyInclusion } from '../../shared/merkle.ts'
import { parseTlogProof } from '../../shared/tlog-proof.ts'
import { type ExportedProof, proveInExport } from '../log/prove-export.ts'
import { type AdminClient, type AdminOptions, createAdminClient } from './admin-client.ts'
import { readEntries, readFileLines } from './audit-source.ts'
import { summaryOf } from './entry-text.ts'
import type { Terminal } from './terminal.ts'

/** What `audit prove` takes. */
export interface ProveOptions extends AdminOptions {
  readonly file?: string
  /** The log's keys as they were pinned. */
  readonly key?: readonly string[]
  readonly out?: string
  readonly json?: boolean
}

/** An entry with the proof that the log holds it, verified. */
interface ProvenEntry {
  readonly index: number
  /** The entry's exact text: its UTF-8 bytes are the leaf. */
  readonly text: string
  readonly entry: LogEntry
  /** C2SP tlog-proof. */
  readonly proof: string
  readonly size: number
  readonly root: string
  /** The first of the keys that were believed. */
  readonly vkey: string
}

/**
 * Prints the proof that the log holds an entry (C2SP tlog-proof), under a checkpoint of the whole log.
 * It is verified first: a proof that does not hold is never printed nor written.
 */
export async function prove(index: string, options: ProveOptions, terminal: Terminal) {
  if (!/^\d{1,15}$/.test(index)) {
    throw new ReprefixError('USAGE', `an entry has a number from 0, not ${index}`)
  }
  const found = await find(Number(index), options)
  const { key: pinned = [] } = options
  const isKeyFromLog = pinned.length === 0
  const vkeys = isKeyFromLog ? [keyIn(found.genesis)] : pinned
  const proven = await verify(Number(index), found, vkeys)
  if (options.out !== undefined) {
    await writeFileAtomic(options.out, new TextEncoder().encode(proven.proof))
  }
  if (options.json === true) {
    const { entry: _, text, ...rest } = proven
    terminal.out(JSON.stringify({ kind: 'proof', ...rest, entry: text, isKeyFromLog }))
    return
  }
  if (options.out === undefined) terminal.out(proven.proof.trimEnd())
  // Apart from the proof, which goes on to others.
  terminal.err(
    `entry ${proven.index} (${proven.entry.kind}, ${proven.entry.at}: ${summaryOf(proven.entry)}) is in the log of ${proven.size} entries`,
  )
  if (isKeyFromLog) {
    terminal.err(
      `The key was taken from the log itself; give the one that your hosts pinned: --key ${proven.vkey}`,
    )
  }
}

/** The entry and its proof, as an export or the cloud has them; and genesis, for its key. */
async function find(index: number, options: ProveOptions): Promise<ExportedProof> {
  if (options.file !== undefined) return proveInExport(readFileLines(options.file), index)
  const client = createAdminClient(options)
  // A key that is wrong is told before anything is asked.
  await parseKeys(options.key ?? [])
  const text = await fetchEntry(client, index)
  const genesis = options.key === undefined ? await fetchEntry(client, 0) : ''
  return { genesis, text, proof: await client.text(`/v1/log/proof?index=${index}`) }
}

async function verify(
  index: number,
  { text, proof }: ExportedProof,
  vkeys: readonly string[],
): Promise<ProvenEntry> {
  const verifiers = await parseKeys(vkeys)
  try {
    const { index: proved, hashes, checkpoint: note } = parseTlogProof(proof)
    const { size, root } = await openCheckpoint(note, verifiers)
    const leaf = await leafHash(new TextEncoder().encode(text))
    const claim = { leaf, index, size, root, proof: hashes }
    if (proved === index && (await verifyInclusion(claim))) {
      const entry = parseEntry(text)
      const vkey = vkeys[0] ?? ''
      return { index, text, entry, proof, size, root: encodeBase64(root), vkey }
    }
  } catch (cause) {
    throw unproven(index, messageOf(cause), cause)
  }
  throw unproven(index, 'the proof does not lead from the entry to the signed root')
}

async function fetchEntry(client: AdminClient, index: number): Promise<string> {
  const page = await client.text(`/v1/log/entries?start=${index}&limit=1`)
  for await (const line of readEntries(page.split('\n').filter((text) => text !== ''))) {
    if (line.index === index) return line.entry
  }
  throw new ReprefixError(
    'CLOUD_REFUSED',
    `the log has no entry ${index}; see "reprefix audit log"`,
  )
}

function keyIn(text: string): string {
  const genesis = parseEntry(text)
  if (genesis.kind === 'genesis') return genesis.vkey
  throw new ReprefixError('PROOF_INVALID', 'the log does not begin with its key: give --key')
}

/** Keys as they were given with `--key`. @throws ReprefixError USAGE */
export async function parseKeys(vkeys: readonly string[]): Promise<readonly NoteVerifier[]> {
  try {
    return await Promise.all(vkeys.map(parseVkey))
  } catch (cause) {
    throw new ReprefixError('USAGE', `--key: ${messageOf(cause)}`, { cause })
  }
}

function unproven(index: number, reason: string, cause?: unknown): ReprefixError {
  return new ReprefixError(
    'PROOF_INVALID',
    `entry ${index} is not proved: ${reason}; nothing was written, see "reprefix audit verify"`,
    { cause },
  )
}
