import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAuditLog } from '../../../../cloud/log/audit-log.ts'
import { startLog } from '../../../../cloud/log/start-log.ts'
import { openLibsql } from '../../../../cloud/store/libsql.ts'
import { migrate } from '../../../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../../../cloud/store/sql-repository.ts'
import { decodeBase64 } from '../../../../shared/base64.ts'
import { generateNoteSigner, openCheckpoint, parseVkey } from '../../../../shared/checkpoint.ts'
import { leafHash } from '../../../../shared/merkle.ts'
import { verifyConsistency, verifyInclusion } from '../../../../shared/merkle-verify.ts'
import { parseTlogProof } from '../../../../shared/tlog-proof.ts'

const at = '2026-03-01T12:00:00.000Z'
const now = () => new Date(at)

async function makeLog() {
  const port = await openLibsql(':memory:')
  await migrate(port)
  const repository = createSqlRepository(port)
  const { signer } = await generateNoteSigner('log.example.org')
  const deps = { repository, signer, sleep: async () => undefined, random: () => 0 }
  const log = createAuditLog(deps)
  const verifiers = [await parseVkey(signer.vkey)]
  const append = async (mark: number) => {
    const entry = { v: 1, kind: 'policy', at, host: 'home', policy: { mark } } as const
    return log.append(async () => ({ entry, writes: [] }))
  }
  return { repository, signer, deps, log, verifiers, append, port }
}

