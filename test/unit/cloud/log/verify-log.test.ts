import { beforeAll, describe, expect, it } from 'vitest'
import {
  parseExportLine,
  renderCheckpointLine,
  renderEntryLine,
  treeDigest,
} from '../../../../cloud/log/export-line.ts'
import { verifyLog } from '../../../../cloud/log/verify-log.ts'
import { encodeBase64 } from '../../../../shared/base64.ts'
import type { DriftRecord, LogEntry } from '../../../../shared/entry.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { EMPTY_ROOT } from '../../../../shared/merkle.ts'
import { parseName } from '../../../../shared/rrset.ts'
import { startTestCloud } from '../../../fakes/test-cloud.ts'

type TestCloud = Awaited<ReturnType<typeof startTestCloud>>

/** A log with every kind of entry that this version writes. */
async function makeCloud() {
  const cloud = await startTestCloud()
  const agent = await cloud.addAgent('home')
  await agent.report()
  await agent.report({ prefix: { current: parsePrefix('2001:db9::/64'), cause: 'flash' } })
  await agent.report({ records: [] })
  return { cloud, agent }
}

/** The line as earlier versions wrote it, and as somebody could who hides what was changed. */
function withoutHashes(line: string): string {
  const { leaf: _, tree: __, ...rest } = JSON.parse(line)
  return JSON.stringify(rest)
}

async function verdictOf(lines: readonly string[], vkey: string) {
  return verifyLog(lines, { vkeys: [vkey] })
}

describe('verifyLog on an altered export', () => {
  let cloud: TestCloud
  let lines: string[]
  let vkey: string
  beforeAll(async () => {
    cloud = (await makeCloud()).cloud
    lines = await cloud.exportLines()
    vkey = cloud.signer.vkey
  })

  it('finds nothing in one that is intact', async () => {
    expect(await verdictOf(lines, vkey)).toMatchObject({
      ok: true,
      entries: 8,
      findings: [],
      witnessed: 2,
      isKeyFromLog: false,
    })
    expect(await verifyLog(lines, {})).toMatchObject({ ok: true, isKeyFromLog: true, vkey })
  })

  it('finds a changed byte by the signed root alone', async () => {
    const step = 97
    for (const [index, line] of lines.slice(0, -1).entries()) {
      const { entry } = JSON.parse(line) as { entry: string }
      for (let at = index % step; at < entry.length; at += step) {
        const other = entry[at] === 'x' ? 'y' : 'x'
        const altered = `${entry.slice(0, at)}${other}${entry.slice(at + 1)}`
        // Whoever takes out the hashes beside the entry is found out by the root.
        const bare = lines.map((line) => withoutHashes(line))
        bare[index] = JSON.stringify({ index, entry: altered })
        expect((await verdictOf(bare, vkey)).ok, `byte ${at} of entry ${index}`).toBe(false)
      }
    }
  })

  it('finds a changed leaf hash', async () => {
    const { index, entry } = JSON.parse(lines[4] ?? '') as { index: number; entry: string }
    const leaf = encodeBase64(EMPTY_ROOT)
    const { findings } = await verdictOf(
      lines.with(4, JSON.stringify({ index, leaf, entry })),
      vkey,
    )
    expect(findings.map((finding) => finding.index)).toEqual(expect.arrayContaining([4, null]))
  })

  it('finds an entry that was dropped, whether or not the rest was renumbered', async () => {
    for (let drop = 0; drop < lines.length - 1; drop++) {
      const rest = lines.toSpliced(drop, 1)
      expect((await verdictOf(rest, vkey)).ok).toBe(false)
      const renumbered = rest.map((line, index) => line.replace(/"index":\d+/, `"index":${index}`))
      const { ok, findings } = await verdictOf(renumbered, vkey)
      expect(ok).toBe(false)
      expect(findings.at(-1)?.message).toMatch(/the checkpoint is over 8 entries, but there are 7/)
    }
  })

  it('finds two entries that were swapped, whether or not they were renumbered', async () => {
    for (let at = 0; at < lines.length - 2; at++) {
      const swapped = lines.with(at, lines[at + 1] ?? '').with(at + 1, lines[at] ?? '')
      expect((await verdictOf(swapped, vkey)).ok).toBe(false)
      const renumbered = swapped.map((line, i) => line.replace(/"index":\d+/, `"index":${i}`))
      expect((await verdictOf(renumbered, vkey)).ok).toBe(false)
    }
  })

  it('finds the end cut off, with and without its checkpoint', async () => {
    for (let keep = 0; keep < lines.length - 1; keep++) {
      const cut = lines.slice(0, keep)
      expect((await verdictOf(cut, vkey)).findings.at(-1)?.message).toMatch(/cut off|no key/)
      const withNote = [...cut, lines.at(-1) ?? '']
      expect((await verdictOf(withNote, vkey)).findings.at(-1)?.message).toMatch(/over 8 entries/)
    }
  })

  it('finds another key, an altered checkpoint and lines after it', async () => {
    const other = (await startTestCloud()).signer.vkey
    expect((await verdictOf(lines, other)).findings[0]).toMatchObject({ index: 0 })
    const note = (lines.at(-1) ?? '').replace('\\n8\\n', '\\n9\\n')
    expect((await verdictOf(lines.with(-1, note), vkey)).ok).toBe(false)
    const after = [...lines, lines[0] ?? '']
    expect((await verdictOf(after, vkey)).findings[0]?.message).toMatch(/after the checkpoint/)
  })

  it('says which line is not of an export', async () => {
    const { findings } = await verdictOf(lines.with(2, '{"index":2'), vkey)
    expect(findings[0]).toMatchObject({ index: 2, message: expect.stringMatching(/not a line/) })
  })
})

