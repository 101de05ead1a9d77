import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../../../cloud/commands/program.ts'
import { verifyLog } from '../../../cloud/log/verify-log.ts'
import { openCheckpoint, parseVkey } from '../../../shared/checkpoint.ts'
import { copyStore } from '../../fakes/copy-store.ts'
import { startTestCloud } from '../../fakes/test-cloud.ts'
import { aaaa, api, type TestCloud, www } from './app-checks.ts'

/**
 * Whoever holds the log's key shows two hosts two logs: `home` one in which `office` is silent, `office`
 * one in which `home` is. Up to the fork, which both have seen, the logs are one.
 */
async function splitView() {
  const one = await startTestCloud()
  const home = await one.addAgent('home')
  const office = await one.addAgent('office', { names: ['api.example.org'] })
  await home.report()
  await office.report({ records: [aaaa(api, '2001:db8:1::2')] })
  const fork = (await one.repository.lastRow())?.index
  const store = await copyStore(one.store)
  const other = await startTestCloud({}, { store, signer: one.signer })
  for (const cloud of [one, other]) cloud.clock.ms += 60_000
  /** The host's agent as it is, key and witness, in front of one of the clouds. */
  const meet = (cloud: TestCloud, agent: typeof home) =>
    cloud.createAgent(agent.host, agent.key, agent.witness())
  const homeAtOne = meet(one, home)
  const officeAtOther = meet(other, office)
  await homeAtOne.report({ records: [aaaa(www, '2001:db8:1::11')] })
  await officeAtOther.report({ records: [aaaa(api, '2001:db8:1::22')] })
  return { one, other, home: homeAtOne, office: officeAtOther, meet, size: (fork ?? 0) + 3 }
}

async function findingsOf(cloud: TestCloud): Promise<readonly string[]> {
  const { findings } = await verifyLog(await cloud.exportLines(), { vkeys: [cloud.signer.vkey] })
  return findings.map(({ index, message }) => `${index}: ${message}`)
}

describe('a log that is shown to two hosts in two ways', () => {
  it('is in order by itself, as long as nobody compares', async () => {
    const { one, other, home, office, size } = await splitView()
    expect(await findingsOf(one)).toEqual([])
    expect(await findingsOf(other)).toEqual([])
    expect([home.witness().size, office.witness().size]).toEqual([size, size])
    expect(home.witness().root).not.toEqual(office.witness().root)
  })

  it('is refused by each host that is shown the log of the other', async () => {
    const { one, other, home, office, meet, size } = await splitView()
    const refused = {
      code: 'RECEIPT_INVALID',
      message: `invalid receipt: the log of ${size + 2} entries does not continue the one of ${size} seen before: it was rewritten`,
    }
    const homeAtOther = meet(other, home)
    for (const cloud of [one, other]) cloud.clock.ms += 60_000
    await expect(homeAtOther.report()).rejects.toMatchObject(refused)
    await expect(meet(one, office).report({ records: [] })).rejects.toMatchObject(refused)
    // What was seen stays: a host that has met the fork is not won over by being asked again.
    expect(homeAtOther.witness()).toEqual(home.witness())
  })

  it('is told by audit verify, which names the host that saw the other one', async () => {
    const { one, other, home, office, meet, size } = await splitView()
    const [homeAtOther, officeAtOne] = [meet(other, home), meet(one, office)]
    await homeAtOther.report().catch(() => undefined)
    await officeAtOne.report({ records: [] }).catch(() => undefined)
    const told = `another log of ${size} entries: it was rewritten or split`
    expect(await findingsOf(other)).toEqual([`${size}: home has seen ${told}`])
    expect(await findingsOf(one)).toEqual([`${size}: office has seen ${told}`])
  })

  it('is told by the command, from an export and the key alone', async () => {
    const { other, home, meet, size } = await splitView()
    await meet(other, home)
      .report()
      .catch(() => undefined)
    const directory = await mkdtemp(join(tmpdir(), 'reprefix-split-'))
    const before = process.exitCode
    try {
      const file = join(directory, 'export.ndjson')
      await writeFile(file, `${(await other.exportLines()).join('\n')}\n`)
      const out: string[] = []
      const terminal = { out: (text: string) => out.push(text), err: () => {}, isTty: false }
      const args = ['audit', 'verify', '--file', file, '--key', other.signer.vkey]
      await runProgram(args, terminal)
      expect(process.exitCode).toBe(1)
      expect(out).toEqual([
        `entry ${size}: home has seen another log of ${size} entries: it was rewritten or split`,
      ])
    } finally {
      process.exitCode = before
      await rm(directory, { recursive: true })
    }
  })

  it('stays told, however the log goes on', async () => {
    const { other, home, office, meet, size } = await splitView()
    await meet(other, home)
      .report()
      .catch(() => undefined)
    const officeAgain = meet(other, office)
    await officeAgain.report({ records: [] })
    expect(await findingsOf(other)).toEqual([expect.stringMatching(`^${size}: home has seen`)])
  })

  it('cannot be merged: the host that saw more than there is tells that it was cut off', async () => {
    const { one, home, office, meet, size } = await splitView()
    // The entries of one log that the other lacks are taken out, to go on with what both have.
    await one.store.batch([{ sql: 'DELETE FROM log WHERE i >= ?', args: [size - 2] }])
    const merged = await startTestCloud({}, { store: one.store, signer: one.signer })
    merged.clock.ms += 120_000
    await expect(meet(merged, home).report()).rejects.toMatchObject({ code: 'RECEIPT_INVALID' })
    await expect(meet(merged, office).report({ records: [] })).rejects.toMatchObject({
      code: 'RECEIPT_INVALID',
    })
    expect(await findingsOf(merged)).toEqual([
      `${size - 2}: home has seen ${size} entries, more than the log had: it was cut off`,
      `${size}: office has seen another log of ${size} entries: it was rewritten or split`,
    ])
  })

  it('is proved by its two checkpoints: one key has signed two roots of one size', async () => {
    const { one, other, size } = await splitView()
    const verifiers = [await parseVkey(one.signer.vkey)]
    const [a, b] = await Promise.all(
      [one, other].map(async ({ log }) => openCheckpoint(await log.checkpoint(), verifiers)),
    )
    expect([a?.origin, a?.size]).toEqual([b?.origin, size])
    expect(a?.root).not.toEqual(b?.root)
  })
})
