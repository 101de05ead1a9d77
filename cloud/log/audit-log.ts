import { encodeBase64 } from '../../shared/base64.ts'
import { type Checkpoint, type NoteSigner, signCheckpoint } from '../../shared/checkpoint.ts'
import { renderEntry } from '../../shared/entry.ts'
import { ReprefixError } from '../../shared/errors.ts'
import {
  appendLeaf,
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  rootOf,
  type Sha256,
} from '../../shared/merkle.ts'
import { renderTlogProof } from '../../shared/tlog-proof.ts'
import type { Appended, AuditLog, Draft, LogRow, Repository } from '../ports.ts'
import { createLastRowChecker } from './check-last-row.ts'
import { gatherRows, readNodes } from './read-nodes.ts'

/** What the log is built from. */
export interface AuditLogDeps {
  readonly repository: Repository
  /** Its name is the log's origin line. */
  readonly signer: NoteSigner
  readonly sleep: (ms: number) => Promise<void>
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** The runtime's fastest; Web Crypto unless given. */
  readonly sha256?: Sha256
}

/** Other processes may win this often before an append gives up. */
const MAX_ATTEMPTS = 40
const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 200

/**
 * The audit log over a repository. Row n is written only if there is none yet, and holds every tree
 * hash that its leaf completes, so two writers can never make a gap, a double or half a tree.
 */
export function createAuditLog(deps: AuditLogDeps): AuditLog {
  const { repository, signer, sha256 } = deps
  const lastRow = createLastRowChecker(repository, sha256)
  // Appends of one process queue up instead of racing each other for the same index.
  let tail: Promise<unknown> = Promise.resolve()

  async function appendNow(draft: (index: number) => Promise<Draft | null>) {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const last = await repository.lastRow()
      const index = last === undefined ? 0 : last.index + 1
      const drafted = await draft(index)
      if (drafted === null) return null
      await lastRow.check(last)
      const row = await rowFor(drafted, index, last, sha256)
      if ((await repository.commit([row], drafted.writes)) === 'committed') {
        lastRow.trust(row)
        return { index, entry: row.entry }
      }
      // Full jitter: writers that met once must not meet again.
      await deps.sleep(deps.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt))
    }
    throw new ReprefixError(
      'LOG_CONTENDED',
      `could not append to the log in ${MAX_ATTEMPTS} attempts, others were always first; ` +
        'nothing was changed, try again',
    )
  }

  async function sign(checkpoint: Omit<Checkpoint, 'origin'>): Promise<string> {
    return signCheckpoint({ origin: signer.name, ...checkpoint }, signer)
  }

  return {
    append(draft) {
      const done: Promise<Appended | null> = tail.then(() => appendNow(draft))
      tail = done.catch(() => undefined)
      return done
    },

    async receipt(index, witnessSize) {
      const size = index + 1
      const gathered = gatherRows(repository)
      const read = readNodes(gathered)
      // A witness that saw more than there is gets no proof: there is none, and it must notice.
      const provable = witnessSize > 0 && witnessSize <= size
      const [[row], hashes, consistency] = await Promise.all([
        gathered.rows([index]),
        inclusionProof(index, size, read, sha256),
        provable ? consistencyProof(witnessSize, size, read, sha256) : [],
      ])
      if (row === undefined) throw new ReprefixError('LOG_MISSING_ROW', `no row ${index}`)
      const checkpoint = await sign({ size, root: await rootOf(row.frontier, sha256) })
      return {
        entry: row.entry,
        proof: renderTlogProof({ index, hashes, checkpoint }),
        consistency: consistency.map(encodeBase64),
      }
    },

    async checkpoint() {
      const last = await repository.lastRow()
      if (last === undefined) return sign({ size: 0, root: EMPTY_ROOT })
      return sign({ size: last.index + 1, root: await rootOf(last.frontier, sha256) })
    },
  }
}

async function rowFor(
  draft: Draft,
  index: number,
  last: LogRow | undefined,
  sha256: Sha256 | undefined,
): Promise<LogRow> {
  const entry = renderEntry(draft.entry)
  const leaf = await leafHash(new TextEncoder().encode(entry), sha256)
  const { nodes, frontier } = await appendLeaf(last?.frontier ?? [], index, leaf, sha256)
  return { index, entry, leaf, nodes, frontier }
}
