import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeEnrolment } from '../../../../agent/adapters/enrolment-file.ts'
import { createOutbox } from '../../../../agent/adapters/outbox.ts'
import { renderVerification } from '../../../../agent/commands/render-verification.ts'
import { readVerification } from '../../../../agent/commands/verify.ts'
import { type AgentConfig, parseConfig } from '../../../../agent/config.ts'
import { encodeBase64 } from '../../../../shared/base64.ts'
import { generateNoteSigner } from '../../../../shared/checkpoint.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { generateSigningKey } from '../../../../shared/jws.ts'
import type { TestWorld } from '../../../fakes/test-cloud.ts'
import { createReportedHost, type StoredFile } from './reported-host.ts'

let config: AgentConfig
beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'verify-'))
  config = parseConfig(`interface: eth0\nstateDirectory: ${directory}`, 'agent.yaml', () => '')
})
afterEach(() => rm(config.paths.directory, { recursive: true, force: true }))

const ZEROS = encodeBase64(new Uint8Array(32))

function inReceipt(
  stored: StoredFile,
  member: 'entry' | 'proof',
  from: string | RegExp,
  to: string,
) {
  const text = stored.receipt[member].replace(from, to)
  expect(text).not.toBe(stored.receipt[member])
  return { ...stored, receipt: { ...stored.receipt, [member]: text } }
}

const noSettings = () => Promise.reject(new Error('no settings were needed'))
const nothing = { files: [], keys: [], onProgress: () => undefined }
const read = (change: Partial<typeof nothing> | { files: string[]; keys: string[] } = {}) =>
  readVerification(async () => config, { ...nothing, ...change })

const reportedHost = (reports?: number, world?: TestWorld) =>
  createReportedHost(config, reports, world)

