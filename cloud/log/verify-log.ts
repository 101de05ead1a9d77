import { type Checkpoint, openCheckpoint, parseVkey } from '../../shared/checkpoint.ts'
import { messageOf } from '../../shared/errors.ts'
import {
  appendLeaf,
  EMPTY_ROOT,
  leafHash,
  rootOf,
  type Sha256,
  type TreeRow,
} from '../../shared/merkle.ts'
import { equalBytes } from '../../shared/merkle-verify.ts'
import { createEntryChecker, type EntryChecker } from './check-entry.ts'
import { type ExportLine, treeDigest } from './export-line.ts'
import { type ReadLine, readAhead } from './read-ahead.ts'
import { createRootHistory } from './root-history.ts'

/** One thing that is wrong; `index` is the entry's, or null for the export as a whole. */
export interface Finding {
  readonly index: number | null
  readonly message: string
}

/** The verdict over a log. */
export interface Verification {
  readonly ok: boolean
  readonly entries: number
  readonly findings: readonly Finding[]
  /** Findings beyond those listed. */
  readonly more: number
  /** Witness claims in reports that were compared with the tree. */
  readonly witnessed: number
  /** The first that was pinned, or else the one that genesis names. */
  readonly vkey: string | null
  /** True when the key came from the log itself: then a whole other log would pass too. */
  readonly isKeyFromLog: boolean
}

/** What a verification may be told. */
export interface VerifyOptions {
  /** The log's public keys as they were pinned; without any the one that genesis names is taken. */
  readonly vkeys?: readonly string[]
  readonly onProgress?: (entries: number) => void
  /** The runtime's fastest; Web Crypto unless given. */
  readonly sha256?: Sha256
}

const MAX_FINDINGS = 100

const DAMAGES = {
  entry: 'this is not the entry that was logged: its hash differs',
  leaf: 'the hash that the log keeps of it is another',
  tree: 'the hashes of the tree that the log keeps with it do not follow from the entries',
} as const
type Damage = keyof typeof DAMAGES
type EntryLine = Extract<ExportLine, { kind: 'entry' }>

/**
 * Verifies an untrusted export, line by line: every leaf, the root and its signature, every report's
 * signature by the key enrolled at that point, the order of things, and what witnesses saw. Needs
 * nothing but the export and the log's public key.
 */
