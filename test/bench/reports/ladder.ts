import { join } from 'node:path'
import { Hono } from 'hono'
import { compactVerify } from 'jose'
import { POLICY_DEFAULTS } from '../../../cloud/domain/host-policy.ts'
import type { HostRecord } from '../../../cloud/domain/host-record.ts'
import type { LogRow, StateWrite } from '../../../cloud/ports.ts'
import { openLibsql } from '../../../cloud/store/libsql.ts'
import { migrate } from '../../../cloud/store/migrate.ts'
import type { SqlPort } from '../../../cloud/store/sql-port.ts'
import { CLEAR_GUARDS, insertRow, statementsOf } from '../../../cloud/store/sql-writes.ts'
import { signCheckpoint } from '../../../shared/checkpoint.ts'
import { EMPTY_ROOT } from '../../../shared/merkle.ts'
import { parseName } from '../../../shared/rrset.ts'
import type { BenchCloud, BenchHost } from './bench-cloud.ts'
import { plain, type Timed, timed } from './turns.ts'

/** The names of what is timed one at a time; `cloud-result.ts` knows their order. */
export const LADDER = {
  hello: 'bare Hono hello',
  verified: 'Hono + jose verify',
  inserted: 'Hono + jose verify + bare insert',
  whole: 'the whole report path',
  verification: 'one verification (jose)',
  insert: 'one durable insert of a log row',
  reportCommit: 'the durable commit of a report entry',
  appliedCommit: 'the durable commit of an applied entry',
  signature: 'one signature of a checkpoint',
} as const

const HASH = new Uint8Array(32).fill(7)
/** As many hashes as a row of a log of some thousand entries has. */
const NODES = [HASH, HASH]
const FRONTIER = Array.from({ length: 8 }, () => HASH)
const ZONE = parseName('example.org')

/** Everything that is timed one at a time, beside the whole path of `cloud`. */
export async function ladderOf(
  cloud: BenchCloud,
  directory: string,
): Promise<{ readonly cases: readonly Timed<unknown>[]; close(): void }> {
  const [host] = cloud.hosts
  if (host === undefined) throw new RangeError('a bench cloud without hosts')
  const port = await openLibsql(`file:${join(directory, 'bare.db')}`)
  await migrate(port)
  const sample = await host.sign(await cloud.witness())
  const bare = createBareStore(port, host, sample)
  const { key } = host.key
  const verify = (text: string) => compactVerify(text, key, { algorithms: ['Ed25519'] })
  const app = new Hono()
  app.get('/hello', (c) => c.json({ hello: 'world' }))
  app.post('/verified', async (c) => {
    await verify(await c.req.text())
    return c.json({ ok: true })
  })
  app.post('/inserted', async (c) => {
    await verify(await c.req.text())
    await bare.insert()
    return c.json({ ok: true })
  })
  const fetched = (name: string, request: () => Request | Promise<Request>) =>
    timed<Request>(
      name,
      async (given) => {
        const response = await app.fetch(given)
        if (response.status !== 200) throw new RangeError(`${name}: ${response.status}`)
      },
      async () => request(),
    )
  const posted = (path: string) => cloud.request(path, sample)
  const checkpoint = { origin: cloud.signer.name, size: 1000, root: EMPTY_ROOT }
  return {
    // The parts stand between each other and other cases, as they do on the whole path.
    cases: [
      fetched(LADDER.hello, () => new Request('http://localhost/hello')),
      fetched(LADDER.verified, () => posted('/verified')),
      fetched(LADDER.inserted, () => posted('/inserted')),
      timed<Request>(LADDER.whole, cloud.answer, async () =>
        cloud.request('/v1/reports', await host.sign(await cloud.witness())),
      ),
      plain(LADDER.verification, () => verify(sample)),
      plain(LADDER.reportCommit, bare.commitReport),
      plain(LADDER.insert, bare.insert),
      plain(LADDER.appliedCommit, bare.commitApplied),
      plain(LADDER.signature, () => signCheckpoint(checkpoint, cloud.signer)),
    ],
    close: () => port.close(),
  }
}

/** The store's own part: rows of the size that a report leaves, written and nothing else. */
function createBareStore(port: SqlPort, { name, key }: BenchHost, jws: string) {
  const at = new Date().toISOString()
  const digest = key.kid
  const about = { host: name, kid: key.kid, seq: 1 }
  const rr = { name: parseName(`${name}.example.org`), type: 'AAAA' as const }
  const outcome = { ...rr, provider: 'memory', outcome: 'updated', values: ['2001:db8:1::1'] }
  const report = JSON.stringify({ v: 1, kind: 'report', at, ...about, jws })
  const applied = JSON.stringify({
    v: 1,
    kind: 'applied',
    at,
    ...about,
    digest,
    outcomes: [outcome],
  })
  let next = 0
  let reported = 0
  let version = 1
  let seq = 0

  const insertOf = (kind: string, entry: string) => {
    const row: LogRow = { index: next++, entry, leaf: HASH, nodes: NODES, frontier: FRONTIER }
    return insertRow(row, { at, kind, host: name })
  }
  const commit = (insert: ReturnType<typeof insertRow>, writes: readonly StateWrite[]) =>
    port.batch([insert, ...statementsOf(writes), CLEAR_GUARDS])
  const hostOf = (): HostRecord => ({
    name,
    version,
    status: 'active',
    policy: { ...POLICY_DEFAULTS, names: [rr.name], types: ['A', 'AAAA'], prefixes: [] },
    addedAt: at,
    key: { kid: key.kid, jwk: key.jwk, lastSeq: seq, enrolledAt: at },
    claim: [rr],
  })

  return {
    insert: () => port.batch([insertOf('report', report)]),
    async commitReport(): Promise<void> {
      seq += 1
      reported = next
      const index = reported
      const set = { ...rr, ttl: 60, values: [`2001:db8:1::${(seq % 0xffff).toString(16)}`] }
      const desired = { ...rr, zone: ZONE, ttl: 60, set, host: name, version: index }
      const stored = { kid: key.kid, seq, digest, index, verdict: 'pending', keys: [rr] } as const
      const host = hostOf()
      await commit(insertOf('report', report), [
        seq === 1 ? { kind: 'create-host', host } : { kind: 'update-host', host },
        { kind: 'desire', row: { ...desired, isApplied: false } },
        { kind: 'record-report', report: stored },
      ])
      if (seq > 1) version += 1
    },
    async commitApplied(): Promise<void> {
      const index = next
      await commit(insertOf('applied', applied), [
        { kind: 'finish-report', kid: key.kid, seq, appliedIndex: index },
        { kind: 'mark-applied', key: rr, version: reported },
      ])
    },
  }
}
