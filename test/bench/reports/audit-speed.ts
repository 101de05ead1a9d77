import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { compactVerify } from 'jose'
import { readFileLines } from '../../../cloud/commands/audit-source.ts'
import { renderCheckpointLine, renderEntryLine } from '../../../cloud/log/export-line.ts'
import { nodeSha256 } from '../../../cloud/log/node-sha256.ts'
import { type Verification, verifyLog } from '../../../cloud/log/verify-log.ts'
import type { Repository } from '../../../cloud/ports.ts'
import type { CryptoKey } from '../../../shared/ed25519.ts'
import { parseEntry } from '../../../shared/entry.ts'
import { ReprefixError } from '../../../shared/errors.ts'

const PAGE = 500
const TURNS = 5
const MIB = 2 ** 20

/** One verification of an export, as `audit verify --file` does it. */
export interface AuditRun {
  readonly entries: number
  readonly seconds: number
  /** Resident memory of the process, MiB. */
  readonly startMiB: number
  readonly endMiB: number
  readonly peakMiB: number
}

/** An export with signed reports in it, beside the bare verification of their signatures. */
export interface SignedAudit extends AuditRun {
  readonly reports: number
  readonly bareSeconds: number
}

/** Writes the export of a log, as `audit export` does. */
export async function writeExport(
  repository: Repository,
  checkpoint: string,
  path: string,
): Promise<void> {
  const file = createWriteStream(path)
  for (let start = 0; ; ) {
    const rows = await repository.range(start, PAGE)
    if (rows.length === 0) break
    start += rows.length
    const lines = await Promise.all(rows.map(renderEntryLine))
    if (!file.write(lines.join(''))) await once(file, 'drain')
  }
  file.end(renderCheckpointLine(checkpoint))
  await once(file, 'finish')
}

/** Verifies an export and watches memory. @throws ReprefixError LAB_FAILED when anything is wrong */
export async function measureAudit(path: string, vkey: string): Promise<AuditRun> {
  const rss = () => process.memoryUsage.rss() / MIB
  const startMiB = rss()
  let peakMiB = startMiB
  const startedAt = performance.now()
  const verdict = await verifyLog(readFileLines(path), {
    vkeys: [vkey],
    sha256: nodeSha256,
    onProgress: () => {
      peakMiB = Math.max(peakMiB, rss())
    },
  })
  const seconds = (performance.now() - startedAt) / 1000
  expectIntact(verdict)
  const endMiB = rss()
  return { entries: verdict.entries, seconds, startMiB, endMiB, peakMiB: Math.max(peakMiB, endMiB) }
}

/** Verifies an export of one cloud's reports, and their signatures alone with the same keys. */
export async function measureSignedAudit(
  path: string,
  vkey: string,
  keys: ReadonlyMap<string, CryptoKey>,
): Promise<SignedAudit> {
  const signed: { readonly jws: string; readonly key: CryptoKey }[] = []
  for await (const line of readFileLines(path)) {
    const { entry } = JSON.parse(line) as { readonly entry?: string }
    const parsed = entry === undefined ? undefined : parseEntry(entry)
    const key = parsed?.kind === 'report' ? keys.get(parsed.kid) : undefined
    if (parsed?.kind === 'report' && key !== undefined) signed.push({ jws: parsed.jws, key })
  }
  const runs: SignedAudit[] = []
  for (let turn = 0; turn <= TURNS; turn++) {
    const startedAt = performance.now()
    for (const { jws, key } of signed) await compactVerify(jws, key, { algorithms: ['Ed25519'] })
    const bareSeconds = (performance.now() - startedAt) / 1000
    const run = await measureAudit(path, vkey)
    if (turn > 0) runs.push({ ...run, reports: signed.length, bareSeconds })
  }
  // The turn in the middle by its ratio: what else the machine did meets both sides of it.
  const times = ({ seconds, bareSeconds }: SignedAudit) => seconds / bareSeconds
  const middle = runs.sort((a, b) => times(a) - times(b))[Math.floor(runs.length / 2)]
  if (middle === undefined) throw new RangeError('no turns')
  return middle
}

function expectIntact({ ok, findings }: Verification): void {
  if (ok) return
  const [first] = findings
  const text = `entry ${first?.index ?? '-'}: ${first?.message ?? ''}`
  throw new ReprefixError('LAB_FAILED', `the log of the bench is not intact: ${text}`)
}
