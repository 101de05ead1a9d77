import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { POLICY_DEFAULTS } from '../../../../cloud/domain/host-policy.ts'
import type { HostRecord } from '../../../../cloud/domain/host-record.ts'
import { createAuditLog } from '../../../../cloud/log/audit-log.ts'
import type { Draft, Drafter, Repository, StateWrite } from '../../../../cloud/ports.ts'
import { openLibsql } from '../../../../cloud/store/libsql.ts'
import { migrate } from '../../../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../../../cloud/store/sql-repository.ts'
import { generateNoteSigner } from '../../../../shared/checkpoint.ts'
import type { LogEntry } from '../../../../shared/entry.ts'
import { appendLeaf, leafHash } from '../../../../shared/merkle.ts'
import { parseName } from '../../../../shared/rrset.ts'

const at = '2026-03-01T12:00:00.000Z'
const www = parseName('www.example.org')
const record: HostRecord = {
  ...{ name: 'home', version: 1, status: 'invited', addedAt: at, claim: [] },
  policy: { ...POLICY_DEFAULTS, names: [], types: [], prefixes: [] },
}

async function makeLog(change: Partial<Repository> = {}) {
  const port = await openLibsql(':memory:')
  await migrate(port)
  const stored = createSqlRepository(port)
  const commits: number[] = []
  const repository: Repository = {
    ...stored,
    async commit(rows, ...more) {
      commits.push(rows.length)
      return stored.commit(rows, ...more)
    },
    ...change,
  }
  const { signer } = await generateNoteSigner('log.example.org')
  const pauses: number[] = []
  const sleep = async (ms: number) => void pauses.push(ms)
  const deps = { repository, signer, sleep, random: () => 0 }
  return { log: createAuditLog(deps), deps, stored, commits, pauses, port }
}

function entry(policy: Record<string, unknown> = {}): LogEntry {
  return { v: 1, kind: 'policy', at, host: 'home', policy }
}

function plain(writes: readonly StateWrite[] = []): Drafter {
  return async (index) => ({ entry: entry({ index }), writes })
}

/** Changes the host as it is by now, and says in the entry which version that was. */
const change: Drafter = async (_, state) => {
  const host = await state.host('home')
  if (host === undefined) return null
  return { entry: entry({ version: host.version }), writes: [{ kind: 'update-host', host }] }
}

async function policies(repository: Repository) {
  return (await repository.range(0, 1000)).map((row) => JSON.parse(row.entry).policy)
}

async function expectTree(repository: Repository): Promise<void> {
  let frontier: readonly Uint8Array[] = []
  for (const [index, row] of (await repository.range(0, 1000)).entries()) {
    const leaf = await leafHash(new TextEncoder().encode(row.entry))
    const tree = await appendLeaf(frontier, index, leaf)
    expect(row).toEqual({ index, entry: row.entry, ...tree })
    frontier = tree.frontier
  }
}