describe('verifyLog on a log that its own cloud wrote falsely', () => {
  /** The cloud holds the key, so tree and checkpoint are right: only the entries tell. */
  async function forge(cloud: TestCloud, entry: LogEntry): Promise<readonly string[]> {
    const forged = await cloud.log.append(async () => ({ entry, writes: [] }))
    const { findings } = await verdictOf(await cloud.exportLines(), cloud.signer.vkey)
    expect(findings.every(({ index }) => index === forged?.index)).toBe(true)
    return findings.map(({ message }) => message)
  }
  const at = '2026-03-01T12:00:00.000Z'

  it('finds an applied entry without its report, and one that comes twice', async () => {
    const { cloud } = await makeCloud()
    const entries = await cloud.entries()
    const applied = entries[4] as LogEntry
    expect(applied.kind).toBe('applied')
    expect(await forge(cloud, applied)).toEqual(['there is no unapplied report at 3'])
  })

  it('finds an applied entry that set something else than was reported', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    cloud.commitFaults.push({ entry: '"kind":"applied"', hasStored: false })
    const { jws } = await agent.report()
    const { digestOf } = await import('../../../../shared/jws.ts')
    const about = { host: 'home', kid: agent.key.kid, seq: cloud.clock.ms + 1 }
    const outcome = {
      name: parseName('www.example.org'),
      type: 'AAAA' as const,
      provider: 'first',
      outcome: 'created' as const,
      values: ['2001:db8:bad::1'],
    }
    const digest = await digestOf(jws)
    const entry: LogEntry = {
      v: 1,
      kind: 'applied',
      at,
      ...about,
      report: 3,
      digest,
      outcomes: [outcome],
    }
    expect(await forge(cloud, entry)).toEqual([
      'www.example.org AAAA was set to 2001:db8:bad::1, not as reported',
    ])
  })

  it('finds a report by a key that was never enrolled, or is revoked, or repeats itself', async () => {
    const { cloud, agent } = await makeCloud()
    const [, , , report] = await cloud.entries()
    const repeated = report as Extract<LogEntry, { kind: 'report' }>
    expect(await forge(cloud, repeated)).toEqual([
      expect.stringMatching(/^the sequence \d+ does not rise above \d+$/),
    ])
    const other = await startTestCloud()
    const stranger = await other.addAgent('home')
    const jws = await stranger.sign(stranger.reportOf())
    const { kid } = stranger.key
    const unknown: LogEntry = { v: 1, kind: 'report', at, host: 'home', kid, seq: 1, jws }
    const { findings } = await verdictOf(
      await (async () => {
        await cloud.log.append(async () => ({ entry: unknown, writes: [] }))
        return cloud.exportLines()
      })(),
      cloud.signer.vkey,
    )
    expect(findings.at(-1)?.message).toBe(`the key ${kid} was not enrolled`)
    const fresh = await makeCloud()
    const headers = fresh.cloud.adminHeaders
    await fresh.cloud.app.request('/v1/admin/hosts/home/revoke', { method: 'POST', headers })
    const late = fresh.agent.reportOf()
    const lateJws = await fresh.agent.sign(late)
    const entry: LogEntry = {
      ...{ v: 1, kind: 'report', at, host: 'home', kid: fresh.agent.key.kid },
      ...{ seq: late.seq, jws: lateJws },
    } as LogEntry
    expect(await forge(fresh.cloud, entry)).toContain(`the key ${fresh.agent.key.kid} was revoked`)
    expect(agent.key.kid).not.toBe(kid)
  })

  it('finds a report that the policy of its time did not permit', async () => {
    const { cloud, agent } = await makeCloud()
    const report = agent.reportOf({
      prefix: { current: parsePrefix('2001:470:1::/64'), cause: 'flash' },
      records: [{ name: parseName('mail.example.org'), type: 'AAAA', values: ['2001:470:1::1'] }],
    })
    const [jws, { kid }] = [await agent.sign(report), agent.key]
    const entry = { v: 1, kind: 'report', at, host: 'home', kid, seq: report.seq, jws } as const
    expect(await forge(cloud, entry)).toEqual([
      'the policy did not permit mail.example.org',
      'the policy did not permit 2001:470:1::/64',
    ])
  })

  it('finds that a host has seen another log', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    await agent.report()
    const root = encodeBase64(EMPTY_ROOT)
    for (const [size, message] of [
      [3, 'home has seen another log of 3 entries: it was rewritten or split'],
      [1000, 'home has seen 1000 entries, more than the log had: it was cut off'],
    ] as const) {
      const { seq } = agent.reportOf()
      const jws = await agent.sign(agent.reportOf({ seq, log: { size, root } }))
      await cloud.post('/v1/reports', jws)
      const { findings } = await verdictOf(await cloud.exportLines(), cloud.signer.vkey)
      expect(findings.at(-1)?.message).toBe(message)
    }
  })

  it('finds a host that was never added, and a key enrolled by nobody', async () => {
    const { cloud } = await makeCloud()
    const [, , enrolment] = await cloud.entries()
    const other = await startTestCloud()
    const { join } = await other.addHost('away')
    const { jws, key } = await other.enrol(join)
    const stolen = { ...(enrolment as object), host: 'away', kid: key.kid, jws } as LogEntry
    expect(await forge(cloud, stolen)).toEqual([
      'the host away was never added',
      'the enrolment used another token',
    ])
  })
})

