import { describe, expect, it } from 'vitest'
import { encodeBase64 } from '../../../shared/base64.ts'
import { importNoteSigner, openCheckpoint, parseVkey } from '../../../shared/checkpoint.ts'
import { leafHash, verifyInclusion } from '../../../shared/merkle.ts'
import { openNote, signNote } from '../../../shared/signed-note.ts'
import { parseTlogProof, renderTlogProof } from '../../../shared/tlog-proof.ts'
import { readVectors } from '../../vectors/read.ts'
import type { NoteVectors, ProofVectors } from '../../vectors/shapes.ts'
import { fromHex, toHex } from '../shared/hex.ts'
import { verdictOf } from './verdict.ts'

const { keys, notes, checkpoints } = await readVectors<NoteVectors>('notes.json')
const proofs = await readVectors<ProofVectors>('proofs.json')

const verifiersOf = (vkeys: readonly string[]) => Promise.all(vkeys.map(parseVkey))

describe('notes.json', () => {
  it.each(keys)('key $name: $verdict', async ({ vkey, verdict, keyName, keyIdHex }) => {
    expect(await verdictOf(() => parseVkey(vkey))).toBe(verdict)
    if (verdict !== 'ok') return
    const { name, keyId } = await parseVkey(vkey)
    expect({ name, keyId: toHex(keyId) }).toEqual({ name: keyName, keyId: keyIdHex })
  })

  it('is signed again to the same bytes by the published private key', async () => {
    const { seedHex = '', keyIdHex } = keys.find(({ keyName }) => keyName === 'PeterNeumann') ?? {}
    const material = encodeBase64(Uint8Array.from([1, ...fromHex(seedHex)]))
    const signer = await importNoteSigner(`PRIVATE+KEY+PeterNeumann+${keyIdHex}+${material}`)
    const published = notes.find(({ name }) => name === 'go/one-signature')
    expect(await signNote(published?.text ?? '', signer)).toBe(published?.note)
  })

  it.each(notes)('note $name: $verdict', async ({ note, vkeys, verdict, text, signers }) => {
    const open = async () => openNote(note, await verifiersOf(vkeys))
    expect(await verdictOf(open)).toBe(verdict)
    if (verdict !== 'ok') return
    const opened = await open()
    expect(opened.text).toBe(text)
    expect(opened.signers.map(({ name }) => name)).toEqual(signers)
  })

  it.each(checkpoints)(
    'checkpoint $name: $verdict',
    async ({ note, vkeys, verdict, ...expected }) => {
      const open = async () => openCheckpoint(note, await verifiersOf(vkeys))
      expect(await verdictOf(open)).toBe(verdict)
      if (verdict !== 'ok') return
      const { origin, size, root } = await open()
      expect({ origin, size, rootHex: toHex(root) }).toEqual({
        origin: expected.origin,
        size: expected.size,
        rootHex: expected.rootHex,
      })
    },
  )
})

describe('proofs.json', () => {
  const verify = async (text: string, entry: string) => {
    const { index, hashes: proof, checkpoint } = parseTlogProof(text)
    const { size, root } = await openCheckpoint(checkpoint, await verifiersOf([proofs.vkey]))
    const leaf = await leafHash(new TextEncoder().encode(entry))
    return { index, size, isProven: await verifyInclusion({ leaf, index, size, root, proof }) }
  }

  it.each(proofs.vectors)('$name: $verdict', async ({ proof, entry, verdict, ...expected }) => {
    const isWellFormed = verdict === 'ok' || verdict === 'unproven'
    expect(await verdictOf(() => verify(proof, entry))).toBe(isWellFormed ? 'ok' : verdict)
    if (!isWellFormed) return
    const { index, size, isProven } = await verify(proof, entry)
    expect(isProven).toBe(verdict === 'ok')
    expect(renderTlogProof(parseTlogProof(proof))).toBe(proof)
    if (verdict === 'ok')
      expect({ index, size }).toEqual({ index: expected.index, size: expected.size })
    const { extra } = parseTlogProof(proof)
    expect(extra === undefined ? undefined : toHex(extra)).toBe(expected.extraHex)
  })
})
