import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  generateNoteSigner,
  importNoteSigner,
  type NoteSigner,
  type NoteVerifier,
  openCheckpoint,
  parseVkey,
  signCheckpoint,
} from '../../../shared/checkpoint.ts'
import { EMPTY_ROOT } from '../../../shared/merkle.ts'
import { openNote, signNote } from '../../../shared/signed-note.ts'
import { parseTlogProof, renderTlogProof } from '../../../shared/tlog-proof.ts'

const INVALID = { code: 'CHECKPOINT_INVALID' }

describe('the example of C2SP signed-note', () => {
  const vkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
  const note =
    'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n'

  it('is verified by its key', async () => {
    const opened = await openNote(note, [await parseVkey(vkey)])
    expect(opened.text).toBe('This is an example message.\n')
  })

  it('is refused with any single character changed', async () => {
    const verifier = await parseVkey(vkey)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(note.length - 1),
        fc.constantFrom('x', 'A', '\n', ' '),
        async (i, c) => {
          fc.pre(note[i] !== c)
          await expect(
            openNote(note.slice(0, i) + c + note.slice(i + 1), [verifier]),
          ).rejects.toMatchObject(INVALID)
        },
      ),
    )
  })

  it.each([
    'example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2',
    'exa mple+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    '+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    '',
  ])('has no other verifier key: %s', async (text) => {
    await expect(parseVkey(text)).rejects.toMatchObject({ code: 'KEY_INVALID' })
  })
})

describe('a checkpoint', () => {
  let signer: NoteSigner
  let secret: string
  let verifier: NoteVerifier
  const origin = 'reprefix.example.org/log'

  beforeAll(async () => {
    const made = await generateNoteSigner(origin)
    signer = made.signer
    secret = made.secret
    verifier = await parseVkey(signer.vkey)
  })

  it('is signed and opened, also by the key read back from its secret', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.maxSafeNat(),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        async (size, root) => {
          const note = await signCheckpoint({ origin, size, root }, await importNoteSigner(secret))
          expect(await openCheckpoint(note, [verifier])).toEqual({ origin, size, root })
          expect(note.length).toBeLessThan(250)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('is refused from an unknown key, and from a known key of another log', async () => {
    const { signer: other } = await generateNoteSigner(origin)
    const foreign = await signCheckpoint({ origin, size: 1, root: EMPTY_ROOT }, other)
    await expect(openCheckpoint(foreign, [verifier])).rejects.toThrow(
      /not signed by a key that is trusted/,
    )
    await expect(openCheckpoint(foreign, [])).rejects.toMatchObject(INVALID)
    const misnamed = await signNote(`other.example/log\n1\n${'A'.repeat(43)}=\n`, signer)
    await expect(openCheckpoint(misnamed, [verifier])).rejects.toThrow(/other.example\/log/)
    await expect(
      (async () =>
        signCheckpoint({ origin: 'other.example/log', size: 1, root: EMPTY_ROOT }, signer))(),
    ).rejects.toMatchObject(INVALID)
  })

  it('may carry unknown signatures, but no wrong one of a known key', async () => {
    const { signer: witness } = await generateNoteSigner('witness.example')
    const checkpoint = await signCheckpoint({ origin, size: 1, root: EMPTY_ROOT }, signer)
    const text = checkpoint.slice(0, checkpoint.lastIndexOf('\n\n') + 1)
    const cosignature = (await signNote(text, witness)).slice(text.length + 1)
    expect((await openCheckpoint(checkpoint + cosignature, [verifier])).size).toBe(1)
    const both = [verifier, await parseVkey(witness.vkey)]
    expect((await openCheckpoint(checkpoint + cosignature, both)).size).toBe(1)
    const wrong = (await signNote('something else\n', witness)).slice('something else\n\n'.length)
    await expect(openCheckpoint(checkpoint + wrong, both)).rejects.toThrow(
      /witness.example is wrong/,
    )
    await expect(openCheckpoint(`${text}\n${cosignature}`, both)).rejects.toMatchObject(INVALID)
  })

  it.each([
    ['a leading zero', '01'],
    ['a sign', '+1'],
    ['a fraction', '1.0'],
    ['a size beyond what is exact', '9007199254740993'],
    ['nothing', ''],
  ])('is refused with %s as size, although signed', async (_, size) => {
    const note = await signNote(`${origin}\n${size}\n${'A'.repeat(43)}=\n`, signer)
    await expect(openCheckpoint(note, [verifier])).rejects.toMatchObject(INVALID)
  })

  it.each([
    ['a short root', `${origin}\n1\nAAAA\n`],
    ['no root', `${origin}\n1\n`],
    ['an empty line', `${origin}\n1\n${'A'.repeat(43)}=\n\nx\n`],
  ])('is refused with %s', async (_, text) => {
    await expect(openCheckpoint(await signNote(text, signer), [verifier])).rejects.toMatchObject(
      INVALID,
    )
  })

  it('may carry extension lines', async () => {
    const note = await signNote(`${origin}\n1\n${'A'.repeat(43)}=\nmore\n`, signer)
    expect((await openCheckpoint(note, [verifier])).size).toBe(1)
  })

  it('is answered with CHECKPOINT_INVALID for any other text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        await expect(openCheckpoint(text, [verifier])).rejects.toMatchObject(INVALID)
        await expect(openCheckpoint(`${text}\n\n— ${text}\n`, [verifier])).rejects.toMatchObject(
          INVALID,
        )
      }),
    )
  })

  it('has a secret that no error shows', async () => {
    for (const text of [
      secret.slice(0, -4),
      secret.replace(/\+[0-9a-f]{8}\+/, '+00000000+'),
      `${secret}A`,
      secret.slice(12),
    ]) {
      await expect(importNoteSigner(text)).rejects.toSatisfy(
        (e: Error) => !e.message.includes(secret.slice(-40, -8)),
      )
    }
  })
})

describe('a tlog-proof', () => {
  const checkpoint = 'o\n1\nAAAA\n\n— o BBBB\n'
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.array(hash, { maxLength: 40 }),
        fc.option(fc.uint8Array(), { nil: undefined }),
        (index, hashes, extra) => {
          const proof = { index, hashes, checkpoint, ...(extra === undefined ? {} : { extra }) }
          expect(parseTlogProof(renderTlogProof(proof))).toEqual(proof)
        },
      ),
    )
  })

  it('looks as C2SP tlog-proof describes', () => {
    const text = renderTlogProof({ index: 7, hashes: [EMPTY_ROOT], checkpoint })
    expect(text).toBe(
      `c2sp.org/tlog-proof@v1\nindex 7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n${checkpoint}`,
    )
  })

  it.each([
    '',
    'c2sp.org/tlog-proof@v1\nindex 0\n',
    'c2sp.org/tlog-proof@v2\nindex 0\n\nx',
    'c2sp.org/tlog-proof@v1\nindex 01\n\nx',
    'c2sp.org/tlog-proof@v1\nindex -1\n\nx',
    'c2sp.org/tlog-proof@v1\nindex 99999999999999999\n\nx',
    'c2sp.org/tlog-proof@v1\n\nx',
    'c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx',
    'c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\nx',
    `c2sp.org/tlog-proof@v1\nindex 0\n${`${'A'.repeat(43)}=\n`.repeat(54)}\nx`,
  ])('is refused: %j', (text) => {
    expect(() => parseTlogProof(text)).toThrow(expect.objectContaining({ code: 'PROOF_INVALID' }))
  })
})
