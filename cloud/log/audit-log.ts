import { encodeBase64 } from '../../shared/base64.ts'
import { type Checkpoint, type NoteSigner, signCheckpoint } from '../../shared/checkpoint.ts'
import { parseEntry, renderEntry } from '../../shared/entry.ts'
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
import type { AuditLog, Draft, LogRow, Repository } from '../ports.ts'
import { createAppendQueue } from './append-queue.ts'
import { createLastRowChecker, type LastRowChecker } from './check-last-row.ts'
import { gatherRows, readNodes } from './read-nodes.ts'
import { createRowMemory, type RowMemory } from './row-memory.ts'

/** What the log is built from. */
export interface AuditLogDeps {
  readonly repository: Repository
  /** Its name is the log's origin line. */
  readonly signer: NoteSigner
  /** A second key, whose signature each checkpoint bears too: for those who have pinned it. */
  readonly nextSigner?: NoteSigner | undefined
  readonly sleep: (ms: number) => Promise<void>
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** The runtime's fastest; Web Crypto unless given. */
  readonly sha256?: Sha256 | undefined
  /** Shared by logs over the same repository; of its own unless given. */
  readonly memory?: RowMemory
}

/**
 * The audit log over a repository. Row n is written only if there is none yet, and holds every tree
 * hash that its leaf completes, so two writers can never make a gap, a double or half a tree.
 */
export function createAuditLog(deps: AuditLogDeps): AuditLog {
  const { repository, signer, nextSigner, sha256 } = deps
  const signers = nextSigner === undefined ? [signer] : [signer, nextSigner]
  const memory = deps.memory ?? createRowMemory()
  const checker = createLastRowChecker(repository, sha256)
  const lastRow: LastRowChecker = {
    ...checker,
    trust(row) {
      checker.trust(row)
      memory.learn(row)
    },
  }
  const rowAfter = (last: LogRow | undefined, entry: Draft['entry']) => rowFor(entry, last, sha256)
  const { append, anticipate, quiet } = createAppendQueue({ ...deps, lastRow, rowAfter })

  async function sign(checkpoint: Omit<Checkpoint, 'origin'>): Promise<string> {
    return signCheckpoint({ origin: signer.name, ...checkpoint }, ...signers)
  }

  return {
    append,
    anticipate,
    quiet,

    async receipt(index, witnessSize) {
      const size = index + 1
      const gathered = gatherRows(repository)
      const read = memory.reading(readNodes(gathered))
      const known = memory.row(index)
      // A witness that saw more than there is gets no proof: there is none, and it must notice.
      const provable = witnessSize > 0 && witnessSize <= size
      const [[row], hashes, consistency] = await Promise.all([
        known === undefined ? gathered.rows([index]) : [known],
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

    async prove(index, size) {
      const last = await repository.lastRow()
      const whole = last === undefined ? 0 : last.index + 1
      const upTo = size ?? whole
      if (index >= upTo || upTo > whole) return undefined
      const [end] = await repository.rows([upTo - 1])
      const hashes = await inclusionProof(index, upTo, readNodes(repository))
      const checkpoint = await sign({ size: upTo, root: await rootOf(end?.frontier ?? []) })
      return renderTlogProof({ index, hashes, checkpoint })
    },

    async checkpoint() {
      const last = await repository.lastRow()
      if (last === undefined) return sign({ size: 0, root: EMPTY_ROOT })
      return sign({ size: last.index + 1, root: await rootOf(last.frontier, sha256) })
    },
  }
}

async function rowFor(
  entry: Draft['entry'],
  last: LogRow | undefined,
  sha256: Sha256 | undefined,
): Promise<LogRow> {
  const index = last === undefined ? 0 : last.index + 1
  const text = renderEntry(entry)
  // What is not an entry must not get in: it could never be taken out again.
  parseEntry(text)
  const leaf = await leafHash(new TextEncoder().encode(text), sha256)
  const { nodes, frontier } = await appendLeaf(last?.frontier ?? [], index, leaf, sha256)
  return { index, entry: text, leaf, nodes, frontier }
}