describe('appends that wait at the same time', () => {
  it('are stored in one commit, in the order asked, each with its own row of the tree', async () => {
    const { log, stored, commits } = await makeLog()
    await log.append(plain())
    const appended = await Promise.all(Array.from({ length: 20 }, () => log.append(plain())))
    expect(appended.map((one) => one?.index)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    expect(commits).toEqual([1, 20])
    await expectTree(stored)
  })

  it('are stored in several commits when they are very many', async () => {
    const { log, stored, commits } = await makeLog()
    await Promise.all(Array.from({ length: 150 }, () => log.append(plain())))
    expect(commits).toEqual([64, 64, 22])
    await expectTree(stored)
  })

  it('are stored in as many commits as the store needs for what they change', async () => {
    const fits: Repository['fits'] = (rows, writes) => rows.length + writes.length <= 10
    const { log, stored, commits } = await makeLog({ fits })
    const put = (kid: string): StateWrite => ({ kind: 'put-key', kid, host: 'home' })
    const small = plain([put('small')])
    const large = plain(Array.from({ length: 30 }, (_, i) => put(`large ${i}`)))
    const drafts = [small, ...Array.from({ length: 9 }, () => plain()), large, plain()]
    const appended = await Promise.all(drafts.map((draft) => log.append(draft)))
    expect(appended.map((one) => one?.index)).toEqual(Array.from({ length: 12 }, (_, i) => i))
    // One that does not fit at all is left to the store to refuse, and holds up no other.
    expect(commits).toEqual([9, 1, 1, 1])
    await expectTree(stored)
  })

  it('wait for the next commit when they have read what another changes, and read it again', async () => {
    const { log, stored, commits } = await makeLog()
    await log.append(plain([{ kind: 'create-host', host: record }]))
    await Promise.all([change, change, plain(), change].map((draft) => log.append(draft)))
    expect((await policies(stored)).slice(1)).toEqual([
      { version: 1 },
      { version: 2 },
      { index: 3 },
      { version: 3 },
    ])
    expect(commits).toEqual([1, 1, 2, 1])
  })

  it('do so too when they have found nothing where another puts something', async () => {
    const { log, stored } = await makeLog()
    const create: Drafter = async (_, state) =>
      (await state.host('home')) === undefined
        ? { entry: entry(), writes: [{ kind: 'create-host', host: record }] }
        : null
    const [first, second] = await Promise.all([log.append(create), log.append(create)])
    expect([first?.index, second]).toEqual([0, null])
    expect(await stored.range(0, 9)).toHaveLength(1)
  })

  it('fail alone when they cannot decide, or give what is no entry', async () => {
    const { log, stored } = await makeLog()
    const fault = new Error('cannot decide')
    const none = { ...entry(), at: 'yesterday' } as LogEntry
    const settled = await Promise.allSettled([
      log.append(plain()),
      log.append(() => Promise.reject(fault)),
      log.append(async () => ({ entry: none, writes: [] })),
      log.append(plain()),
      log.append(async () => null),
    ])
    expect(settled).toMatchObject([
      { value: { index: 0 } },
      { reason: fault },
      { reason: { code: 'ENTRY_INVALID' } },
      { value: { index: 1 } },
      { value: null },
    ])
    await expectTree(stored)
  })

  it.each([false, true])('all fail with their commit, which was stored: %s', async (hasStored) => {
    let faults = 1
    const { log, stored } = await makeLog()
    const fault = new Error('scripted fault of the store')
    const faulty: Repository = {
      ...stored,
      async commit(...commit) {
        const fails = faults-- > 0
        if (fails && !hasStored) throw fault
        const result = await stored.commit(...commit)
        if (fails) throw fault
        return result
      },
    }
    const { deps } = await makeLog()
    const other = createAuditLog({ ...deps, repository: faulty })
    const settled = await Promise.allSettled([1, 2, 3].map(() => other.append(plain())))
    expect(settled).toMatchObject(Array(3).fill({ reason: fault }))
    expect(await stored.range(0, 9)).toHaveLength(hasStored ? 3 : 0)
    expect((await other.append(plain()))?.index).toBe(hasStored ? 3 : 0)
    expect((await log.append(plain()))?.index).toBe(hasStored ? 4 : 1)
    await expectTree(stored)
  })

  it('go on one by one after a conflict, so that one that never fits fails alone', async () => {
    const { log, stored, commits, pauses } = await makeLog()
    await log.append(plain([{ kind: 'own-names', host: 'office', names: [www] }]))
    const blind = plain([{ kind: 'own-names', host: 'home', names: [www] }])
    const settled = await Promise.allSettled([plain(), blind, plain()].map((d) => log.append(d)))
    expect(settled).toMatchObject([
      { status: 'fulfilled' },
      { reason: { code: 'LOG_CONTENDED' } },
      { status: 'fulfilled' },
    ])
    expect(commits.slice(0, 3)).toEqual([1, 3, 1])
    expect(pauses.length).toBeGreaterThanOrEqual(39)
    expect(await stored.range(0, 9)).toHaveLength(3)
    await expectTree(stored)
  })

  it('fail when the store cannot be read, and only while it cannot', async () => {
    let faults = 1
    const { deps, stored } = await makeLog()
    const fault = new Error('cannot read')
    const lastRow = () => (faults-- > 0 ? Promise.reject(fault) : stored.lastRow())
    const log = createAuditLog({ ...deps, repository: { ...stored, lastRow } })
    const settled = await Promise.allSettled([log.append(plain()), log.append(plain())])
    expect(settled).toMatchObject([{ reason: fault }, { value: { index: 0 } }])
  })
})

describe('the last row', () => {
  async function counted() {
    const made = await makeLog()
    const reads: number[] = []
    const lastRow = () => {
      reads.push(reads.length)
      return made.stored.lastRow()
    }
    const log = createAuditLog({ ...made.deps, repository: { ...made.deps.repository, lastRow } })
    return { ...made, log, reads }
  }

  it('is read once by a process that appends alone', async () => {
    const { log, stored, reads } = await counted()
    for (let i = 0; i < 10; i++) await log.append(plain())
    expect(reads).toHaveLength(1)
    await expectTree(stored)
  })

  it('is read before each append while another process appends too, without more conflicts', async () => {
    const { log, deps, stored, reads, commits } = await counted()
    const other = createAuditLog(deps)
    for (let i = 0; i < 10; i++) {
      expect((await log.append(plain()))?.index).toBe(2 * i)
      expect((await other.append(plain()))?.index).toBe(2 * i + 1)
    }
    // Each has met the other once before it looked.
    expect(commits.length).toBeLessThanOrEqual(22)
    await log.append(plain())
    const before = reads.length
    await log.append(plain())
    await log.append(plain())
    expect(reads.length - before).toBeLessThanOrEqual(1)
    await expectTree(stored)
  })

  it('is checked by the commit itself, so that nothing follows one that was altered meanwhile', async () => {
    const { log, stored, port } = await counted()
    await log.append(plain())
    const draft: Drafter = async (index) => {
      await port.batch([{ sql: 'UPDATE log SET leaf = zeroblob(32) WHERE i = 0', args: [] }])
      return { entry: entry({ index }), writes: [] }
    }
    await expect(log.append(draft)).rejects.toMatchObject({ code: 'LOG_ALTERED' })
    expect(await stored.range(0, 9)).toHaveLength(1)
  })
})

describe('an append that is on its way', () => {
  it('is waited for, and stored together with those that wait', async () => {
    const { deps, commits } = await makeLog()
    const log = createAuditLog({ ...deps, sleep: () => new Promise(() => undefined) })
    const hasCome = log.anticipate()
    const first = log.append(plain())
    await new Promise(setImmediate)
    expect(commits).toEqual([])
    const second = log.append(plain())
    hasCome()
    hasCome()
    expect((await Promise.all([first, second])).map((one) => one?.index)).toEqual([0, 1])
    expect(commits).toEqual([2])
  })

  it('is not waited for any longer than a moment, or when it will not come', async () => {
    const { log, commits, pauses, deps } = await makeLog()
    log.anticipate()
    expect((await log.append(plain()))?.index).toBe(0)
    expect(pauses).toEqual([2])
    const patient = createAuditLog({ ...deps, sleep: () => new Promise(() => undefined) })
    patient.anticipate()()
    expect((await patient.append(plain()))?.index).toBe(1)
    expect(commits).toEqual([1, 1])
  })
})

describe('a log that is quiet', () => {
  const never = () => new Promise<void>(() => undefined)
  const hasHeard = async (heard: Promise<void>) => {
    await new Promise(setImmediate)
    return Promise.race([heard.then(() => true), Promise.resolve(false)])
  }

  it('says so at once, and else when all that waited or was on its way is stored', async () => {
    const { deps, commits } = await makeLog()
    const log = createAuditLog({ ...deps, sleep: never })
    await log.quiet(1000)
    const hasCome = log.anticipate()
    const heard = log.quiet(1000)
    expect(await hasHeard(heard)).toBe(false)
    const appended = log.append(plain())
    expect(await hasHeard(heard)).toBe(false)
    hasCome()
    await Promise.all([heard, appended])
    expect(commits).toEqual([1])
    await log.quiet(1000)
  })

  it('is waited for no longer than was asked', async () => {
    const { log, pauses } = await makeLog()
    log.anticipate()
    await log.quiet(77)
    expect(pauses).toEqual([77])
  })
})

describe('decisions that are stored together', () => {
  const names = ['a', 'b'].map((label) => parseName(`${label}.example.org`))
  const step = fc.record({
    host: fc.constantFrom('home', 'office', 'shed'),
    name: fc.constantFrom(...names),
    isRelease: fc.boolean(),
  })

  it('are those that the log gives one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 24 }), async (steps) => {
        const { log, stored } = await makeLog()
        const draft =
          ({ host, name, isRelease }: (typeof steps)[number]): Drafter =>
          async (_, state): Promise<Draft> => {
            const [owner = null] = (await state.owners([name])).get(name) ?? []
            const kind = isRelease ? 'release-names' : 'own-names'
            const isMine = owner === host || (owner === null && !isRelease)
            return {
              entry: entry({ host, name, isRelease, owner }),
              writes: isMine ? [{ kind, host, names: [name] }] : [],
            }
          }
        await Promise.all(steps.map((one) => log.append(draft(one))))
        const owners = new Map<string, string | null>()
        const logged = await policies(stored)
        expect(logged).toHaveLength(steps.length)
        for (const { host, name, isRelease, owner } of logged) {
          expect(owner).toBe(owners.get(name) ?? null)
          if (isRelease && owner === host) owners.set(name, null)
          if (!isRelease && owner === null) owners.set(name, host)
        }
      }),
      { numRuns: 60 },
    )
  })
})
