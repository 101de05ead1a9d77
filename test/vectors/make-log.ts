import { verifyLog } from '../../cloud/log/verify-log.ts'
import { encodeBase64 } from '../../shared/base64.ts'
import { leafHash } from '../../shared/merkle.ts'
import { parseName } from '../../shared/rrset.ts'
import { toHex } from '../unit/shared/hex.ts'
import { forgeLogs } from './make-forged.ts'
import { createAuthor } from './play.ts'
import type { EntryVectors, LogVectors } from './shapes.ts'
import { noteSignerOf, utf8 } from './signing.ts'

/** A small log with every kind of entry, and what the agents got for it. */
export interface SmallLog {
  readonly vkey: string
  /** Lines of the export, the checkpoint last. */
  readonly lines: readonly string[]
  readonly reports: readonly {
    readonly name: string
    readonly jws: string
    readonly receipt: Answer
  }[]
  readonly enrolments: readonly {
    readonly name: string
    readonly kid: string
    readonly receipt: Answer
  }[]
  readonly rotation: { readonly jws: string; readonly receipt: Answer }
}

type Answer = Readonly<Record<string, unknown>>

const aaaa = (name: string, value: string) => ({ name, type: 'AAAA', values: [value] })

/** Has two hosts report to a cloud whose operator revokes one of them. */
export async function makeSmallLog(): Promise<SmallLog> {
  const author = await createAuthor('log')
  const { vkey } = author.cloud.signer
  const home = await author.addAgent('home')
  author.wait(60_000)
  const first = await home.report('the first report', {})
  const office = await author.addAgent('office', { names: ['*.office.example.org'] })
  author.wait(60_000)
  const prefix = { current: '2001:db8:2::/64', previous: '2001:db8:1::/64', cause: 'flash' }
  const records = [
    aaaa('api.example.org', '2001:db8:2::2'),
    aaaa('www.example.org', '2001:db8:2::1'),
  ]
  const second = await home.report('a new prefix', { prefix, records })
  const foreign = { records: [aaaa('www.example.org', '2001:db8:1::9')] }
  await office.report('a name outside the policy', foreign, { status: 403, code: 'POLICY_NAME' })
  await author.failNext('second', 'forbidden')
  const own = { records: [aaaa('a.office.example.org', '2001:db8:1::7')] }
  const failed = await office.report('a provider refuses', own)
  const withdrawn = await home.report('one name fewer', { prefix, records: records.slice(1) })
  const rotation = await home.rotationTo('successor of home')
  const rotated = await author.request('a successor', '/v1/rotate', rotation, { status: 200 })
  const successor = await author.agentWith('home', 'successor of home', rotated, home.lastSeq())
  const followed = await successor.report('by the successor', { prefix, records: records.slice(1) })
  // Somebody else writes a name, and the scheduled pass writes it again.
  const www = { name: parseName('www.example.org'), type: 'AAAA' } as const
  author.cloud.dns.seed({ ...www, ttl: 60, values: ['2001:db8:2::bad'] })
  await author.cloud.pass()
  await author.revoke('office')
  await author.invite('office', { names: ['b.office.example.org'] })
  await author.revoke('office')
  const kept = { first, second, failed, withdrawn, followed }
  return {
    vkey,
    lines: await author.cloud.exportLines(),
    reports: Object.entries(kept).map(([name, { jws, answer }]) => ({
      name,
      jws,
      receipt: answer.answer,
    })),
    enrolments: [home, office].map(({ host, key, enrolled }) => ({
      name: host,
      kid: key.kid,
      receipt: enrolled.answer,
    })),
    rotation: { jws: rotation, receipt: rotated.answer },
  }
}

