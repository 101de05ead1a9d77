import type { AppDeps } from '../../cloud/app.ts'
import { createApp } from '../../cloud/app.ts'
import { createKeyRing } from '../../cloud/fleet/key-ring.ts'
import { createNonceIssuer } from '../../cloud/fleet/nonce-issuer.ts'
import { createZoneFlusher } from '../../cloud/flush-zone.ts'
import { createAuditLog } from '../../cloud/log/audit-log.ts'
import { renderCheckpointLine, renderEntryLine } from '../../cloud/log/export-line.ts'
import { startLog } from '../../cloud/log/start-log.ts'
import type { Repository } from '../../cloud/ports.ts'
import { type PassDeps, runPass } from '../../cloud/run-pass.ts'
import { openLibsql } from '../../cloud/store/libsql.ts'
import { migrate } from '../../cloud/store/migrate.ts'
import { requireSchema } from '../../cloud/store/schema-version.ts'
import type { SqlPort } from '../../cloud/store/sql-port.ts'
import { createSqlRepository } from '../../cloud/store/sql-repository.ts'
import { createZoneLeases } from '../../cloud/zone-lease.ts'
import { decodeBase64, encodeBase64 } from '../../shared/base64.ts'
import { generateNoteSigner, type NoteSigner, parseVkey } from '../../shared/checkpoint.ts'
import { parsePrefix } from '../../shared/ipv6.ts'
import { parseJoin } from '../../shared/join.ts'
import { generateSigningKey, type SigningKey, signEnrolment, signReport } from '../../shared/jws.ts'
import { EMPTY_ROOT } from '../../shared/merkle.ts'
import { verifyReceipt } from '../../shared/receipt.ts'
import type { Report } from '../../shared/report.ts'
import { parseName } from '../../shared/rrset.ts'
import { type DescribedAnswer, describedApp } from './described-app.ts'
import { createFakeDns } from './fake-dns.ts'
import { createFaultyDnsProvider } from './faulty-dns-provider.ts'
import { type CommitFault, createFaultyRepository } from './faulty-repository.ts'
import { recordedLog } from './recorded-log.ts'

export const CLOUD_URL = 'https://cloud.example.org'
export const ADMIN_TOKEN = 'operator-token-of-the-tests'
export const ZONE = parseName('example.org')
export const PREFIX = '2001:db8:1::/64'

const ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }
const JOSE = { 'content-type': 'application/jose' }

/** The key that `startTestCloud` makes its nonces with. */
export const NONCE_SECRET = 'secret of the tests'

/** What of another test cloud a new one goes on with, as if it was started again. */
export interface TestWorld {
  readonly store?: SqlPort
  /** A repository that is not on `store`. */
  readonly stored?: Repository
  readonly signer?: NoteSigner
  /** Signs each checkpoint too. */
  readonly nextSigner?: NoteSigner
  readonly dns?: FaultyDnsProvider
  readonly second?: FaultyDnsProvider
  /** The time of all that share a store. */
  readonly clock?: { ms: number }
  /** Whom the leases of zones are taken for; one that is started again is the same. */
  readonly holder?: string
  /** How long an unused lease is kept, in milliseconds. */
  readonly keepMs?: number
}

type FaultyDnsProvider = ReturnType<typeof createFaultyDnsProvider>

/**
 * The whole cloud on a libsql database in memory, with DNS in memory, a set clock and faults. It can go
 * on with a store and the log key of another one; with a given key, everything it answers is the same each
 * time.
 */