describe('export lines', () => {
  it('hold an entry verbatim', async () => {
    const leaf = new Uint8Array(32)
    const row = { index: 3, entry: '{"a":"\\u00e9 \\n"}', leaf, nodes: [leaf], frontier: [leaf] }
    const line = (await renderEntryLine(row)).trimEnd()
    const tree = await treeDigest(row)
    expect(parseExportLine(line)).toEqual({ kind: 'entry', index: 3, entry: row.entry, leaf, tree })
    expect(renderCheckpointLine('a\nb').split('\n')).toHaveLength(2)
  })

  const spellings: readonly [string, string][] = [
    ['a member twice', '{"index":0,"entry":"a","entry":"b"}'],
    ['white space', '{"index":0, "entry":"a"}'],
    ['an escape that says nothing', '{"index":0,"entry":"\\u0061"}'],
    ['members in another order', '{"entry":"a","index":0}'],
    ['a number in another form', '{"index":0e0,"entry":"a"}'],
  ]
  it.each(spellings)('have one spelling: not %s', (_, text) => {
    expect(() => parseExportLine(text)).toThrow(/unusual spelling/)
  })
})

describe('a drift entry', () => {
  const www = parseName('www.example.org')
  const record: DriftRecord = {
    ...{ name: www, type: 'AAAA', provider: 'first', cause: 'changed' },
    ...{ found: ['2001:db8::bad'], values: ['2001:db8:1::1'] },
  }
  const cases: readonly [string, Partial<DriftRecord>, RegExp | undefined][] = [
    ['what was reported', {}, undefined],
    [
      'other values',
      { values: ['2001:db8:1::2'] },
      /restored to 2001:db8:1::2, not as last reported/,
    ],
    ['no values', { values: [] }, /restored to nothing, not as last reported/],
    ['another type', { type: 'A' }, /no report was about www\.example\.org A/],
    ['a name in no report', { name: parseName('x.example.org') }, /no report was about x\.example/],
    [
      'a name of another zone',
      { name: parseName('www.example.net') },
      /not in the zone example\.org/,
    ],
  ]
  it.each(cases)('about %s is judged', async (_, change, fault) => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    await agent.report()
    const at = '2026-03-01T13:00:00.000Z'
    const zone = parseName('example.org')
    const entry: LogEntry = { v: 1, kind: 'drift', at, zone, records: [{ ...record, ...change }] }
    await cloud.log.append(async () => ({ entry, writes: [] }))
    const { findings } = await verdictOf(await cloud.exportLines(), cloud.signer.vkey)
    expect(findings.map(({ message }) => message)).toEqual(
      fault === undefined ? [] : [expect.stringMatching(fault)],
    )
  })

  it('may restore what was withdrawn to nothing, and nothing else', async () => {
    const cloud = await startTestCloud()
    const agent = await cloud.addAgent('home')
    await agent.report()
    await agent.report({ records: [] })
    const drift = (values: string[]) =>
      cloud.log.append(async () => ({
        entry: {
          ...{
            v: 1,
            kind: 'drift',
            at: '2026-03-01T13:00:00.000Z',
            zone: parseName('example.org'),
          },
          records: [{ ...record, values }],
        },
        writes: [],
      }))
    await drift([])
    await drift(['2001:db8:1::1'])
    const { findings } = await verdictOf(await cloud.exportLines(), cloud.signer.vkey)
    expect(findings).toHaveLength(1)
  })
})