describe('the verification of receipts', () => {
  it('finds what the agent has kept good, and shows what each says', async () => {
    const { vkey, seqs, witnesses } = await reportedHost()
    const counts: number[] = []
    const found = await read({ onProgress: (count: number) => void counts.push(count) } as object)
    expect(found).toMatchObject({ ok: true, vkeys: [vkey], witness: { ok: true, what: null } })
    expect(found.receipts.map(({ seq }) => seq)).toEqual(seqs)
    expect(found.receipts[1]).toMatchObject({
      prefix: '2001:db8:2::/64',
      names: ['www.example.org'],
      at: '2026-03-01T12:00:00.000Z',
      ok: true,
      what: null,
    })
    expect(counts).toEqual([1, 2, 3, 4])
    const shown = renderVerification(found).join('\n')
    expect(shown).toMatch(/^ENTRY {2}TIME .*PREFIX .*NAMES .*VERDICT$/m)
    expect(shown).toMatch(/2001:db8:4::\/64 {2}www\.example\.org {2}good$/m)
    expect(shown).toContain(
      `The next report will name the log of ${witnesses.at(-1)?.size} entries`,
    )
  })

  it.each<[string, (stored: StoredFile) => unknown, RegExp]>([
    ['the sequence', (s) => ({ ...s, seq: s.seq + 1 }), /kept for report \d+, its log entry is/],
    ['the index', (s) => ({ ...s, entry: 1 }), /kept for log entry 1, and proves entry/],
    ['the time', (s) => ({ ...s, verifiedAt: 'never' }), /no time/],
    ['an unknown member', (s) => ({ ...s, more: 1 }), /damaged/],
    ['everything', () => '', /damaged/],
    ['the report', (s) => ({ ...s, jws: s.jws?.replace(/\.[^.]{4}/, '.AAAA') }), /signature|JWS/],
    ['the whole report', (s) => ({ ...s, jws: 'e30.e30.e30' }), /malformed JWS/],
    ['the entry', (s) => inReceipt(s, 'entry', '12:00', '11:00'), /not in the log/],
    [
      'the digest in the entry',
      (s) => inReceipt(s, 'entry', /"digest":".{4}/, '"digest":"AAAA'),
      /another report/,
    ],
    [
      'the result',
      (s) => ({ ...s, receipt: { ...s.receipt, result: { outcomes: [] } } }),
      /result differs/,
    ],
    ['the index in the proof', (s) => inReceipt(s, 'proof', /index \d+/, 'index 0'), /not in the/],
    ['a hash of the proof', (s) => inReceipt(s, 'proof', /\n\S{43}=/, ''), /not in the log/],
    ['the log size', (s) => inReceipt(s, 'proof', /\n(\d+)\n/, '\n9$1\n'), /signature/],
    ['the log root', (s) => inReceipt(s, 'proof', /(\n\d+\n)\S{43}=/, `$1${ZEROS}`), /signature/],
    [
      "the log's signature",
      (s) => inReceipt(s, 'proof', /(— \S+ \S{8})\S{12}/, '$1AAAAAAAAAAAA'),
      /signature/,
    ],
    [
      'the consistency proof',
      (s) => ({ ...s, receipt: { ...s.receipt, consistency: [] } }),
      /rewritten/,
    ],
  ])('says which file is wrong and why when somebody has changed %s', async (_, change, why) => {
    const { path, alter } = await reportedHost()
    await alter(1, change)
    const found = await read()
    expect(found.ok).toBe(false)
    const wrong = found.receipts.filter(({ ok }) => !ok)
    expect(wrong.map(({ file }) => file)).toEqual([path(1)])
    expect(wrong[0]?.what).toMatch(why)
    expect(renderVerification(found).join('\n')).toContain(`${path(1)}: ${wrong[0]?.what}`)
  })

  it('sees a receipt in the place of another', async () => {
    const { path } = await reportedHost()
    await copyFile(path(0), path(1))
    const { receipts } = await read()
    const wrong = receipts.filter(({ ok }) => !ok)
    expect(wrong).toMatchObject([{ file: path(1), what: expect.stringMatching(/file should be/) }])
  })

  it('sees a log that another key has signed, and a host of another key', async () => {
    const { path } = await reportedHost()
    const other = (await generateNoteSigner('cloud.example.org')).signer.vkey
    const byOther = await readVerification(async () => config, { ...nothing, keys: [other] })
    expect(byOther.receipts.every(({ ok, what }) => !ok && /trusted/.test(what ?? ''))).toBe(true)

    const stored = JSON.parse(await readFile(config.paths.enrolment, 'utf8'))
    const { jwk } = await generateSigningKey()
    await writeEnrolment(config.paths.enrolment, { ...stored, key: jwk })
    const ofOther = await read()
    expect(ofOther.receipts[0]).toMatchObject({ file: path(0), ok: false })
    expect(ofOther.receipts[0]?.what).toMatch(/another key/)
  })

  it('sees a reporting state that was put back, changed or lost', async () => {
    const { witnesses, witnessed } = await reportedHost()
    const [, second = { size: 0, root: '' }, , last = second] = witnesses
    await witnessed(second)
    expect((await read()).witness).toMatchObject({
      file: config.paths.reporting,
      ok: false,
      what: expect.stringMatching(new RegExp(`seen a log of ${second.size} .* of ${last.size}`)),
    })
    await witnessed({ ...last, root: ZEROS })
    expect(await read()).toMatchObject({ ok: false, witness: { ok: false } })
    await writeFile(config.paths.reporting, '{')
    expect((await read()).witness).toMatchObject({
      ok: false,
      what: expect.stringContaining('damaged'),
    })
    await rm(config.paths.reporting)
    expect((await read()).witness).toMatchObject({
      ok: false,
      what: expect.stringContaining('missing'),
    })
  })

  it('takes a receipt whose report is not settled yet for what it is', async () => {
    const { witnesses, witnessed, seqs } = await reportedHost()
    await witnessed(witnesses[2] ?? { size: 0, root: '' })
    expect((await read()).ok).toBe(false)
    const prefix = { current: parsePrefix('2001:db8:4::/64'), cause: 'flash' } as const
    const body = { prefix, records: [], steps: [] }
    const signed = { seq: seqs[3] ?? 0, jws: 'a.b.c', witnessSize: witnesses[2]?.size ?? 0 }
    const entry = { id: 1, at: null, body, signed, isFolded: false }
    await createOutbox(config.paths.outbox).save(entry)
    const found = await read()
    expect(found.ok).toBe(true)
    expect(found.witness?.what).toMatch(/not settled yet/)
  })

  it('says so where a receipt between two others is gone, or its report was not kept', async () => {
    const { path, alter } = await reportedHost()
    await rm(path(1))
    await alter(3, ({ jws: _, ...older }) => older)
    const found = await read()
    expect(found.ok).toBe(true)
    expect(found.receipts.map(({ what }) => what)).toEqual([
      null,
      expect.stringMatching(/not linked/),
      expect.stringMatching(/without its report/),
    ])
    expect(renderVerification(found).join('\n')).toMatch(/good\*$/m)
  })

  it('verifies copies by the key alone, without settings, in the order of their reports', async () => {
    const { vkey, path } = await reportedHost()
    const copy = join(config.paths.directory, 'copy.json')
    await rename(path(0), copy)
    const files = [path(2), copy, path(1), copy]
    const found = await readVerification(noSettings, { ...nothing, files, keys: [vkey] })
    expect(found).toMatchObject({ ok: true, witness: null })
    expect(found.receipts.map(({ file }) => file)).toEqual([copy, copy, path(1), path(2)])
    const missing = await readVerification(noSettings, {
      ...nothing,
      files: [copy, `${copy}.none`],
      keys: [vkey],
    })
    expect(missing).toMatchObject({
      ok: false,
      receipts: [
        { file: `${copy}.none`, ok: false, what: 'there is no such file' },
        { file: copy, ok: true },
      ],
    })
  })

  it('verifies receipts under two keys of the log by either, and by no third one', async () => {
    const [next, stranger] = [
      (await generateNoteSigner('cloud.example.org')).signer,
      (await generateNoteSigner('cloud.example.org')).signer,
    ]
    const { vkey, path } = await reportedHost(2, { nextSigner: next })
    const files = [path(0), path(1)]
    for (const keys of [[vkey], [next.vkey], [stranger.vkey, next.vkey]]) {
      const found = await readVerification(noSettings, { ...nothing, files, keys })
      expect(found).toMatchObject({ ok: true, vkeys: keys })
    }
    const other = await readVerification(noSettings, { ...nothing, files, keys: [stranger.vkey] })
    expect(other.receipts.map(({ ok }) => ok)).toEqual([false, false])
  })

  it('verifies copies by the pinned key on the host itself', async () => {
    const { vkey, path } = await reportedHost(2)
    const found = await readVerification(async () => config, { ...nothing, files: [path(1)] })
    expect(found).toMatchObject({ ok: true, vkeys: [vkey], witness: null })
  })

  it('has nothing to say against a host that has not reported yet', async () => {
    await reportedHost(0)
    const found = await read()
    expect(found).toMatchObject({ ok: true, receipts: [], witness: { ok: true } })
    expect(renderVerification(found).join('\n')).toContain('No receipt is kept yet')
  })

  it('wants a key it can trust', async () => {
    await expect(read()).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('--key'),
    })
    await expect(
      readVerification(noSettings, { ...nothing, files: ['x'], keys: ['nonsense'] }),
    ).rejects.toMatchObject({ code: 'USAGE' })
  })
})
