import { createPublicKey } from 'node:crypto'
import { verifyCheckpoint } from '@sigstore/verify/dist/tlog/checkpoint.js'
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js'
import { describe, expect, it } from 'vitest'
import { decodeBase64, encodeBase64url } from '../../../shared/base64.ts'
import { parseTlogProof } from '../../../shared/tlog-proof.ts'
import { readVectors, readVectorText } from '../../vectors/read.ts'
import type { ProofVectors, ReceiptVectors } from '../../vectors/shapes.ts'
import { fromHex } from '../shared/hex.ts'

type Tlog = Parameters<typeof verifyCheckpoint>[1][number]
type TlogEntry = Parameters<typeof verifyCheckpoint>[0]

const proofs = await readVectors<ProofVectors>('proofs.json')
const receipts = await readVectors<ReceiptVectors>('receipts.json')
const lines = (await readVectorText('export.ndjson')).trimEnd().split('\n')

/** A verifier key as Sigstore's verifier keeps the key of a log. */
function tlogOf(vkey: string): Tlog {
  const [name = '', id = ''] = vkey.split('+')
  const bytes = decodeBase64(vkey.slice(name.length + id.length + 2)).slice(1)
  const key = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(bytes) }
  const validFor = { start: new Date(0), end: new Date(8.64e15) }
  const publicKey = createPublicKey({ key, format: 'jwk' })
  return { baseURL: name, logID: Buffer.from(fromHex(id)), publicKey, validFor }
}

/** The parts of a Rekor entry that the verifier of Sigstore looks at. */
function entryOf(text: string, proof: string): TlogEntry {
  const { index, hashes, checkpoint } = parseTlogProof(proof)
  const inclusionProof = {
    logIndex: `${index}`,
    hashes: hashes.map((hash) => Buffer.from(hash)),
    checkpoint: { envelope: checkpoint },
  }
  return { canonicalizedBody: Buffer.from(text), inclusionProof } as unknown as TlogEntry
}

function isProven(text: string, proof: string, vkey: string): boolean {
  const entry = entryOf(text, proof)
  try {
    verifyMerkleInclusion(entry, verifyCheckpoint(entry, [tlogOf(vkey)]))
    return true
  } catch {
    return false
  }
}

describe("Sigstore's verifier", () => {
  it.each(proofs.vectors)(
    'says of $name what we say: $verdict',
    ({ name, entry, proof, verdict }) => {
      // It reads neither tlog-proofs nor canonical Base 64, so only what has the right form is asked.
      if (name.startsWith('form/')) return
      const isRight = verdict === 'ok'
      if (name === 'checkpoint/unsigned') expect(() => entryOf(entry, proof)).not.toThrow()
      expect(isProven(entry, proof, proofs.vkey)).toBe(isRight)
    },
  )

  it('finds every receipt of the small log proven', () => {
    for (const { receipt, verdict } of [...receipts.reports, ...receipts.enrolments]) {
      if (verdict !== 'ok') continue
      const { entry, proof } = receipt as { entry: string; proof: string }
      expect(isProven(entry, proof, receipts.vkey)).toBe(true)
      expect(isProven(entry.replace('home', 'evil'), proof, receipts.vkey)).toBe(
        !entry.includes('home'),
      )
    }
  })

  it('accepts the checkpoint of the export by our key and by no other', () => {
    const { checkpoint: envelope } = JSON.parse(lines.at(-1) ?? '') as { checkpoint: string }
    const entry = { inclusionProof: { checkpoint: { envelope } } } as unknown as TlogEntry
    const { logSize, origin } = verifyCheckpoint(entry, [tlogOf(receipts.vkey)])
    expect({ logSize, origin }).toEqual({
      logSize: BigInt(lines.length - 1),
      origin: 'cloud.example.org',
    })
    const size = lines.length - 1
    const other = envelope.replace(`\n${size}\n`, `\n${size + 1}\n`)
    const altered = { inclusionProof: { checkpoint: { envelope: other } } }
    expect(() =>
      verifyCheckpoint(altered as unknown as TlogEntry, [tlogOf(receipts.vkey)]),
    ).toThrow(/signature/)
  })
})
