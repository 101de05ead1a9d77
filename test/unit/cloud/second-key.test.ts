import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runProgram } from '../../../cloud/commands/program.ts'
import { openNextNoteKey, openNoteKey } from '../../../cloud/log/note-key-file.ts'
import { verifyLog } from '../../../cloud/log/verify-log.ts'
import {
  generateNoteSigner,
  type NoteSigner,
  openCheckpoint,
  parseVkey,
} from '../../../shared/checkpoint.ts'
import { EMPTY_ROOT } from '../../../shared/merkle.ts'
import { verifyLogged, verifyReceipt } from '../../../shared/receipt.ts'
import { signNote } from '../../../shared/signed-note.ts'
import { parseTlogProof, renderTlogProof } from '../../../shared/tlog-proof.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'

/** A log that was begun with one key, and that a second one signs too since its third entry. */
async function makeLog() {
  const before = await startTestCloud()
  await before.addHost('shed')
  const nextSigner = (await generateNoteSigner(before.signer.name)).signer
  const { signer, store } = before
  const cloud = await startTestCloud({ vkey: nextSigner.vkey }, { store, signer, nextSigner })
  const { join: word } = await cloud.addHost('home')
  const { key } = await cloud.enrol(word)
  const agent = cloud.createAgent('home', key)
  const report = agent.reportOf()
  const jws = await agent.sign(report)
  const receipt = Object(await (await cloud.post('/v1/reports', jws)).json())
  return { cloud, agent, jws, receipt, first: signer, next: nextSigner }
}
type Log = Awaited<ReturnType<typeof makeLog>>

let log: Log
beforeAll(async () => {
  log = await makeLog()
})

const pins: readonly [string, (log: Log) => NoteSigner[]][] = [
  ['the first key', ({ first }) => [first]],
  ['the second key', ({ next }) => [next]],
  ['both keys', ({ first, next }) => [first, next]],
]
const vkeysOf = (signers: readonly NoteSigner[]) => signers.map(({ vkey }) => vkey)
const verifiersOf = (signers: readonly NoteSigner[]) => Promise.all(vkeysOf(signers).map(parseVkey))
/** The checkpoint with one line taken out, or another in its place. */
const withLine = (note: string, at: number, ...lines: string[]) => {
  const split = note.lastIndexOf('\n\n') + 2
  const all = note.slice(split, -1).split('\n')
  return `${note.slice(0, split)}${all.toSpliced(at, 1, ...lines).join('\n')}\n`
}
const lineOf = (note: string) => note.slice(note.lastIndexOf('\n\n') + 2, -1)