export async function verifyLog(
  lines: AsyncIterable<string> | Iterable<string>,
  { vkeys = [], onProgress, sha256 }: VerifyOptions,
): Promise<Verification> {
  const findings: Finding[] = []
  let more = 0
  const find = (index: number | null, message: string): void => {
    if (findings.length < MAX_FINDINGS) findings.push({ index, message })
    else more++
  }
  const roots = createRootHistory(EMPTY_ROOT)
  let frontier: readonly Uint8Array[] = []
  let checker: EntryChecker | undefined
  /** The key that the log was begun with, as it says itself. */
  let first: string | null = null
  let entries = 0
  let isTreeWhole = true
  let isMisplaced = false
  let note: string | undefined

  async function take(line: Extract<ReadLine, { kind: 'entry' }>): Promise<void> {
    if (line.index !== entries) {
      find(line.index, `entry ${entries} was expected here: entries are missing, doubled or moved`)
      isTreeWhole = false
    }
    const { row, damage } = await placeLine(line, frontier, entries, sha256)
    frontier = row.frontier
    entries++
    roots.push(await rootOf(frontier, sha256))
    // Behind a place where entries were taken out or put in, every row is wrong: that is said once.
    const isSaid = damage === 'tree' && (isMisplaced || !isTreeWhole)
    if (damage !== undefined && !isSaid) find(line.index, DAMAGES[damage])
    isMisplaced = damage === 'tree'
    if (damage !== 'entry') await judge(line)
  }

  async function judge({ index, content, check }: Extract<ReadLine, { kind: 'entry' }>) {
    try {
      if ('error' in content) throw content.error
      const entry = content
      if (index === 0 && entry.kind === 'genesis') first = entry.vkey
      checker ??= createEntryChecker(roots.matches, sha256)
      for (const fault of await checker.check(index, entry, check)) find(index, fault)
    } catch (error) {
      find(index, messageOf(error))
    }
  }

  for await (const line of readAhead(lines, (entry) => checker?.begin(entry))) {
    if (line.kind === 'fault') {
      find(entries, messageOf(line.error))
      isTreeWhole = false
    } else if (note !== undefined) find(null, 'there are lines after the checkpoint')
    else if (line.kind === 'checkpoint') note = line.checkpoint
    else await take(line)
    if (entries % 1000 === 0) onProgress?.(entries)
  }
  onProgress?.(entries)
  const isKeyFromLog = vkeys.length === 0
  const trusted = isKeyFromLog && first !== null ? [first] : vkeys
  if (first !== null && !(await isBegunBy(first, trusted, note))) {
    findings.unshift({ index: 0, message: `the log was begun with the key ${first}` })
  }
  const verdict = await judgeCheckpoint(note, trusted, entries)
  if (typeof verdict === 'string') find(null, verdict)
  else if (isTreeWhole && !equalBytes(await rootOf(frontier), verdict.root)) {
    const first = checker?.vouched() ?? 0
    find(
      null,
      `the entries do not give the signed root: one was altered, added or taken out; hosts vouch for those before entry ${first}`,
    )
  }
  return {
    ok: findings.length === 0,
    entries,
    findings,
    more,
    witnessed: checker?.witnessed() ?? 0,
    vkey: trusted[0] ?? null,
    isKeyFromLog,
  }
}

/**
 * The row of the tree that a line stands for, and what of the line is damaged. The tree is built from
 * what was logged, so that one damaged entry does not hide the others: of an entry and its hash, from
 * the one that the hashes of the tree agree with.
 */
async function placeLine(
  { entry, leaf, tree }: EntryLine,
  frontier: readonly Uint8Array[],
  index: number,
  sha256: Sha256 | undefined,
): Promise<{ readonly row: TreeRow; readonly damage: Damage | undefined }> {
  const computed = await leafHash(new TextEncoder().encode(entry), sha256)
  const row = await appendLeaf(frontier, index, computed, sha256)
  const belongs = tree === undefined ? undefined : equalBytes(await treeDigest(row, sha256), tree)
  if (leaf === undefined || equalBytes(computed, leaf)) {
    return { row, damage: belongs === false ? 'tree' : undefined }
  }
  if (belongs === true) return { row, damage: 'leaf' }
  return { row: await appendLeaf(frontier, index, leaf, sha256), damage: 'entry' }
}

async function judgeCheckpoint(
  note: string | undefined,
  vkeys: readonly string[],
  entries: number,
): Promise<Checkpoint | string> {
  if (note === undefined) return 'there is no checkpoint at the end: the export was cut off'
  if (vkeys.length === 0)
    return 'no key is known for this log: it has no genesis entry, and none was given'
  try {
    const checkpoint = await openCheckpoint(note, await Promise.all(vkeys.map(parseVkey)))
    if (checkpoint.size === entries) return checkpoint
    return `the checkpoint is over ${checkpoint.size} entries, but there are ${entries}`
  } catch (error) {
    return messageOf(error)
  }
}

/**
 * Whether the log that names this key as its first is the one that was pinned: by that key, or by a later
 * one, whose signature then stands beside that of the first.
 */
async function isBegunBy(
  first: string,
  pinned: readonly string[],
  note: string | undefined,
): Promise<boolean> {
  if (pinned.includes(first)) return true
  return (await isSignedBy([first], note)) && (await isSignedBy(pinned, note))
}

async function isSignedBy(vkeys: readonly string[], note = ''): Promise<boolean> {
  try {
    await openCheckpoint(note, await Promise.all(vkeys.map(parseVkey)))
    return true
  } catch {
    return false
  }
}