/** entries.json: entries of the log, and texts that are none. */
export async function makeEntries({ lines }: SmallLog): Promise<EntryVectors> {
  const entries = entriesOf(lines)
  const kindOf = (entry: string) => String(JSON.parse(entry).kind)
  const good = entries.map((entry, index) => [`ok/${index}-${kindOf(entry)}`, entry] as const)
  const of = (kind: string) => entries.find((entry) => kindOf(entry) === kind) ?? ''
  const withMember = (kind: string, members: object) =>
    JSON.stringify({ ...JSON.parse(of(kind)), ...members })
  const found33 = (_: string, value: string) => `"found":[${Array(33).fill(value).join(',')}]`
  const bad: readonly (readonly [string, string])[] = [
    ['empty', ''],
    ['not-json', 'x'],
    ['list', '[]'],
    ['white-space', of('genesis').replace('{', '{ ')],
    ['newline-at-the-end', `${of('genesis')}\n`],
    ['byte-order-mark', `\uFEFF${of('genesis')}`],
    ['member-twice', of('genesis').replace('{', '{"v":1,')],
    ['unknown-member', withMember('genesis', { note: 'x' })],
    ['unknown-kind', withMember('genesis', { kind: 'seal' })],
    ['version-2', withMember('genesis', { v: 2 })],
    ['no-time', of('genesis').replace(/"at":"[^"]*",/, '')],
    ['time-with-offset', withMember('genesis', { at: '2026-03-01T12:00:00+00:00' })],
    ['time-on-30-february', withMember('genesis', { at: '2026-02-30T12:00:00.000Z' })],
    ['vkey-too-long', withMember('genesis', { vkey: 'x'.repeat(2001) })],
    ['policy-of-no-host', withMember('policy', { host: '' })],
    ['policy-is-text', withMember('policy', { policy: 'all' })],
    ['kid-too-short', withMember('enroll', { kid: 'x' })],
    ['jws-of-two-parts', withMember('report', { jws: 'a.b' })],
    ['sequence-negative', withMember('report', { seq: -1 })],
    ['sequence-fraction', withMember('report', { seq: 1.5 })],
    ['report-without-jws', of('report').replace(/,"jws":"[^"]*"/, '')],
    ['applied-unknown-outcome', of('applied').replace('"created"', '"made"')],
    ['applied-no-digest', of('applied').replace(/"digest":"[^"]*",/, '')],
    ['applied-digest-padded', of('applied').replace(/("digest":"[^"]*)"/, '$1="')],
    ['drift-of-nothing', of('drift').replace(/"records":\[.*\]/, '"records":[]')],
    ['drift-unknown-cause', of('drift').replace('"changed"', '"stolen"')],
    ['drift-with-outcomes', of('drift').replace('"records"', '"outcomes"')],
    ['drift-found-too-much', of('drift').replace(/"found":\[(".*?")\]/, found33)],
    ['denied-detail-too-long', withMember('denied', { detail: 'x'.repeat(2001) })],
  ]
  const vectors: EntryVectors['vectors'][number][] = []
  for (const [name, entry] of good) vectors.push({ name, ...(await leafOf(entry)), verdict: 'ok' })
  for (const [name, entry] of bad) {
    vectors.push({ name: `refused/${name}`, ...(await leafOf(entry)), verdict: 'ENTRY_INVALID' })
  }
  return { vectors }
}

/** log.json: altered copies of the export, and where each is found out. */
export async function makeLogVectors({ vkey, lines }: SmallLog): Promise<LogVectors> {
  const other = (await noteSignerOf('cloud.example.org', 'another log')).signer.vkey
  const count = lines.length - 1
  const all: readonly (number | string)[] = lines.map((_, line) => line)
  const entries = [...lines.keys()].slice(0, -1)
  const kinds = entriesOf(lines).map((entry) => String(JSON.parse(entry).kind))
  const at = (kind: string) => kinds.indexOf(kind)
  const line = (index: number, entry: string, leaf?: string) =>
    JSON.stringify({ index, ...(leaf === undefined ? {} : { leaf }), entry })
  const entryAt = (index: number) => entriesOf(lines)[index] ?? ''
  const leafAt = (index: number) => String(JSON.parse(lines[index] ?? '').leaf)
  const altered = (kind: string, change: (entry: string) => string, keepLeaf = true) => {
    const index = at(kind)
    const entry = change(entryAt(index))
    if (entry === entryAt(index)) throw new Error(`the entry ${kind} is not altered`)
    return all
      .with(index, 0)
      .map((each, i) =>
        i === index ? line(index, entry, keepLeaf ? leafAt(index) : undefined) : each,
      )
  }
  const renumbered = (list: readonly number[]) => [
    ...list.map((each, index) => line(index, entryAt(each), leafAt(each))),
    count,
  ]
  const checkpoint = JSON.parse(lines[count] ?? '').checkpoint as string
  const copies: readonly (readonly [string, readonly (number | string)[], string?])[] = [
    ['intact', all],
    ['intact-without-leaf-hashes', [...entries.map((index) => line(index, entryAt(index))), count]],
    ['host-altered', altered('report', (entry) => entry.replace('"host":"home"', '"host":"evil"'))],
    [
      'host-altered-without-leaf',
      altered('report', (entry) => entry.replace('"host":"home"', '"host":"evil"'), false),
    ],
    [
      'value-altered',
      altered('applied', (entry) => entry.replace('2001:db8:1::1', '2001:db8:1::2')),
    ],
    [
      'value-altered-without-leaf',
      altered('applied', (entry) => entry.replaceAll('2001:db8:1::1', '2001:db8:1::2'), false),
    ],
    [
      'policy-widened',
      altered('policy', (entry) => entry.replace('api.example.org', 'ftp.example.org'), false),
    ],
    [
      'leaf-altered',
      all.map((each) =>
        each === 3 ? line(3, entryAt(3), encodeBase64(new Uint8Array(32))) : each,
      ),
    ],
    [
      'tree-hashes-altered',
      all.toSpliced(
        5,
        1,
        JSON.stringify({ ...JSON.parse(lines[5] ?? ''), tree: encodeBase64(new Uint8Array(32)) }),
      ),
    ],
    ['line-with-white-space', all.toSpliced(5, 1, (lines[5] ?? '').replace('{', '{ '))],
    ['line-with-member-twice', all.toSpliced(5, 1, (lines[5] ?? '').replace('{', '{"index":5,'))],
    [
      'line-in-another-order',
      all.toSpliced(
        5,
        1,
        JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(lines[5] ?? '')).reverse())),
      ),
    ],
    ['entry-dropped', all.toSpliced(4, 1)],
    ['entry-dropped-and-renumbered', renumbered(entries.toSpliced(4, 1))],
    ['entries-swapped', all.with(3, 4).with(4, 3)],
    ['entries-swapped-and-renumbered', renumbered(entries.with(3, 4).with(4, 3))],
    ['entry-doubled', all.toSpliced(5, 0, 5)],
    ['end-cut-off', entries.slice(0, -2)],
    ['end-cut-off-before-the-checkpoint', [...entries.slice(0, -2), count]],
    ['beginning-cut-off', all.slice(1)],
    ['no-lines', []],
    ['line-not-json', all.toSpliced(2, 1, '{"index":2')],
    [
      'line-with-unknown-member',
      all.toSpliced(2, 1, JSON.stringify({ ...JSON.parse(lines[2] ?? ''), x: 1 })),
    ],
    ['lines-after-the-checkpoint', [...all, 0]],
    [
      'checkpoint-of-another-size',
      all.toSpliced(
        -1,
        1,
        JSON.stringify({ checkpoint: checkpoint.replace(`\n${count}\n`, `\n${count + 1}\n`) }),
      ),
    ],
    [
      'checkpoint-unsigned',
      all.toSpliced(
        -1,
        1,
        JSON.stringify({ checkpoint: checkpoint.slice(0, checkpoint.lastIndexOf('\n\n') + 1) }),
      ),
    ],
    ['pinned-key-of-another-log', all, other],
  ]
  const vectors = []
  for (const [name, list, pinned] of [...copies, ...(await forgeLogs(lines))]) {
    const texts = list.map((each) => (typeof each === 'number' ? (lines[each] ?? '') : each))
    const { findings, ok } = await verifyLog(texts, { vkeys: [pinned ?? vkey] })
    if (ok !== name.startsWith('intact')) throw new Error(`the verdict over ${name} is wrong`)
    vectors.push({
      name,
      ...(pinned === undefined ? {} : { vkey: pinned }),
      lines: list,
      findings: findings.map(({ index, message }) => ({ index, message: withoutDetail(message) })),
    })
  }
  const { witnessed } = await verifyLog(lines, { vkeys: [vkey] })
  return { vkey, entries: count, witnessed, vectors }
}

function entriesOf(lines: readonly string[]): readonly string[] {
  return lines.slice(0, -1).map((text) => String(JSON.parse(text).entry))
}

async function leafOf(entry: string) {
  return { entry, leafHashHex: toHex(await leafHash(utf8(entry))) }
}

/** Each engine has its own words for what is wrong with JSON. */
function withoutDetail(message: string): string {
  return message.replace(/^(not a line of a log export): .*$/s, '$1')
}