describe('a log that two keys sign', () => {
  it('has both lines under each checkpoint, and goes on from what one key has signed', async () => {
    const note = await log.cloud.log.checkpoint()
    expect(lineOf(note).split('\n')).toHaveLength(2)
    const { proof } = log.receipt
    expect(renderTlogProof(parseTlogProof(proof))).toBe(proof)
    expect(lineOf(parseTlogProof(proof).checkpoint).split('\n')).toHaveLength(2)
  })

  it.each(pins)('is believed by whoever has pinned %s', async (_, pinned) => {
    const { cloud, jws, receipt } = log
    const verifiers = await verifiersOf(pinned(log))
    const witness = { size: 0, root: EMPTY_ROOT }
    const { index } = await verifyReceipt(receipt, { verifiers, witness, jws })
    expect((await verifyLogged(receipt, verifiers)).index).toBe(index)
    const lines = await cloud.exportLines()
    const { findings, vkey } = await verifyLog(lines, { vkeys: vkeysOf(pinned(log)) })
    expect(findings).toEqual([])
    expect(vkey).toBe(pinned(log)[0]?.vkey)
  })

  it.each(pins)(
    'is not believed with a wrong line by a key that is pinned: %s',
    async (_, pinned) => {
      const note = await log.cloud.log.checkpoint()
      const verifiers = await verifiersOf(pinned(log))
      for (const [at, signer] of [log.first, log.next].entries()) {
        const other = lineOf(await signNote(note.slice(0, -1).replace(/\n\n.*$/s, '\nx\n'), signer))
        const forged = openCheckpoint(withLine(note, at, other), verifiers)
        // A line by a key that is not pinned says nothing, be it right or wrong.
        if (pinned(log).includes(signer)) {
          await expect(forged).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' })
        } else expect((await forged).size).toBeGreaterThan(0)
      }
    },
  )

  it.each(pins)('is not believed without any line by %s', async (_, pinned) => {
    const note = await log.cloud.log.checkpoint()
    const verifiers = await verifiersOf(pinned(log))
    const stranger = (await generateNoteSigner(log.first.name)).signer
    const text = note.slice(0, note.lastIndexOf('\n\n') + 1)
    const opened = openCheckpoint(await signNote(text, stranger), verifiers)
    await expect(opened).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' })
    const lines = (await log.cloud.exportLines()).with(-1, JSON.stringify({ checkpoint: text }))
    expect((await verifyLog(lines, { vkeys: vkeysOf(pinned(log)) })).ok).toBe(false)
  })

  it('is another log where its first key has not signed what the pinned one has', async () => {
    const lines = await log.cloud.exportLines()
    const note = String(JSON.parse(lines.at(-1) ?? '').checkpoint)
    const alone = lines.with(-1, JSON.stringify({ checkpoint: withLine(note, 0) }))
    const { findings } = await verifyLog(alone, { vkeys: [log.next.vkey] })
    expect(findings).toEqual([
      { index: 0, message: `the log was begun with the key ${log.first.vkey}` },
    ])
    // Who has pinned both needs only one of them.
    const both = vkeysOf([log.first, log.next])
    expect((await verifyLog(alone, { vkeys: both })).findings).toEqual([])
  })

  it('is verified and proved by the commands with any of its keys, and with several', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'reprefix-keys-'))
    const before = process.exitCode
    try {
      const file = join(directory, 'export.ndjson')
      await writeFile(file, `${(await log.cloud.exportLines()).join('\n')}\n`)
      const stranger = (await generateNoteSigner(log.first.name)).signer
      const run = async (command: string[], keys: readonly NoteSigner[]) => {
        const out: string[] = []
        const terminal = { out: (text: string) => out.push(text), err: () => {}, isTty: false }
        const given = keys.flatMap(({ vkey }) => ['--key', vkey])
        const args = ['audit', ...command, '--file', file, ...given]
        await runProgram(args, terminal)
        return out.join('\n')
      }
      for (const [, pinned] of pins) {
        for (const keys of [pinned(log), [...pinned(log), stranger]]) {
          expect(await run(['verify'], keys)).toMatch(/entries are intact/)
          expect(await run(['prove', '1'], keys)).toMatch(/^c2sp.org\/tlog-proof@v1\nindex 1\n/)
        }
      }
      expect(process.exitCode).toBe(before)
      await expect(run(['prove', '1'], [stranger])).rejects.toMatchObject({ code: 'PROOF_INVALID' })
      expect(await run(['verify'], [stranger])).toMatch(/not signed by a key that is trusted/)
      expect(process.exitCode).toBe(1)
    } finally {
      process.exitCode = before
      await rm(directory, { recursive: true })
    }
  })
})

describe('the file of the second key', () => {
  it('is made once, for this log, and is private', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'reprefix-keys-'))
    try {
      const { signer: first } = await openNoteKey(join(directory, 'log.key'), 'log.example.org')
      const path = join(directory, 'next.key')
      const { signer } = await openNextNoteKey(path, first)
      expect(signer.name).toBe('log.example.org')
      expect(signer.vkey).not.toBe(first.vkey)
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect((await openNextNoteKey(path, first)).signer.vkey).toBe(signer.vkey)
      await writeFile(path, await readFile(join(directory, 'log.key')))
      const same = openNextNoteKey(path, first)
      await expect(same).rejects.toMatchObject({ code: 'KEY_INVALID' })
      await writeFile(path, (await generateNoteSigner('other.example')).secret)
      const foreign = openNextNoteKey(path, first)
      await expect(foreign).rejects.toThrow(/is a key of other.example, not log.example.org/)
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})
