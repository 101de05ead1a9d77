import { describe, expect, it } from 'vitest'
import { createAuditLog } from '../../cloud/log/audit-log.ts'
import { renderCheckpointLine, renderEntryLine } from '../../cloud/log/export-line.ts'
import { startLog } from '../../cloud/log/start-log.ts'
import { verifyLog } from '../../cloud/log/verify-log.ts'
import type { AuditLog, Repository } from '../../cloud/ports.ts'
import { generateNoteSigner, type NoteSigner } from '../../shared/checkpoint.ts'
import { type CommitFault, createFaultyRepository } from '../fakes/faulty-repository.ts'
import type { RepositoryUnderTest } from './repository.ts'
import { at, desired, host, kid, stored, www, zone } from './stored-values.ts'

interface Writer {
  readonly repository: Repository
  readonly log: AuditLog
}

function openLog(repository: Repository, signer: NoteSigner): AuditLog {
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
  return createAuditLog({ repository, signer, sleep: pause, random: Math.random })
}

async function begin({ repository, log }: Writer, signer: NoteSigner): Promise<void> {
  const identity = { origin: signer.name, vkey: signer.vkey }
  await startLog(log, repository, identity, () => new Date(at))
}

/** Checks the whole log as an auditor does; gives the number of its entries. */
async function verified({ repository, log }: Writer, signer: NoteSigner): Promise<number> {
  const rows = await repository.range(0, 10_000)
  expect(new Set(rows.map(({ entry }) => entry)).size).toBe(rows.length)
  const lines = await Promise.all(rows.map(renderEntryLine))
  const exported = [...lines, renderCheckpointLine(await log.checkpoint())]
  const verdict = await verifyLog(exported, { vkeys: [signer.vkey] })
  expect(verdict).toMatchObject({ ok: true, entries: rows.length })
  return rows.length
}

/** Many writers of one log, and writers that do not hear what became of their commit. */
export function describeWriters(store: () => Promise<RepositoryUnderTest>): void {
  describe('that has many writers', () => {
    it.each([16, 32])('takes %i at once: no entry lost, no gap, no double', async (count) => {
      const under = await store()
      const { signer } = await generateNoteSigner('log.example.org')
      const writers: readonly Writer[] = await Promise.all(
        Array.from({ length: count }, async () => {
          const repository = await under.open()
          return { repository, log: openLog(repository, signer) }
        }),
      )
      await Promise.all(writers.map((writer) => begin(writer, signer)))
      const each = 4
      const indices = await Promise.all(
        writers.flatMap(({ log }, writer) =>
          Array.from({ length: each }, async (_, round) => {
            const policy = { writer, round }
            const entry = { v: 1, kind: 'policy', at, host: 'home', policy } as const
            return (await log.append(async () => ({ entry, writes: [] })))?.index
          }),
        ),
      )
      const rising = [...indices].sort((a, b) => Number(a) - Number(b))
      expect(rising).toEqual(Array.from({ length: count * each }, (_, i) => i + 1))
      const [first] = writers
      if (first !== undefined) expect(await verified(first, signer)).toBe(count * each + 1)
    })

    it('counts every change of one host that all of them change', async () => {
      const under = await store()
      const { signer } = await generateNoteSigner('log.example.org')
      const repository = await under.open()
      await repository.commit([], [{ kind: 'create-host', host }])
      const writers = await Promise.all(
        Array.from({ length: 8 }, async () => openLog(await under.open(), signer)),
      )
      await Promise.all(
        writers.map((log, writer) =>
          log.append(async (_, state) => {
            const known = await state.host('home')
            if (known === undefined) throw new Error('the host is gone')
            const policy = { writer, version: known.version }
            const entry = { v: 1, kind: 'policy', at, host: 'home', policy } as const
            return { entry, writes: [{ kind: 'update-host', host: known }] }
          }),
        ),
      )
      expect((await repository.host('home'))?.version).toBe(9)
      const rows = await repository.range(0, 100)
      const versions = rows.map(({ entry }) => JSON.parse(entry).policy.version)
      expect(versions).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    })

    it.each([true, false])(
      'whose commit fails, stored: %s, finds out by asking',
      async (hasStored) => {
        const under = await store()
        const { signer } = await generateNoteSigner('log.example.org')
        const faults: CommitFault[] = [{ entry: '"round":1', hasStored }]
        const repository = await under.open()
        const log = openLog(createFaultyRepository(repository, faults), signer)
        await begin({ repository, log }, signer)
        const append = (writer: AuditLog, round: number) =>
          writer.append(async (_, state) => {
            if ((await state.report(kid, round)) !== undefined) return null
            const policy = { round }
            const entry = { v: 1, kind: 'policy', at, host: 'home', policy } as const
            const report = { ...stored, seq: round }
            const writes = [
              { kind: 'record-report', report },
              { kind: 'desire', row: desired(round, null) },
              { kind: 'share-names', host: 'home', names: [www] },
            ] as const
            return { entry, writes }
          })
        await append(log, 0)
        await expect(append(log, 1)).rejects.toMatchObject({ code: 'STORE_FAILED' })
        expect((await repository.report(kid, 1)) !== undefined).toBe(hasStored)
        expect((await repository.pending(zone)).map(({ version }) => version)).toEqual([
          hasStored ? 1 : 0,
        ])
        // The one that did not hear, and another that was started instead of it.
        const other = openLog(await under.open(), signer)
        const again = await Promise.all([append(log, 1), append(other, 1), append(other, 2)])
        expect(again.filter((one) => one !== null)).toHaveLength(hasStored ? 1 : 2)
        expect(await verified({ repository, log }, signer)).toBe(4)
      },
    )
  })
}
