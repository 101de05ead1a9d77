import { beforeAll, describe, expect, it } from 'vitest'
import { encodeBase64, encodeBase64url } from '../../../shared/base64.ts'
import {
  generateNoteSigner,
  type NoteSigner,
  type NoteVerifier,
  parseVkey,
  signCheckpoint,
} from '../../../shared/checkpoint.ts'
import { type LogEntry, parseEntry, renderEntry } from '../../../shared/entry.ts'
import {
  appendLeaf,
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  rootOf,
  type TreeRow,
} from '../../../shared/merkle.ts'
import { type Receipt, verifyEnrolmentReceipt, verifyReceipt } from '../../../shared/receipt.ts'
import { renderTlogProof } from '../../../shared/tlog-proof.ts'

const origin = 'reprefix.example.org'
const kid = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
const jws = 'eyJh.eyJi.c2ln'
const at = '2026-01-31T12:00:00.000Z'
const signer0 = { host: 'nas', kid }
let signer: NoteSigner
let verifiers: NoteVerifier[]
let applied: LogEntry
let enrolled: LogEntry

beforeAll(async () => {
  signer = (await generateNoteSigner(origin)).signer
  verifiers = [await parseVkey(signer.vkey)]
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(jws))
  applied = parseEntry(
    JSON.stringify({
      v: 1,
      kind: 'applied',
      at,
      ...signer0,
      seq: 5,
      report: 2,
      digest: encodeBase64url(new Uint8Array(digest)),
      outcomes: [
        {
          name: 'www.example.org',
          type: 'AAAA',
          provider: 'lan',
          outcome: 'updated',
          values: ['2001:db8::1'],
        },
        {
          name: 'old.example.org',
          type: 'AAAA',
          provider: 'lan',
          outcome: 'failed',
          values: [],
          error: { kind: 'transient', message: 'no answer' },
        },
      ],
    }),
  )
  enrolled = parseEntry(JSON.stringify({ v: 1, kind: 'enroll', at, ...signer0, jws, token: 't1' }))
})

/** A log of filler entries with one real entry, and the receipt for it as the cloud would make it. */
async function receiptFor(entry: LogEntry, index = 5, size = 9, witnessSize = 3) {
  const texts = Array.from({ length: size }, (_, i) =>
    i === index ? renderEntry(entry) : `filler ${i}`,
  )
  const rows: TreeRow[] = []
  for (const [i, text] of texts.entries()) {
    rows.push(
      await appendLeaf(
        rows.at(-1)?.frontier ?? [],
        i,
        await leafHash(new TextEncoder().encode(text)),
      ),
    )
  }
  const root = await rootOf(rows.at(-1)?.frontier ?? [])
  const read = async (wanted: readonly { level: number; index: number }[]) =>
    wanted.map((n) => rows[(n.index + 1) * 2 ** n.level - 1]?.nodes[n.level] ?? EMPTY_ROOT)
  const proof = renderTlogProof({
    index,
    hashes: await inclusionProof(index, size, read),
    checkpoint: await signCheckpoint({ origin, size, root }, signer),
  })
  const consistency = (await consistencyProof(witnessSize, size, read)).map(encodeBase64)
  const witness = { size: witnessSize, root: await rootOf(rows[witnessSize - 1]?.frontier ?? []) }
  const result = entry.kind === 'applied' ? { outcomes: entry.outcomes } : { outcomes: [] }
  const receipt: Receipt = { entry: renderEntry(entry), proof, consistency, result }
  return { receipt, witness, root }
}

