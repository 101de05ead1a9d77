import { decodeBase64, decodeBase64url, encodeBase64 } from '../../shared/base64.ts'
import { signNote } from '../../shared/signed-note.ts'
import { parseTlogProof } from '../../shared/tlog-proof.ts'
import { toHex } from '../unit/shared/hex.ts'
import type { SmallLog } from './make-log.ts'
import type { ReceiptVectors } from './shapes.ts'
import { noteSignerOf } from './signing.ts'

type Answer = Readonly<Record<string, unknown>>
type ReportReceipt = ReceiptVectors['reports'][number]

/** receipts.json: what a cloud answered, and answers that an agent must not believe. */
export async function makeReceipts(log: SmallLog): Promise<ReceiptVectors> {
  const { vkey, reports, enrolments, rotation } = log
  const good: ReportReceipt[] = reports.map(({ name, jws, receipt }) => ({
    name: `ok/${name}`,
    jws,
    witness: witnessOf(jws),
    receipt,
    verdict: 'ok',
    ...provenBy(receipt),
  }))
  const [first, second] = good
  if (first === undefined || second === undefined) throw new Error('there are too few receipts')
  return {
    vkey,
    reports: [...good, ...(await tolerated(second)), ...refused(first, second)],
    enrolments: enrolled(enrolments),
    rotations: rotated(rotation),
  }
}

/** Members may be added to an answer later; an agent that has seen nothing yet proves nothing older. */
async function tolerated(second: ReportReceipt): Promise<ReportReceipt[]> {
  const receipt = second.receipt as Answer
  const proof = String(receipt.proof)
  const { checkpoint } = parseTlogProof(proof)
  const text = checkpoint.slice(0, checkpoint.lastIndexOf('\n\n') + 1)
  const { signer } = await noteSignerOf('cloud.example.org', 'second key of the log')
  const signed = await signNote(text, signer)
  const line = signed.slice(signed.lastIndexOf('\n\n') + 2)
  return [
    { ...second, name: 'ok/unknown-members', receipt: { ...receipt, more: { x: 1 } } },
    { ...second, name: 'ok/signed-by-two-keys', receipt: { ...receipt, proof: proof + line } },
  ]
}

function refused(first: ReportReceipt, second: ReportReceipt): ReportReceipt[] {
  const receipt = second.receipt as Answer
  const entry = String(receipt.entry)
  const proof = String(receipt.proof)
  const consistency = receipt.consistency as readonly string[]
  const { outcomes } = receipt.result as { outcomes: readonly Answer[] }
  const other = encodeBase64(new Uint8Array(32))
  const changed: readonly (readonly [string, Partial<ReportReceipt>])[] = [
    ['of-another-report', { jws: first.jws }],
    ['of-an-earlier-report', { receipt: first.receipt }],
    ['entry-altered', { receipt: { ...receipt, entry: entry.replace('updated', 'created') } }],
    ['entry-with-white-space', { receipt: { ...receipt, entry: entry.replace('{', '{ ') } }],
    [
      'entry-with-other-result',
      { receipt: { ...receipt, result: { outcomes: outcomes.slice(1) } } },
    ],
    [
      'entry-of-another-kind',
      { receipt: { ...receipt, entry: entry.replace('"applied"', '"report"') } },
    ],
    ['no-result', { receipt: { entry, proof, consistency } }],
    ['no-proof', { receipt: { ...receipt, proof: undefined } }],
    ['proof-empty', { receipt: { ...receipt, proof: '' } }],
    [
      'proof-of-another-index',
      { receipt: { ...receipt, proof: proof.replace(/index \d+/, 'index 0') } },
    ],
    [
      'proof-hash-left-out',
      { receipt: { ...receipt, proof: proof.replace(/(index \d+\n)[^\n]+\n/, '$1') } },
    ],
    [
      'checkpoint-of-another-size',
      { receipt: { ...receipt, proof: proof.replace(/(example\.org\n)\d+/, '$199') } },
    ],
    [
      'checkpoint-signature-altered',
      { receipt: { ...receipt, proof: proof.replace(/.{8}\n$/, 'AAAAAAA=\n') } },
    ],
    ['consistency-empty', { receipt: { ...receipt, consistency: [] } }],
    [
      'consistency-hash-altered',
      { receipt: { ...receipt, consistency: consistency.with(0, other) } },
    ],
    [
      'consistency-hash-not-base64',
      { receipt: { ...receipt, consistency: consistency.with(0, 'x') } },
    ],
    ['consistency-of-65-hashes', { receipt: { ...receipt, consistency: Array(65).fill(other) } }],
    ['witness-saw-another-log', { witness: { ...second.witness, rootHex: '00'.repeat(32) } }],
    ['witness-saw-more', { witness: { ...second.witness, size: 99 } }],
    ['list', { receipt: [receipt] }],
    ['null', { receipt: null }],
  ]
  return changed.map(([name, members]) => {
    const { name: _, index: __, size: ___, rootHex: ____, ...base } = second
    return { ...base, ...members, name: `refused/${name}`, verdict: 'RECEIPT_INVALID' }
  })
}

