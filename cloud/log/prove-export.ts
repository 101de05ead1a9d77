import { ReprefixError } from '../../shared/errors.ts'
import { appendLeaf, inclusionProof, leafHash, type NodePosition } from '../../shared/merkle.ts'
import { renderTlogProof } from '../../shared/tlog-proof.ts'
import { parseExportLine } from './export-line.ts'

/** An entry of an export with its proof; nothing of it is verified. */
export interface ExportedProof {
  /** The text of the first entry. */
  readonly genesis: string
  readonly text: string
  /** C2SP tlog-proof under the checkpoint at the end of the export. */
  readonly proof: string
}

/**
 * Makes the proof of an entry from an untrusted export, in one pass: of all hashes of the tree only
 * those are kept that lie beside the way from the entry to the root.
 * @throws ReprefixError PROOF_INVALID where the export does not have the entry, or no checkpoint
 */
export async function proveInExport(
  lines: AsyncIterable<string> | Iterable<string>,
  index: number,
): Promise<ExportedProof> {
  const beside = new Map<string, Uint8Array>()
  const keep = ({ level, index }: NodePosition, hash: Uint8Array) =>
    beside.set(`${level}/${index}`, hash)
  let frontier: readonly Uint8Array[] = []
  let [size, genesis, text, checkpoint]: [number, string, string?, string?] = [0, '']
  for await (const each of lines) {
    if (each === '') continue
    const line = parseExportLine(each)
    if (line.kind === 'checkpoint') {
      checkpoint = line.checkpoint
      continue
    }
    if (size === 0) genesis = line.entry
    if (size === index) text = line.entry
    const row = await appendLeaf(
      frontier,
      size,
      await leafHash(new TextEncoder().encode(line.entry)),
    )
    frontier = row.frontier
    size++
    row.nodes.forEach((hash, level) => {
      const place = { level, index: size / 2 ** level - 1 }
      if (place.index === siblingOf(index, level)) keep(place, hash)
    })
  }
  if (text === undefined) throw missing(`it has no entry ${index}`)
  if (checkpoint === undefined) throw missing('it has no checkpoint at its end')
  for (const [i, place] of perfectSubtrees(size).entries()) {
    keep(place, frontier[i] ?? new Uint8Array())
  }
  const read = async (wanted: readonly NodePosition[]) =>
    wanted.map(({ level, index }) => beside.get(`${level}/${index}`) ?? new Uint8Array())
  const hashes = await inclusionProof(index, size, read)
  return { genesis, text, proof: renderTlogProof({ index, hashes, checkpoint }) }
}

/** The other half of the subtree above that the entry's own subtree of this level is one half of. */
function siblingOf(index: number, level: number): number {
  const own = Math.floor(index / 2 ** level)
  return own % 2 === 0 ? own + 1 : own - 1
}

/** What the right edge of a tree consists of, largest first. */
function perfectSubtrees(size: number): NodePosition[] {
  const places: NodePosition[] = []
  for (let start = 0; start < size; ) {
    const level = Math.floor(Math.log2(size - start))
    places.push({ level, index: start / 2 ** level })
    start += 2 ** level
  }
  return places
}

function missing(reason: string): ReprefixError {
  return new ReprefixError('PROOF_INVALID', `the export proves nothing: ${reason}`)
}