describe('a receipt', () => {
  it('is verified against the log key and the last seen state', async () => {
    const { receipt, witness, root } = await receiptFor(applied)
    const verified = await verifyReceipt(receipt, { verifiers, witness, jws })
    expect(verified.entry).toEqual(applied)
    expect(verified.index).toBe(5)
    expect(verified.checkpoint).toEqual({ origin, size: 9, root })
  })

  it('is verified by an agent that has seen nothing yet, and by one that has seen this very state', async () => {
    const first = await receiptFor(applied, 5, 9, 0)
    await expect(
      verifyReceipt(first.receipt, { verifiers, jws, witness: { size: 0, root: EMPTY_ROOT } }),
    ).resolves.toMatchObject({ index: 5 })
    const same = await receiptFor(applied, 5, 9, 9)
    await expect(
      verifyReceipt(same.receipt, { verifiers, jws, witness: same.witness }),
    ).resolves.toBeTruthy()
  })

  it('may carry members that this version does not know', async () => {
    const { receipt, witness } = await receiptFor(applied)
    const newer = { ...receipt, extra: 1, result: { ...receipt.result, note: 'x' } }
    await expect(verifyReceipt(newer, { verifiers, witness, jws })).resolves.toBeTruthy()
  })

  it.each<[string, (r: Receipt) => unknown, RegExp]>([
    ['nothing', () => undefined, /invalid receipt/],
    ['an error document', () => ({ code: 'x' }), /entry: is missing/],
    [
      'an altered entry',
      (r) => ({ ...r, entry: r.entry.replace('"seq":5', '"seq":6') }),
      /not in the log/,
    ],
    ['an altered outcome', (r) => ({ ...r, result: { outcomes: [] } }), /result differs/],
    [
      'an entry of another kind',
      (r) => ({ ...r, entry: renderEntry(enrolled) }),
      /of the kind enroll/,
    ],
    [
      'an entry with a duplicate member',
      (r) => ({ ...r, entry: r.entry.replace('{', '{"v":1,') }),
      /duplicate member/,
    ],
    [
      'another index',
      (r) => ({ ...r, proof: r.proof.replace('index 5', 'index 4') }),
      /not in the log/,
    ],
    [
      'no path',
      (r) => ({ ...r, proof: r.proof.replace(/\n[A-Za-z0-9+/]{43}=/, '') }),
      /not in the log/,
    ],
    [
      'an altered checkpoint',
      (r) => ({ ...r, proof: r.proof.replace('\n9\n', '\n8\n') }),
      /signature/,
    ],
    ['no consistency proof', (r) => ({ ...r, consistency: [] }), /rewritten/],
    [
      'a consistency proof that is no list of hashes',
      (r) => ({ ...r, consistency: ['x'] }),
      /consistency\.0/,
    ],
    ['an empty proof', (r) => ({ ...r, proof: '' }), /invalid proof/],
  ])('is refused with %s', async (_, alter, message) => {
    const { receipt, witness } = await receiptFor(applied)
    const verdict = verifyReceipt(alter(receipt), { verifiers, witness, jws })
    await expect(verdict).rejects.toMatchObject({ code: 'RECEIPT_INVALID' })
    await expect(verdict).rejects.toThrow(message)
  })

  it('is refused for other bytes than were sent', async () => {
    const { receipt, witness } = await receiptFor(applied)
    await expect(verifyReceipt(receipt, { verifiers, witness, jws: `${jws}A` })).rejects.toThrow(
      /another report/,
    )
  })

  it('is refused from another log, and from one that forgot what was seen', async () => {
    const { receipt, witness } = await receiptFor(applied)
    const other = [await parseVkey((await generateNoteSigner(origin)).signer.vkey)]
    await expect(verifyReceipt(receipt, { verifiers: other, witness, jws })).rejects.toThrow(
      /trusted/,
    )
    for (const seen of [
      { size: 10, root: witness.root },
      { size: 3, root: EMPTY_ROOT },
      { size: 9, root: witness.root },
    ]) {
      await expect(verifyReceipt(receipt, { verifiers, witness: seen, jws })).rejects.toThrow(
        /rewritten/,
      )
    }
  })
})

describe('an enrolment receipt', () => {
  const result = {
    host: 'nas',
    names: ['*.example.org'],
    types: ['AAAA'],
    prefixes: ['2001:db8::/32'],
  }

  it('is verified, and refused for another key or host', async () => {
    const { receipt } = await receiptFor(enrolled)
    const answer = { ...receipt, consistency: [], result }
    const verified = await verifyEnrolmentReceipt(answer, { verifiers, kid })
    expect(verified).toMatchObject({ entry: enrolled, result, index: 5 })
    const otherKid = `${kid.slice(0, -1)}0`
    await expect(verifyEnrolmentReceipt(answer, { verifiers, kid: otherKid })).rejects.toThrow(
      /another key/,
    )
    const renamed = { ...answer, result: { ...result, host: 'other' } }
    await expect(verifyEnrolmentReceipt(renamed, { verifiers, kid })).rejects.toThrow(
      /another host/,
    )
  })
})

describe('parseEntry', () => {
  it('reads every kind back as written', () => {
    const zone = 'example.org'
    const drifted = {
      ...{ name: 'www.a.test', type: 'AAAA', provider: 'lan', cause: 'changed' },
      ...{ found: ['2001:db8::bad'], values: ['2001:db8::1'] },
    } as const
    const entries = [
      { v: 1, kind: 'genesis', at, origin, vkey: 'x+00000000+AA==' },
      { v: 1, kind: 'policy', at, host: 'nas', policy: { names: ['a.test'] } },
      { v: 1, kind: 'enroll', at, ...signer0, jws, token: 't' },
      { v: 1, kind: 'rotate', at, ...signer0, successor: kid, jws },
      { v: 1, kind: 'revoke', at, ...signer0 },
      { v: 1, kind: 'report', at, ...signer0, seq: 1, jws },
      {
        v: 1,
        kind: 'denied',
        at,
        ...signer0,
        seq: 1,
        digest: kid,
        code: 'POLICY',
        detail: 'name',
        jws,
      },
      {
        v: 1,
        kind: 'drift',
        at,
        zone,
        records: [drifted, { ...drifted, cause: 'lost', found: [] }],
      },
    ]
    for (const entry of entries)
      expect(renderEntry(parseEntry(JSON.stringify(entry)))).toBe(JSON.stringify(entry))
  })

  it.each([
    '',
    '[]',
    '{"v":1}',
    '{"v":1,"kind":"other","at":"2026-01-31T12:00:00Z"}',
    '{"v":1,"kind":"revoke"}',
    'null',
  ])('refuses %j', (text) => {
    expect(() => parseEntry(text)).toThrow(expect.objectContaining({ code: 'ENTRY_INVALID' }))
  })
})
