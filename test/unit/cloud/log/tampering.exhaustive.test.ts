import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createAuditLog } from '../../../../cloud/log/audit-log.ts'
import {
  type ExportLine,
  parseExportLine,
  renderCheckpointLine,
  renderEntryLine,
} from '../../../../cloud/log/export-line.ts'
import { startLog } from '../../../../cloud/log/start-log.ts'
import { verifyLog } from '../../../../cloud/log/verify-log.ts'
import type { LogRow } from '../../../../cloud/ports.ts'
import { openLibsql } from '../../../../cloud/store/libsql.ts'
import { migrate } from '../../../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../../../cloud/store/sql-repository.ts'
import { generateNoteSigner } from '../../../../shared/checkpoint.ts'
import { renderEntry } from '../../../../shared/entry.ts'
import { appendLeaf, leafHash } from '../../../../shared/merkle.ts'
import { bytesOf, makeSmallLog, type RowPart, verifyRows, withByte } from './tampering.ts'

const PARTS: readonly RowPart[] = ['entry', 'leaf', 'nodes', 'frontier']
/** One bit in turn for each byte: every bit of a byte is somewhere the one that changes. */
const flipAt = (at: number) => 1 << (at % 8)

type SmallLog = Awaited<ReturnType<typeof makeSmallLog>>

describe('a small log with every kind of entry', () => {
  let log: SmallLog
  const verify = (rows: readonly LogRow[]) => verifyRows(rows, log.checkpoint, log.vkey)
  beforeAll(async () => {
    log = await makeSmallLog()
  })

  const note = () => renderCheckpointLine(log.checkpoint)

  it('is intact', async () => {
    expect((await verify(log.rows)).findings).toEqual([])
    expect(log.rows.map(({ entry }) => JSON.parse(entry).kind)).toEqual(
      'genesis policy enroll report applied denied rotate report applied revoke'.split(' '),
    )
  })

  // Each row is judged by itself, so all are altered at once: that is what makes every byte affordable.
  // Of rows in a row whose tree hashes are wrong only the first is told, so of those every other.
  const turns = (part: RowPart) => (part === 'nodes' || part === 'frontier' ? [0, 1] : [undefined])

  it.each(PARTS)('shows each changed byte of what a row stores, and where: %s', async (part) => {
    const longest = Math.max(...log.rows.map((row) => bytesOf(row, part).length))
    for (let at = 0; at < longest; at++) {
      for (const turn of turns(part)) {
        const isAltered = (row: LogRow) => turn === undefined || row.index % 2 === turn
        // Shorter ones begin again.
        const alter = (row: LogRow) =>
          withByte(row, part, at % bytesOf(row, part).length, flipAt(at))
        const rows = log.rows.map((row) => (isAltered(row) ? alter(row) : row))
        const { findings } = await verify(rows)
        const found = new Set(findings.map(({ index }) => index))
        const missed = log.rows.filter((row) => isAltered(row) && !found.has(row.index))
        expect(missed, `byte ${at} of ${part}`).toEqual([])
      }
    }
  })

  it('shows a row that is damaged and blames no other', async () => {
    for (const [index, row] of log.rows.entries()) {
      for (const part of PARTS) {
        const rows = log.rows.with(index, withByte(row, part, 7, 1))
        const { findings } = await verify(rows)
        // What follows from an entry that cannot be believed is lost with it, so later ones are told.
        const blamed = findings.filter((finding) => part !== 'entry' || finding.index === index)
        expect(
          blamed.map((finding) => finding.index),
          `${part} of ${index}`,
        ).toEqual([index])
      }
    }
  })

  it('shows each changed byte of each line of an export', async () => {
    const lines = (await Promise.all(log.rows.map(renderEntryLine))).map((line) => line.trimEnd())
    for (const [index, line] of lines.entries()) {
      const whole = parseExportLine(line)
      for (let at = 0; at < new TextEncoder().encode(line).length; at++) {
        const parsed = readLine(alterLine(line, at))
        // A line that cannot be read, and an entry that is another one: found, as shown beside this.
        if (parsed?.kind !== 'entry' || whole.kind !== 'entry') continue
        if (parsed.entry !== whole.entry) continue
        const altered = lines.slice(0, index + 1).with(index, alterLine(line, at))
        const { findings } = await verifyLog([...altered, note()], { vkeys: [log.vkey] })
        expect(findings[0], `byte ${at} of line ${index}`).toMatchObject({ index: parsed.index })
      }
    }
  })

  it('shows each line that cannot be read', async () => {
    const lines = await Promise.all(log.rows.map(renderEntryLine))
    for (const index of lines.keys()) {
      const { findings } = await verifyLog([...lines.with(index, '{"index":}'), note()], {
        vkeys: [log.vkey],
      })
      expect(findings[0]).toMatchObject({ index, message: expect.stringMatching(/not a line/) })
    }
  })

  it('shows an entry that was changed together with its own hash', async () => {
    for (const [index, row] of log.rows.entries()) {
      const entry = row.entry.replace('2026', '2025')
      const leaf = await leafHash(new TextEncoder().encode(entry))
      const { findings } = await verify(log.rows.with(index, { ...row, entry, leaf }))
      expect(findings[0]).toMatchObject({ index })
    }
  })

  it('shows each changed byte of the checkpoint', async () => {
    const bytes = new TextEncoder().encode(note().trimEnd())
    const whole = await verifyLog([note()], { vkeys: [log.vkey] })
    expect(whole.findings[0]?.message).toBe('the checkpoint is over 10 entries, but there are 0')
    for (let at = 0; at < bytes.length; at++) {
      const text = alterLine(note().trimEnd(), at)
      const { findings } = await verifyLog([text], { vkeys: [log.vkey] })
      expect(findings[0]?.message, `byte ${at}: ${text}`).not.toBe(whole.findings[0]?.message)
    }
  })

  const renumbered = (rows: readonly LogRow[]) => rows.map((row, index) => ({ ...row, index }))

  it('shows every row that was dropped, doubled, or swapped with any other', async () => {
    for (let a = 0; a < log.rows.length; a++) {
      const row = log.rows[a] as LogRow
      const changes = [log.rows.toSpliced(a, 1), log.rows.toSpliced(a, 0, row)]
      for (let b = a + 1; b < log.rows.length; b++) {
        changes.push(log.rows.with(a, log.rows[b] as LogRow).with(b, row))
      }
      for (const rows of changes) {
        expect((await verify(rows)).ok).toBe(false)
        expect((await verify(renumbered(rows))).ok).toBe(false)
      }
    }
  })

  it('shows every row that was dropped, doubled or swapped with its tree hashes made anew', async () => {
    for (let a = 0; a < log.rows.length; a++) {
      const texts = log.rows.map(({ entry }) => entry)
      const changes = [texts.toSpliced(a, 1), texts.toSpliced(a, 0, texts[a] ?? '')]
      if (a > 0) changes.push(texts.with(a, texts[a - 1] ?? '').with(a - 1, texts[a] ?? ''))
      for (const change of changes) {
        const { ok, findings } = await verify(await grow(change))
        expect(ok).toBe(false)
        expect(findings.at(-1)?.message).toMatch(/signed root|checkpoint is over/)
      }
    }
  })

  it('shows a tail that was cut off while its checkpoint is at hand', async () => {
    for (let keep = 0; keep < log.rows.length; keep++) {
      const { findings } = await verify(log.rows.slice(0, keep))
      expect(findings.at(-1)?.message).toMatch(`is over 10 entries, but there are ${keep}`)
    }
  })
})