export async function startTestCloud(
  overrides: Partial<AppDeps> = {},
  { store, signer: logKey, ...given }: TestWorld = {},
) {
  const port = store ?? (await openLibsql(':memory:'))
  await migrate(port)
  const commitFaults: CommitFault[] = []
  const repository = createFaultyRepository(given.stored ?? createSqlRepository(port), commitFaults)
  const signer = logKey ?? (await generateNoteSigner('cloud.example.org')).signer
  const log = createAuditLog({
    repository,
    signer,
    nextSigner: given.nextSigner,
    sleep: async () => undefined,
    random: Math.random,
  })
  const clock = given.clock ?? { ms: Date.parse('2026-03-01T12:00:00Z') }
  const now = () => new Date(clock.ms)
  await startLog(log, repository, { origin: signer.name, vkey: signer.vkey }, now)
  const dns = given.dns ?? createFaultyDnsProvider('first', ZONE)
  const second = given.second ?? createFaultyDnsProvider('second', ZONE)
  const served = createFakeDns(['ns1.example.org', 'ns2.example.org'])
  const recorded = recordedLog()
  const providers = overrides.providers ?? new Map([[ZONE, [dns.provider, second.provider]]])
  const logger = overrides.logger ?? recorded.log
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref())
  const { holder = 'test', keepMs = 0 } = given
  const leases = createZoneLeases({
    ...{ repository, holder, keepMs, now, logger },
    schedule: (ms, act) => {
      const timer = setTimeout(act, ms).unref()
      return () => clearTimeout(timer)
    },
  })
  let requests = 0
  const deps: AppDeps = {
    url: CLOUD_URL,
    reportsUrl: `${CLOUD_URL}/v1/reports`,
    enrolUrl: `${CLOUD_URL}/v1/enroll`,
    rotateUrl: `${CLOUD_URL}/v1/rotate`,
    adminToken: ADMIN_TOKEN,
    silentAfterMs: 30 * 86_400_000,
    vkey: signer.vkey,
    zones: [{ name: ZONE, ttl: 60 }],
    repository,
    log,
    flusher: createZoneFlusher({
      ...{ repository, log, leases, providers, now, sleep: pause, random: Math.random },
      logger,
    }),
    providers,
    dns: served.dns,
    keys: createKeyRing(),
    nonces: createNonceIssuer(new TextEncoder().encode(NONCE_SECRET)),
    trustedProxies: [],
    peerAddress: () => '::ffff:192.0.2.7',
    requestId: () => `request-${++requests}`,
    checkReady: () => requireSchema(port, 'restart it'),
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    dnsBudgetMs: 2000,
    now,
    sleep: pause,
    logger,
    ...overrides,
  }
  const described: DescribedAnswer[] = []
  const app = describedApp(createApp(deps), described)
  /** One scheduled pass, with the cloud's own parts. */
  const pass = (change: Partial<PassDeps> = {}) => runPass({ ...deps, leases, ...change })
  const post = async (path: string, body: string, headers: Record<string, string> = JOSE) =>
    app.request(path, { method: 'POST', body, headers })

  async function addHost(host: string, policy: Record<string, unknown> = {}) {
    const whole = {
      names: ['www.example.org', 'api.example.org', '*.home.example.org'],
      prefixes: ['2001:db8::/32'],
      ...policy,
    }
    const response = await post('/v1/admin/hosts', JSON.stringify({ host, policy: whole }), ADMIN)
    const body = await jsonOf(response)
    return { response, body, join: String(body.join) }
  }

  async function enrol(join: string, own?: SigningKey) {
    const key = own ?? (await generateSigningKey()).key
    const jws = await signEnrolment(parseJoin(join), key, Math.floor(clock.ms / 1000))
    const response = await post('/v1/enroll', jws)
    return { key, jws, response, body: await jsonOf(response) }
  }

  async function addAgent(host: string, policy: Record<string, unknown> = {}) {
    const { join } = await addHost(host, policy)
    return createAgent(host, (await enrol(join)).key)
  }

  /** An agent with a key that is enrolled, and with what it has seen of the log. */
  function createAgent(host: string, key: SigningKey, seen = { size: 0, root: EMPTY_ROOT }) {
    let witness = seen
    let seq = clock.ms
    // A receipt continues the log that its report named, whatever was seen since.
    const named = new Map<string, typeof witness>()
    const agent = {
      key,
      host,
      reportOf: (change: Partial<Report> = {}): Report => ({
        v: 1,
        host,
        seq: ++seq,
        prefix: { current: parsePrefix(PREFIX), cause: 'flash' },
        records: [{ name: parseName('www.example.org'), type: 'AAAA', values: ['2001:db8:1::1'] }],
        steps: [],
        log: { size: witness.size, root: encodeBase64(witness.root) },
        agent: '0.1.0',
        ...change,
      }),
      async sign(report: Report, header: { url?: string; iat?: number; nonce?: string } = {}) {
        const iat = Math.floor(clock.ms / 1000)
        const jws = await signReport(report, key, { url: deps.reportsUrl, iat, ...header })
        named.set(jws, { size: report.log.size, root: decodeBase64(report.log.root) })
        return jws
      },
      /** Signs and posts a report; a receipt is verified as an agent does it. */
      async report(change: Partial<Report> = {}) {
        const jws = await agent.sign(agent.reportOf(change))
        return { jws, ...(await agent.post(jws)) }
      },
      async post(jws: string) {
        const response = await post('/v1/reports', jws)
        const body = await jsonOf(response)
        if (response.status !== 200) return { response, body, entry: undefined }
        const verifiers = [await parseVkey(signer.vkey)]
        const before = named.get(jws) ?? witness
        const proven = await verifyReceipt(body, { verifiers, witness: before, jws })
        if (proven.checkpoint.size > witness.size) witness = proven.checkpoint
        return { response, body, entry: proven.entry }
      },
      witness: () => witness,
    }
    return agent
  }

  /** All entries of the log, decoded. */
  async function entries(): Promise<{ kind: string; [member: string]: unknown }[]> {
    return (await repository.range(0, 10_000)).map((row) => JSON.parse(row.entry))
  }
  /** The log as `audit export` writes it. */
  async function exportLines(): Promise<string[]> {
    const rows = await repository.range(0, 10_000)
    const lines = await Promise.all(rows.map(renderEntryLine))
    return [...lines, renderCheckpointLine(await log.checkpoint())].map((line) => line.trimEnd())
  }
  return {
    app,
    deps,
    clock,
    dns,
    second,
    served,
    commitFaults,
    /** The database itself, for tests that alter it behind the cloud's back. */
    store: port,
    repository,
    log,
    leases,
    pass,
    signer,
    lines: recorded.lines,
    /** What it has answered so far; anything that the OpenAPI document does not have throws. */
    described,
    post,
    addHost,
    enrol,
    addAgent,
    createAgent,
    entries,
    exportLines,
    adminHeaders: ADMIN,
  }
}

async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>
}