function enrolled(list: SmallLog['enrolments']): ReceiptVectors['enrolments'] {
  const good = list.map(({ name, kid, receipt }) => ({
    name: `ok/${name}`,
    kid,
    receipt,
    verdict: 'ok' as const,
    index: provenBy(receipt).index,
  }))
  const [home, office] = good
  if (home === undefined || office === undefined) throw new Error('there are too few enrolments')
  const bad = (name: string, receipt: Answer, kid = home.kid) =>
    ({ name: `refused/${name}`, kid, receipt, verdict: 'RECEIPT_INVALID' }) as const
  const result = home.receipt.result as Answer
  return [
    ...good,
    bad('of-another-key', home.receipt, office.kid),
    bad('of-another-host', office.receipt),
    bad('host-altered', { ...home.receipt, result: { ...result, host: 'office' } }),
    bad('no-names', { ...home.receipt, result: { host: 'home' } }),
    bad('entry-altered', {
      ...home.receipt,
      entry: String(home.receipt.entry).replace('T12:00', 'T12:01'),
    }),
  ]
}

function rotated({ jws, receipt }: SmallLog['rotation']): ReceiptVectors['rotations'] {
  const entry = JSON.parse(String(receipt.entry)) as { kid: string; successor: string }
  const { kid, successor } = entry
  const outer = new TextDecoder().decode(decodeBase64url(jws.split('.')[1] ?? ''))
  const good = {
    name: 'ok/home',
    host: 'home',
    kid,
    successor,
    witness: witnessOf(outer),
    receipt,
    verdict: 'ok',
    index: provenBy(receipt).index,
  } as const
  const { index: _, ...base } = good
  const bad = (name: string, members: object) =>
    ({ ...base, verdict: 'RECEIPT_INVALID', ...members, name: `refused/${name}` }) as const
  return [
    good,
    bad('of-another-host', { host: 'office' }),
    bad('of-another-key', { kid: successor }),
    bad('to-another-successor', { successor: kid }),
    bad('consistency-empty', { receipt: { ...receipt, consistency: [] } }),
    bad('witness-saw-another-log', { witness: { ...good.witness, rootHex: '00'.repeat(32) } }),
    bad('entry-altered', {
      receipt: { ...receipt, entry: String(receipt.entry).replace('T12:02', 'T12:03') },
    }),
  ]
}

/** The checkpoint that a report names, or a succession. */
function witnessOf(jws: string): ReportReceipt['witness'] {
  const payload = new TextDecoder().decode(decodeBase64url(jws.split('.')[1] ?? ''))
  const { log } = JSON.parse(payload) as { log: { size: number; root: string } }
  return { size: log.size, rootHex: toHex(decodeBase64(log.root)) }
}

function provenBy(receipt: Answer) {
  const { index, checkpoint } = parseTlogProof(String(receipt.proof))
  const [, size, root = ''] = checkpoint.split('\n')
  return { index, size: Number(size), rootHex: toHex(decodeBase64(root)) }
}