describe('a store that was altered, read through the cloud', () => {
  const statements: readonly [string, string, number | null][] = [
    [
      'the text of an entry',
      "UPDATE log SET body = replace(body, '03-01', '03-02') WHERE i = 3",
      3,
    ],
    ['text that is no UTF-8', "UPDATE log SET body = CAST(x'ff' AS TEXT) WHERE i = 3", 3],
    ['a leaf', 'UPDATE log SET leaf = zeroblob(32) WHERE i = 3', 3],
    ['subtrees', 'UPDATE log SET nodes = zeroblob(length(nodes)) WHERE i = 3', 3],
    ['a right edge', 'UPDATE log SET frontier = zeroblob(length(frontier)) WHERE i = 3', 3],
    ['fewer subtrees', 'UPDATE log SET nodes = substr(nodes, 1, 32) WHERE i = 3', 3],
    ['a hash that is cut off', 'UPDATE log SET nodes = substr(nodes, 1, 40) WHERE i = 3', 3],
    ['more than hashes', 'UPDATE log SET frontier = zeroblob(length(frontier) + 1) WHERE i = 3', 3],
    ['an index', 'UPDATE log SET i = 30 WHERE i = 9', 30],
    ['a row that is gone', 'DELETE FROM log WHERE i = 3', 4],
    ['all that was before', 'DELETE FROM log WHERE i < 3', 3],
  ]
  it.each(statements)('shows %s', async (_, sql, index) => {
    const { cloud, vkey, checkpoint } = await makeSmallLog()
    await cloud.store.batch([{ sql, args: [] }])
    const lines = await readEntries(cloud)
    const { findings } = await verifyLog([...lines, renderCheckpointLine(checkpoint)], {
      vkeys: [vkey],
    })
    expect(findings[0]).toMatchObject({ index })
  })

  it('does not show what nobody reads: the columns beside the entry', async () => {
    const { cloud, vkey, checkpoint } = await makeSmallLog()
    const sql = "UPDATE log SET at = '1999', kind = 'drift', host = 'other'"
    await cloud.store.batch([{ sql, args: [] }])
    const lines = await readEntries(cloud)
    expect(
      await verifyLog([...lines, renderCheckpointLine(checkpoint)], { vkeys: [vkey] }),
    ).toMatchObject({
      ok: true,
    })
  })
})

