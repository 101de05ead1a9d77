import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { createApp } from '../../../cloud/app.ts'
import { createKeyRing } from '../../../cloud/fleet/key-ring.ts'
import { createNonceIssuer } from '../../../cloud/fleet/nonce-issuer.ts'
import { createZoneFlusher } from '../../../cloud/flush-zone.ts'
import { createAuditLog } from '../../../cloud/log/audit-log.ts'
import { nodeSha256 } from '../../../cloud/log/node-sha256.ts'
import { startLog } from '../../../cloud/log/start-log.ts'
import type { AuditLog, Repository } from '../../../cloud/ports.ts'
import { openLibsql } from '../../../cloud/store/libsql.ts'
import { migrate } from '../../../cloud/store/migrate.ts'
import type { SqlPort } from '../../../cloud/store/sql-port.ts'
import { createSqlRepository } from '../../../cloud/store/sql-repository.ts'
import { createZoneLeases } from '../../../cloud/zone-lease.ts'
import { encodeBase64 } from '../../../shared/base64.ts'
import {
  generateNoteSigner,
  type NoteSigner,
  openCheckpoint,
  parseVkey,
} from '../../../shared/checkpoint.ts'
import { ReprefixError } from '../../../shared/errors.ts'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { parseJoin } from '../../../shared/join.ts'
import {
  generateSigningKey,
  type SigningKey,
  signEnrolment,
  signReport,
} from '../../../shared/jws.ts'
import { createLogger } from '../../../shared/logger.ts'
import { verifyReceipt, type Witness } from '../../../shared/receipt.ts'
import { parseName } from '../../../shared/rrset.ts'
import { createFakeDns } from '../../fakes/fake-dns.ts'
import { createMemoryDnsProvider } from '../../fakes/memory-dns-provider.ts'

const URL = 'https://cloud.example.org'
const ADMIN_TOKEN = 'operator-token-of-the-bench'
const ZONE = parseName('example.org')
const PREFIX = parsePrefix('2001:db8:1::/64')
const JOSE = { 'content-type': 'application/jose' }

/** A host with its key; every report of its has another address than the one before. */
export interface BenchHost {
  readonly name: string
  readonly key: SigningKey
  sign(witness: Witness): Promise<string>
}

/** The cloud as it is served, but for the socket. */
export interface BenchCloud {
  readonly app: Hono
  readonly repository: Repository
  readonly log: AuditLog
  readonly signer: NoteSigner
  readonly hosts: readonly BenchHost[]
  /** The whole log as of now, as an agent has seen it that reported last. */
  witness(): Promise<Witness>
  /** Posts a report. @throws ReprefixError LAB_FAILED unless the answer is a receipt */
  post(jws: string): Promise<unknown>
  /** A request with a JWS, ready to be answered. */
  request(path: string, jws: string): Request
  /** Answers a report, but for sending the answer. @throws ReprefixError LAB_FAILED as `post` */
  answer(report: Request): Promise<void>
  /** Verifies a receipt as an agent does. */
  verify(receipt: unknown, jws: string, witness: Witness): Promise<void>
  /** The most entries that one transaction has put into the log so far. */
  largestCommit(): number
  close(): void
}

/**
 * Builds the cloud on a file database in `directory`, with its usual settings, DNS in memory and
 * `count` enrolled hosts. Its log lines are made as usual and then dropped.
 */
