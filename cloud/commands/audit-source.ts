import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { ReprefixError } from '../../shared/errors.ts'
import { readFault } from '../../shared/files.ts'
import { parseExportLine, renderCheckpointLine } from '../log/export-line.ts'
import type { AdminClient } from './admin-client.ts'

const PAGE = 500

/** The lines of an export, straight from a cloud: its entries as of now, then their checkpoint. */
export async function* readCloudLines(client: AdminClient): AsyncGenerator<string> {
  const checkpoint = await client.text('/v1/log/checkpoint')
  const size = sizeOf(checkpoint)
  for (let start = 0; start < size; ) {
    const limit = Math.min(PAGE, size - start)
    const page = await client.text(`/v1/log/entries?start=${start}&limit=${limit}`)
    const lines = page.split('\n').filter((line) => line !== '')
    if (lines.length === 0) break
    yield* lines
    start += lines.length
  }
  yield renderCheckpointLine(checkpoint).trimEnd()
}

/** The lines of an export file; `-` is standard input. */
export async function* readFileLines(path: string): AsyncGenerator<string> {
  const input = path === '-' ? process.stdin : createReadStream(path)
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  } catch (cause) {
    throw readFault(path, cause)
  }
}

/** The entries among the lines of an export. */
export async function* readEntries(
  lines: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<{ readonly index: number; readonly entry: string }> {
  for await (const text of lines) {
    const line = parseExportLine(text)
    if (line.kind === 'entry') yield line
  }
}

/** The second line of an unverified checkpoint: only how much to ask for depends on it. */
function sizeOf(checkpoint: string): number {
  const line = checkpoint.split('\n')[1] ?? ''
  if (/^\d{1,15}$/.test(line)) return Number(line)
  throw new ReprefixError('CHECKPOINT_INVALID', 'the cloud gave a checkpoint without a size')
}
