import { encodeBase64 } from '../../shared/base64.ts'
import { signCheckpoint } from '../../shared/checkpoint.ts'
import {
  appendLeaf,
  inclusionProof,
  leafHash,
  type NodeReader,
  rootOf,
  type TreeRow,
} from '../../shared/merkle.ts'
import { renderTlogProof } from '../../shared/tlog-proof.ts'
import { toHex } from '../unit/shared/hex.ts'
import type { ProofVectors } from './shapes.ts'
import { noteSignerOf, utf8 } from './signing.ts'

type Vector = ProofVectors['vectors'][number]

const SIZE = 13

/** proofs.json: tlog-proofs of a small log whose entries are the texts "entry 0" and so on. */
export async function makeProofs(): Promise<ProofVectors> {
  const { signer } = await noteSignerOf('cloud.example.org')
  const rows: TreeRow[] = []
  for (let i = 0; i < SIZE; i++) {
    const leaf = await leafHash(utf8(`entry ${i}`))
    rows.push(await appendLeaf(rows.at(-1)?.frontier ?? [], i, leaf))
  }
  const read: NodeReader = async (wanted) =>
    wanted.map(({ level, index }) => rows[(index + 1) * 2 ** level - 1]?.nodes[level] ?? utf8(''))
  const checkpointOf = async (size: number) => {
    const root = await rootOf(rows[size - 1]?.frontier ?? [])
    return signCheckpoint({ origin: signer.name, size, root }, signer)
  }
  const proofOf = async (index: number, size: number, extra?: Uint8Array) => {
    const hashes = await inclusionProof(index, size, read)
    const checkpoint = await checkpointOf(size)
    return renderTlogProof({ index, hashes, checkpoint, ...(extra === undefined ? {} : { extra }) })
  }
  const vectors: Vector[] = []
  for (const [index, size] of [
    [0, 1],
    [0, 2],
    [1, 2],
    [6, 7],
    [5, 13],
    [12, 13],
  ] as const) {
    const proof = await proofOf(index, size)
    vectors.push({
      name: `ok/${index}-of-${size}`,
      entry: `entry ${index}`,
      proof,
      verdict: 'ok',
      index,
      size,
    })
  }
  const extra = utf8('more')
  vectors.push({
    name: 'ok/extra',
    entry: 'entry 5',
    proof: await proofOf(5, 13, extra),
    verdict: 'ok',
    index: 5,
    size: 13,
    extraHex: toHex(extra),
  })
  const right = await proofOf(5, 13)
  const add = (name: string, verdict: Vector['verdict'], proof: string, entry = 'entry 5') =>
    vectors.push({ name, entry, proof, verdict })
  add('unproven/other-entry', 'unproven', right, 'entry 6')
  add('unproven/other-index', 'unproven', right.replace('index 5', 'index 6'))
  add('unproven/hash-left-out', 'unproven', right.replace(/(index 5\n)[^\n]+\n/, '$1'))
  add('unproven/index-is-size', 'unproven', right.replace('index 5', 'index 13'))
  const lines = right.split('\n')
  add(
    'unproven/hashes-swapped',
    'unproven',
    [...lines.slice(0, 2), lines[3], lines[2], ...lines.slice(4)].join('\n'),
  )
  add('form/empty', 'PROOF_INVALID', '')
  add('form/other-header', 'PROOF_INVALID', right.replace('@v1', '@v2'))
  add('form/no-index', 'PROOF_INVALID', right.replace('index 5\n', ''))
  add('form/index-with-zero', 'PROOF_INVALID', right.replace('index 5', 'index 05'))
  add('form/index-signed', 'PROOF_INVALID', right.replace('index 5', 'index +5'))
  add('form/index-with-two-spaces', 'PROOF_INVALID', right.replace('index 5', 'index  5'))
  add('form/index-2^53', 'PROOF_INVALID', right.replace('index 5', 'index 9007199254740992'))
  add('form/no-checkpoint', 'PROOF_INVALID', right.slice(0, right.indexOf('\n\n')))
  add('form/hash-of-31-bytes', 'PROOF_INVALID', withHash(right, encodeBase64(new Uint8Array(31))))
  add('form/hash-of-64-bytes', 'PROOF_INVALID', withHash(right, encodeBase64(new Uint8Array(64))))
  add('form/hash-not-base64', 'PROOF_INVALID', withHash(right, '!!notbase64!!'))
  add('form/hash-unused-bits', 'PROOF_INVALID', withHash(right, `${'A'.repeat(42)}B=`))
  add('form/carriage-return', 'PROOF_INVALID', right.replaceAll('\n', '\r\n'))
  add(
    'form/54-hashes',
    'PROOF_INVALID',
    right.replace('index 5\n', `index 5\n${`${'A'.repeat(43)}=\n`.repeat(54)}`),
  )
  add('form/extra-not-base64', 'PROOF_INVALID', right.replace('index', 'extra !!\nindex'))
  add(
    'form/extra-after-index',
    'PROOF_INVALID',
    right.replace('index 5\n', 'index 5\nextra bW9yZQ==\n'),
  )
  const second = (await noteSignerOf('cloud.example.org', 'second key of the log')).signer
  const root = await rootOf(rows[SIZE - 1]?.frontier ?? [])
  const both = await signCheckpoint({ origin: signer.name, size: SIZE, root }, signer, second)
  const byBoth = `${right.slice(0, right.indexOf('\n\n') + 2)}${both}`
  vectors.push({
    ...{ name: 'ok/signed-by-two-keys', entry: 'entry 5', proof: byBoth },
    ...{ verdict: 'ok', index: 5, size: SIZE },
  })
  add(
    'checkpoint/signed-by-another-key-alone',
    'CHECKPOINT_INVALID',
    byBoth.replace(/\n— [^\n]+\n/, '\n'),
  )
  add('checkpoint/altered', 'CHECKPOINT_INVALID', right.replace('\n13\n', '\n12\n'))
  add('checkpoint/unsigned', 'CHECKPOINT_INVALID', right.slice(0, right.lastIndexOf('\n\n') + 1))
  return { vkey: signer.vkey, vectors }
}

function withHash(proof: string, hash: string): string {
  return proof.replace(/(index 5\n)[^\n]+/, `$1${hash}`)
}