export async function startBenchCloud(directory: string, count: number): Promise<BenchCloud> {
  const { port, largestCommit } = watchCommits(
    await openLibsql(`file:${join(directory, 'cloud.db')}`),
  )
  await migrate(port)
  const repository = createSqlRepository(port)
  const { signer } = await generateNoteSigner('cloud.example.org')
  const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms).unref())
  const deps = { repository, signer, sleep, random: Math.random }
  const log = createAuditLog({ ...deps, sha256: nodeSha256 })
  const now = () => new Date()
  await startLog(log, repository, { origin: signer.name, vkey: signer.vkey }, now)
  const logger = createLogger({ level: 'info', name: 'cloud', destination: { write: () => {} } })
  const providers = new Map([[ZONE, [createMemoryDnsProvider('memory', ZONE).provider]]])
  const schedule = (ms: number, act: () => void) => {
    const timer = setTimeout(act, ms).unref()
    return () => clearTimeout(timer)
  }
  const app = createApp({
    url: URL,
    reportsUrl: `${URL}/v1/reports`,
    enrolUrl: `${URL}/v1/enroll`,
    rotateUrl: `${URL}/v1/rotate`,
    adminToken: ADMIN_TOKEN,
    silentAfterMs: 30 * 86_400_000,
    vkey: signer.vkey,
    zones: [{ name: ZONE, ttl: 60 }],
    repository,
    log,
    flusher: createZoneFlusher({
      ...{ repository, log, providers, now, sleep, random: Math.random, logger },
      leases: createZoneLeases({
        ...{ repository, holder: 'bench', now, schedule, keepMs: 2000, logger },
      }),
    }),
    providers,
    dns: createFakeDns([]).dns,
    keys: createKeyRing(),
    sha256: nodeSha256,
    nonces: createNonceIssuer(new TextEncoder().encode('secret of the bench')),
    trustedProxies: [],
    peerAddress: () => '2001:db8:1::1',
    requestId: () => randomUUID(),
    checkReady: async () => void (await repository.lastRow()),
    randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
    dnsBudgetMs: 60_000,
    now,
    sleep,
    logger,
  })

  async function ask(path: string, body: string, headers: Record<string, string>) {
    const response = await app.request(path, { method: 'POST', body, headers })
    const answer: unknown = await response.json()
    if (response.status === 200 || response.status === 201) return answer
    const text = JSON.stringify(answer)
    throw new ReprefixError('LAB_FAILED', `${path} was answered ${response.status}: ${text}`)
  }

  async function enrol(name: string): Promise<SigningKey> {
    const headers = {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      'content-type': 'application/json',
    }
    const policy = {
      names: [`${name}.example.org`],
      prefixes: [PREFIX],
      reportsPerHour: 1_000_000,
    }
    const added = await ask('/v1/admin/hosts', JSON.stringify({ host: name, policy }), headers)
    const { join: text } = added as { readonly join: string }
    const { key } = await generateSigningKey()
    const iat = Math.floor(Date.now() / 1000)
    await ask('/v1/enroll', await signEnrolment(parseJoin(text), key, iat), JOSE)
    return key
  }

  const hosts: BenchHost[] = []
  for (let i = 0; i < count; i++) {
    const name = `host-${i}`
    hosts.push(createHost(name, await enrol(name)))
  }
  const verifiers = [await parseVkey(signer.vkey)]
  return {
    app,
    repository,
    log,
    signer,
    hosts,
    witness: async () => {
      const { size, root } = await openCheckpoint(await log.checkpoint(), verifiers)
      return { size, root }
    },
    post: (jws) => ask('/v1/reports', jws, JOSE),
    request: (path, body) => new Request(`${URL}${path}`, { method: 'POST', body, headers: JOSE }),
    answer: async (report) => {
      const { status } = await app.fetch(report)
      if (status !== 200) throw new ReprefixError('LAB_FAILED', `a report was answered ${status}`)
    },
    verify: async (receipt, jws, witness) => {
      await verifyReceipt(receipt, { verifiers, witness, jws })
    },
    largestCommit,
    close: () => repository.close(),
  }
}

function watchCommits(port: SqlPort): { readonly port: SqlPort; largestCommit(): number } {
  let largest = 0
  return {
    port: {
      batch(statements) {
        const entries = statements.filter(({ sql }) => sql.startsWith('INSERT INTO log '))
        largest = Math.max(largest, entries.length)
        return port.batch(statements)
      },
      close: () => port.close(),
    },
    largestCommit: () => largest,
  }
}

/** A host of its own key; `seq` is 1, 2, …, and the last group of its address too. */
export function createHost(name: string, key: SigningKey, url = `${URL}/v1/reports`): BenchHost {
  let seq = 0
  return {
    name,
    key,
    sign({ size, root }) {
      seq += 1
      const address = `2001:db8:1::${(((seq - 1) % 0xffff) + 1).toString(16)}`
      const record = { name: parseName(`${name}.example.org`), type: 'AAAA', values: [address] }
      return signReport(
        {
          v: 1,
          host: name,
          seq,
          prefix: { current: PREFIX, cause: 'flash' },
          records: [{ ...record, type: 'AAAA' }],
          steps: [
            { step: 'docker-network', target: 'web', outcome: 'done', ms: 12.5 },
            { step: 'ndppd', target: '/etc/ndppd.conf', outcome: 'done', ms: 3.1 },
            { step: 'ip6tables', target: 'REPREFIX', outcome: 'done', ms: 4.2 },
          ],
          log: { size, root: encodeBase64(root) },
          agent: '0.1.0',
        },
        key,
        { url, iat: Math.floor(Date.now() / 1000) },
      )
    },
  }
}
