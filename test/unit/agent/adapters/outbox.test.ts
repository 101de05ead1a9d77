import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createOutbox,
  type OutboxEntry,
  type ReportBody,
} from '../../../../agent/adapters/outbox.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { parseName } from '../../../../shared/rrset.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'outbox-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

function body(subnet: number): ReportBody {
  return {
    prefix: { current: parsePrefix(`2001:db8:${subnet}::/64`), cause: 'flash' },
    records: [
      { name: parseName('a.example.org'), type: 'AAAA', values: [`2001:db8:${subnet}:0:1::1`] },
    ],
    steps: [{ step: 'route-add', target: 'br', outcome: 'done', ms: 1 }],
  }
}
function entry(id: number, signed = false): OutboxEntry {
  return {
    id,
    at: '2026-01-31T12:00:00.000Z',
    body: body(id),
    signed: signed ? { seq: id, jws: `jws ${id}`, witnessSize: 2 } : null,
    isFolded: false,
  }
}
const idsIn = ({ entries }: { entries: readonly OutboxEntry[] }) => entries.map(({ id }) => id)
const files = async () => (await readdir(directory)).sort()

async function filled(count: number) {
  const outbox = createOutbox(directory)
  for (let id = 1; id <= count; id++) await outbox.save(entry(id, id === 1))
  return outbox
}

describe('the outbox', () => {
  it('is empty before the first report', async () => {
    const outbox = createOutbox(join(directory, 'none'))
    expect(await outbox.open(0)).toEqual({ entries: [], damaged: [] })
    expect(await outbox.read()).toEqual({ entries: [], damaged: [] })
  })

  it('gives back what was saved, oldest first, also to another process', async () => {
    await filled(3)
    expect((await createOutbox(directory).open(0)).entries).toEqual([
      entry(1, true),
      entry(2),
      entry(3),
    ])
  })

  it('reads a report that an older version has left, without a time', async () => {
    const { body: told } = entry(1)
    await writeFile(
      join(directory, '000001700000000.json'),
      JSON.stringify({ body: told, signed: null }),
    )
    expect((await createOutbox(directory).open(0)).entries).toMatchObject([
      { id: 1_700_000_000, at: null, body: told },
    ])
  })

  it('forgets what is settled, as after a crash between the receipt and the removal', async () => {
    await filled(3)
    expect(idsIn(await createOutbox(directory).open(2))).toEqual([3])
    expect(await files()).toEqual(['000000000000003.json'])
  })

  it.each([
    ['a whole sibling', JSON.stringify({ at: null, body: body(2), signed: null })],
    ['half a sibling', '{"at":null,"bo'],
    ['an empty sibling', ''],
  ])('keeps the old content when it was killed between write and rename: %s', async (_, text) => {
    await filled(2)
    await writeFile(join(directory, '.000000000000002.json.new'), text)
    await writeFile(join(directory, '.000000000000003.json.new'), text)
    expect((await createOutbox(directory).open(0)).entries).toEqual([entry(1, true), entry(2)])
    expect(await files()).toEqual(['000000000000001.json', '000000000000002.json'])
  })

  it('sets damaged files aside and names them, and keeps the others', async () => {
    const outbox = await filled(6)
    await outbox.fold([entry(2), entry(3)])
    const damaged = ['000000000000002-000000000000003.ndjson', '000000000000004.json']
    for (const name of damaged) await writeFile(join(directory, name), '{"id":')
    const seen = await createOutbox(directory).read()
    expect(seen.damaged.toSorted()).toEqual(damaged.map((name) => join(directory, name)))
    const opened = await createOutbox(directory).open(0)
    expect(idsIn(opened)).toEqual([1, 5, 6])
    expect(opened.damaged.toSorted()).toEqual(
      damaged.map((name) => join(directory, `${name}.damaged`)),
    )
    expect(await createOutbox(directory).open(0)).toEqual({ entries: opened.entries, damaged: [] })
  })

  it('reads without changing anything', async () => {
    await filled(2)
    await writeFile(join(directory, '.000000000000002.json.new'), '')
    await writeFile(join(directory, '000000000000003.json'), '')
    const before = await files()
    await createOutbox(directory).read()
    expect(await files()).toEqual(before)
  })
})

describe('folded reports', () => {
  const whole = [2, 3, 4].map((id) => entry(id))
  const folded = whole.map((one) => ({ ...one, isFolded: true, body: { ...one.body, steps: [] } }))

  it('come back in order, without their steps, in one private file', async () => {
    const outbox = await filled(5)
    expect(await outbox.fold(whole)).toEqual(folded)
    expect(await files()).toEqual([
      '000000000000001.json',
      '000000000000002-000000000000004.ndjson',
      '000000000000005.json',
    ])
    expect((await createOutbox(directory).open(0)).entries).toEqual([
      entry(1, true),
      ...folded,
      entry(5),
    ])
    const text = await readFile(join(directory, '000000000000002-000000000000004.ndjson'), 'utf8')
    // The claim is the same below every prefix: it is kept once.
    expect(text.match(/a\.example\.org/g)).toHaveLength(1)
  })

  it('count once when it was killed between the fold and the removal of what it replaces', async () => {
    const outbox = await filled(5)
    await outbox.fold(whole)
    for (const one of whole) await createOutbox(directory).save(one)
    const after = createOutbox(directory)
    expect(idsIn(await after.read())).toEqual([1, 2, 3, 4, 5])
    expect(idsIn(await after.open(0))).toEqual([1, 2, 3, 4, 5])
    expect(await files()).toHaveLength(3)
  })

  it('give way to the signed report that may have been sent', async () => {
    const outbox = await filled(5)
    await outbox.fold(whole)
    await outbox.settle(1)
    const sent = { ...entry(2, true), body: { ...body(2), steps: [] } }
    await outbox.save(sent)
    const { entries } = await createOutbox(directory).open(1)
    expect(entries[0]).toEqual(sent)
    expect(idsIn({ entries })).toEqual([2, 3, 4, 5])
  })

  it('are removed when the last of them is settled', async () => {
    const outbox = await filled(5)
    await outbox.fold(whole)
    await outbox.settle(3)
    expect(await files()).toContain('000000000000002-000000000000004.ndjson')
    await outbox.settle(4)
    expect(await files()).not.toContain('000000000000002-000000000000004.ndjson')
    expect(idsIn(await createOutbox(directory).open(4))).toEqual([5])
  })
})
