import { describe, expect, it } from 'vitest'
import { verifyLog } from '../../../cloud/log/verify-log.ts'
import { parseVkey } from '../../../shared/checkpoint.ts'
import { type EntryKind, parseEntry } from '../../../shared/entry.ts'
import { leafHash } from '../../../shared/merkle.ts'
import {
  verifyEnrolmentReceipt,
  verifyReceipt,
  verifyRotationReceipt,
} from '../../../shared/receipt.ts'
import { readVectors, readVectorText } from '../../vectors/read.ts'
import type { EntryVectors, LogVectors, ReceiptVectors } from '../../vectors/shapes.ts'
import { fromHex, toHex } from '../shared/hex.ts'
import { verdictOf } from './verdict.ts'

const entries = (await readVectors<EntryVectors>('entries.json')).vectors
const receipts = await readVectors<ReceiptVectors>('receipts.json')
const log = await readVectors<LogVectors>('log.json')
const lines = (await readVectorText('export.ndjson')).trimEnd().split('\n')
const verifiers = [await parseVkey(receipts.vkey)]

describe('entries.json', () => {
  it.each(entries)('$name: $verdict', async ({ entry, leafHashHex, verdict }) => {
    expect(await verdictOf(() => parseEntry(entry))).toBe(verdict)
    expect(toHex(await leafHash(new TextEncoder().encode(entry)))).toBe(leafHashHex)
    if (verdict === 'ok') expect(parseEntry(entry)).toEqual(JSON.parse(entry))
  })

  it('has every kind that this version writes', () => {
    const kinds = entries.flatMap(({ entry, verdict }) =>
      verdict === 'ok' ? [parseEntry(entry).kind] : [],
    )
    const written: readonly EntryKind[] = [
      'genesis',
      'policy',
      'enroll',
      'rotate',
      'revoke',
      'report',
      'applied',
      'denied',
      'drift',
    ]
    expect([...new Set(kinds)].sort()).toEqual([...written].sort())
  })
})

describe('receipts.json', () => {
  it.each(receipts.reports)(
    'report $name: $verdict',
    async ({ receipt, jws, verdict, ...rest }) => {
      const witness = { size: rest.witness.size, root: fromHex(rest.witness.rootHex) }
      const verify = () => verifyReceipt(receipt, { verifiers, witness, jws })
      expect(await verdictOf(verify)).toBe(verdict)
      if (verdict !== 'ok') return
      const { index, checkpoint } = await verify()
      expect({ index, size: checkpoint.size, rootHex: toHex(checkpoint.root) }).toEqual({
        index: rest.index,
        size: rest.size,
        rootHex: rest.rootHex,
      })
    },
  )

  it.each(receipts.enrolments)(
    'enrolment $name: $verdict',
    async ({ receipt, kid, verdict, index }) => {
      const verify = () => verifyEnrolmentReceipt(receipt, { verifiers, kid })
      expect(await verdictOf(verify)).toBe(verdict)
      if (verdict === 'ok') expect((await verify()).index).toBe(index)
    },
  )

  it.each(receipts.rotations)('rotation $name: $verdict', async ({ receipt, verdict, ...rest }) => {
    const { host, kid, successor } = rest
    const witness = { size: rest.witness.size, root: fromHex(rest.witness.rootHex) }
    const verify = () =>
      verifyRotationReceipt(receipt, { verifiers, witness, host, kid, successor })
    expect(await verdictOf(verify)).toBe(verdict)
    if (verdict === 'ok') expect((await verify()).index).toBe(rest.index)
  })
})

describe('log.json', () => {
  it.each(log.vectors)('$name', async ({ lines: chosen, vkey = log.vkey, findings }) => {
    const texts = chosen.map((each) => (typeof each === 'number' ? (lines[each] ?? '') : each))
    const verdict = await verifyLog(texts, { vkeys: [vkey] })
    expect(verdict.ok).toBe(findings.length === 0)
    expect(verdict.findings.map(({ index }) => index)).toEqual(findings.map(({ index }) => index))
    for (const [i, { message }] of findings.entries()) {
      expect(verdict.findings[i]?.message).toContain(message)
    }
  })

  it('counts the entries and the witness claims of the whole export', async () => {
    const { entries: count, witnessed } = await verifyLog(lines, { vkeys: [log.vkey] })
    expect({ entries: count, witnessed }).toEqual({
      entries: log.entries,
      witnessed: log.witnessed,
    })
  })
})
