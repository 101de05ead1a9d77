import { nodeSha256 } from '../../../cloud/log/node-sha256.ts'
import type { LogRow, Repository } from '../../../cloud/ports.ts'
import type { SqlPort } from '../../../cloud/store/sql-port.ts'
import { insertRow } from '../../../cloud/store/sql-writes.ts'
import { renderEntry } from '../../../shared/entry.ts'
import { appendLeaf, leafHash } from '../../../shared/merkle.ts'

const ROWS_PER_BATCH = 2000

/** Lengthens a log to `size` entries, each as an append would have made it, thousands a commit. */
export async function lengthenLog(
  port: SqlPort,
  repository: Pick<Repository, 'lastRow'>,
  size: number,
  onProgress: (entries: number) => void = () => {},
): Promise<void> {
  const last = await repository.lastRow()
  let frontier = last?.frontier ?? []
  let index = last === undefined ? 0 : last.index + 1
  while (index < size) {
    const inserts: ReturnType<typeof insertRow>[] = []
    for (; index < size && inserts.length < ROWS_PER_BATCH; index++) {
      const row = await rowAt(index, frontier)
      frontier = row.frontier
      inserts.push(insertRow(row, { at: AT, kind: 'policy', host: 'home' }))
    }
    await port.batch(inserts)
    onProgress(index)
  }
}

const AT = '2026-03-01T12:00:00.000Z'

async function rowAt(index: number, frontier: readonly Uint8Array[]): Promise<LogRow> {
  const policy = { names: ['www.example.org'], prefixes: ['2001:db8::/32'], index }
  const entry = renderEntry({ v: 1, kind: 'policy', at: AT, host: 'home', policy })
  const leaf = await leafHash(new TextEncoder().encode(entry), nodeSha256)
  return { index, entry, ...(await appendLeaf(frontier, index, leaf, nodeSha256)) }
}