describe('what cannot be found, and why', () => {
  it('a tail that no host has seen, once its checkpoint is forgotten: it was never there', async () => {
    const { cloud, agent, vkey } = await makeSmallLog()
    const seen = agent.witness().size
    await cloud.store.batch([{ sql: 'DELETE FROM log WHERE i >= ?', args: [seen] }])
    expect(await verifyLog(await cloud.exportLines(), { vkeys: [vkey] })).toMatchObject({
      ok: true,
      entries: seen,
    })
  })

  it('a whole other log, where the key is taken from it: give --key', async () => {
    const [one, other] = [await makeSmallLog(), await makeSmallLog()]
    const lines = await other.cloud.exportLines()
    expect(await verifyLog(lines, {})).toMatchObject({ ok: true, isKeyFromLog: true })
    expect((await verifyLog(lines, { vkeys: [one.vkey] })).ok).toBe(false)
  })

  it('an export of the past: it is the log as it was, so compare its size with a witness', async () => {
    const { cloud, agent, vkey } = await makeSmallLog()
    const early = await cloud.exportLines()
    await cloud.addHost('office')
    expect(await verifyLog(early, { vkeys: [vkey] })).toMatchObject({ ok: true, entries: 10 })
    expect(agent.witness().size).toBeLessThanOrEqual(10)
  })
})

describe('a large log', () => {
  it('shows what was changed anywhere, and where', async () => {
    const { rows, checkpoint, vkey } = await makeLargeLog(600)
    expect((await verifyRows(rows, checkpoint, vkey)).ok).toBe(true)
    const change = fc.record({
      index: fc.integer({ min: 0, max: rows.length - 1 }),
      part: fc.constantFrom(...PARTS),
      at: fc.nat(),
      flip: fc.integer({ min: 1, max: 127 }),
    })
    await fc.assert(
      fc.asyncProperty(change, async ({ index, part, at, flip }) => {
        const row = rows[index] as LogRow
        const altered = withByte(row, part, at % bytesOf(row, part).length, flip)
        const { findings } = await verifyRows(rows.with(index, altered), checkpoint, vkey)
        expect(findings[0]).toMatchObject({ index })
      }),
      { numRuns: 6 },
    )
  })
})

/** The line with one byte changed; what is no UTF-8 any more is read as any reader of files does. */
function alterLine(line: string, at: number): string {
  const bytes = new TextEncoder().encode(line)
  if (at >= bytes.length) return line
  return new TextDecoder().decode(bytes.with(at, (bytes[at] ?? 0) ^ flipAt(at)))
}

function readLine(line: string): ExportLine | undefined {
  try {
    return parseExportLine(line)
  } catch {
    return undefined
  }
}

async function readEntries(cloud: SmallLog['cloud']): Promise<string[]> {
  const response = await cloud.app.request('/v1/log/entries', { headers: cloud.adminHeaders })
  return (await response.text()).trimEnd().split('\n')
}

/** Rows of a log with these entries, every hash right. */
async function grow(entries: readonly string[]): Promise<LogRow[]> {
  const rows: LogRow[] = []
  for (const [index, entry] of entries.entries()) {
    const leaf = await leafHash(new TextEncoder().encode(entry))
    const row = await appendLeaf(rows.at(-1)?.frontier ?? [], index, leaf)
    rows.push({ index, entry, ...row })
  }
  return rows
}

/** A log of that many entries; all but the first are policies. */
async function makeLargeLog(size: number) {
  const port = await openLibsql(':memory:')
  await migrate(port)
  const repository = createSqlRepository(port)
  const { signer } = await generateNoteSigner('log.example.org')
  const log = createAuditLog({ repository, signer, sleep: async () => {}, random: Math.random })
  const at = '2026-03-01T12:00:00.000Z'
  const identity = { origin: signer.name, vkey: signer.vkey }
  await startLog(log, repository, identity, () => new Date(at))
  const [genesis] = await repository.range(0, 1)
  const policies = Array.from({ length: size - 1 }, (_, mark) =>
    renderEntry({ v: 1, kind: 'policy', at, host: 'home', policy: { mark } }),
  )
  const rows = await grow([genesis?.entry ?? '', ...policies])
  await repository.commit(rows.slice(1), [])
  return { rows, checkpoint: await log.checkpoint(), vkey: signer.vkey }
}