describe('the audit log', () => {
  it('proves every entry, and consistency with every earlier size', async () => {
    const { log, verifiers, append, repository } = await makeLog()
    const size = 70
    const roots = new Map<number, Uint8Array>()
    for (let i = 0; i < size; i++) {
      await append(i)
      roots.set(i + 1, (await openCheckpoint(await log.checkpoint(), verifiers)).root)
    }
    const index = fc.integer({ min: 0, max: size - 1 })
    await fc.assert(
      fc.asyncProperty(index, fc.integer({ min: 0, max: size }), async (at, witness) => {
        const receipt = await log.receipt(at, witness)
        const { index: proven, hashes, checkpoint: note } = parseTlogProof(receipt.proof)
        const checkpoint = await openCheckpoint(note, verifiers)
        expect(proven).toBe(at)
        expect(checkpoint).toMatchObject({ size: at + 1, root: roots.get(at + 1) })
        const [row] = await repository.rows([at])
        const leaf = await leafHash(new TextEncoder().encode(receipt.entry))
        expect(leaf).toEqual(row?.leaf)
        expect(await verifyInclusion({ leaf, index: at, proof: hashes, ...checkpoint })).toBe(true)
        const root = roots.get(witness)
        if (root === undefined || witness > at + 1) return
        const proof = receipt.consistency.map(decodeBase64)
        const from = { size: witness, root }
        expect(await verifyConsistency({ from, to: checkpoint, proof })).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('gives the same receipt however much was appended since', async () => {
    const { log, append } = await makeLog()
    for (let i = 0; i < 5; i++) await append(i)
    const early = await log.receipt(4, 2)
    for (let i = 5; i < 20; i++) await append(i)
    expect(await log.receipt(4, 2)).toEqual(early)
  })

  it('gives no consistency proof to a witness that saw more than there is', async () => {
    const { log, append } = await makeLog()
    await append(0)
    expect((await log.receipt(0, 9)).consistency).toEqual([])
  })

  it('reads a number of rows for a proof that grows with the logarithm of the log', async () => {
    const { repository, deps, append } = await makeLog()
    for (let i = 0; i < 300; i++) await append(i)
    const asked: number[] = []
    const counted = {
      ...repository,
      rows: async (indices: readonly number[]) => {
        asked.push(indices.length)
        return repository.rows(indices)
      },
    }
    await createAuditLog({ ...deps, repository: counted }).receipt(299, 150)
    expect(asked).toHaveLength(1)
    expect(asked.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(
      2 * Math.ceil(Math.log2(300)),
    )
  })

  it('decides again after another writer was first', async () => {
    const { repository, deps, append } = await makeLog()
    let isFirst = true
    const raced = {
      ...repository,
      commit: async (...commit: Parameters<typeof repository.commit>) => {
        if (isFirst) {
          isFirst = false
          await append(99)
        }
        return repository.commit(...commit)
      },
    }
    const seen: number[] = []
    const entry = { v: 1, kind: 'policy', at, host: 'home', policy: {} } as const
    const appended = await createAuditLog({ ...deps, repository: raced }).append(async (index) => {
      seen.push(index)
      return { entry, writes: [] }
    })
    expect(seen).toEqual([0, 1])
    expect(appended?.index).toBe(1)
  })

  it('gives up, saying that nothing was changed, when others are always first', async () => {
    const { repository, deps } = await makeLog()
    const log = createAuditLog({
      ...deps,
      repository: { ...repository, commit: async () => 'conflict' },
    })
    const entry = { v: 1, kind: 'policy', at, host: 'home', policy: {} } as const
    await expect(log.append(async () => ({ entry, writes: [] }))).rejects.toMatchObject({
      code: 'LOG_CONTENDED',
    })
    expect(await repository.lastRow()).toBeUndefined()
  })

  it('goes on after an append that failed', async () => {
    const { log, append } = await makeLog()
    const fault = new Error('cannot decide')
    await expect(log.append(() => Promise.reject(fault))).rejects.toBe(fault)
    expect((await append(1))?.index).toBe(0)
  })
})

describe('startLog', () => {
  it('writes genesis once, and refuses a log of another key', async () => {
    const { log, repository, signer } = await makeLog()
    const identity = { origin: signer.name, vkey: signer.vkey }
    await startLog(log, repository, identity, now)
    await startLog(log, repository, identity, now)
    expect(await repository.range(0, 10)).toHaveLength(1)
    const { signer: other } = await generateNoteSigner('log.example.org')
    await expect(
      startLog(log, repository, { origin: other.name, vkey: other.vkey }, now),
    ).rejects.toMatchObject({
      code: 'LOG_KEY_MISMATCH',
      message: expect.stringMatching(/log\.key/),
    })
  })
})

describe('an altered store', () => {
  const alterations: readonly [string, string][] = [
    [
      'the text of the last entry',
      "UPDATE log SET body = replace(body, '2026', '2025') WHERE i = 5",
    ],
    ['text that is no text', "UPDATE log SET body = CAST(x'ff' AS TEXT) WHERE i = 5"],
    ['the hash of the last entry', 'UPDATE log SET leaf = zeroblob(32) WHERE i = 5'],
    ['its subtrees', 'UPDATE log SET nodes = zeroblob(length(nodes)) WHERE i = 5'],
    ['its right edge', 'UPDATE log SET frontier = zeroblob(length(frontier)) WHERE i = 5'],
    ['the length of its right edge', 'UPDATE log SET frontier = zeroblob(96) WHERE i = 5'],
  ]
  it.each(alterations)('is not continued, and still read: %s', async (_, sql) => {
    for (const isRestarted of [false, true]) {
      const { log, append, deps, port } = await makeLog()
      for (let i = 0; i <= 5; i++) await append(i)
      await port.batch([{ sql, args: [] }])
      const next = isRestarted ? createAuditLog(deps) : log
      const entry = { v: 1, kind: 'policy', at, host: 'home', policy: {} } as const
      const appended = next.append(async () => ({ entry, writes: [] }))
      await expect(appended).rejects.toMatchObject({ code: 'LOG_ALTERED' })
      expect(await next.append(async () => null)).toBeNull()
    }
  })

  it('is not continued by the process that knows of more', async () => {
    const { append, port } = await makeLog()
    for (let i = 0; i <= 5; i++) await append(i)
    await port.batch([{ sql: 'DELETE FROM log WHERE i = 5', args: [] }])
    await expect(append(6)).rejects.toMatchObject({
      code: 'LOG_ALTERED',
      message: expect.stringMatching(/entry 5 of the log: it was there and is gone/),
    })
  })

  it('whose row before the last is gone is not continued after a restart', async () => {
    const { append, deps, port } = await makeLog()
    for (let i = 0; i <= 5; i++) await append(i)
    await port.batch([{ sql: 'DELETE FROM log WHERE i = 4', args: [] }])
    const entry = { v: 1, kind: 'policy', at, host: 'home', policy: {} } as const
    const appended = createAuditLog(deps).append(async () => ({ entry, writes: [] }))
    await expect(appended).rejects.toMatchObject({ code: 'LOG_ALTERED' })
  })
})
