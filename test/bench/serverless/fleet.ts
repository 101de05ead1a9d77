import type { Hono } from 'hono'
import { createApp } from '../../../cloud/app.ts'
import { createKeyRing } from '../../../cloud/fleet/key-ring.ts'
import { createNonceIssuer } from '../../../cloud/fleet/nonce-issuer.ts'
import { createZoneFlusher } from '../../../cloud/flush-zone.ts'
import { createAuditLog } from '../../../cloud/log/audit-log.ts'
import { nodeSha256 } from '../../../cloud/log/node-sha256.ts'
import { startLog } from '../../../cloud/log/start-log.ts'
import { openLibsql } from '../../../cloud/store/libsql.ts'
import { migrate } from '../../../cloud/store/migrate.ts'
import { createSqlRepository } from '../../../cloud/store/sql-repository.ts'
import { createZoneLeases } from '../../../cloud/zone-lease.ts'
import { encodeBase64 } from '../../../shared/base64.ts'
import { generateNoteSigner } from '../../../shared/checkpoint.ts'
import { ReprefixError } from '../../../shared/errors.ts'
import { parsePrefix } from '../../../shared/ipv6.ts'
import { parseJoin } from '../../../shared/join.ts'
import { generateSigningKey, signEnrolment, signReport } from '../../../shared/jws.ts'
import { createLogger } from '../../../shared/logger.ts'
import { EMPTY_ROOT } from '../../../shared/merkle.ts'
import { type Fqdn, parseName } from '../../../shared/rrset.ts'
import { createFakeDns } from '../../fakes/fake-dns.ts'
import type { VirtualClock } from './virtual-clock.ts'
import type { SimulatedZone } from './zones.ts'

const URL = 'https://cloud.example.org'
const ADMIN_TOKEN = 'operator-token-of-the-bench'
const JOSE = { 'content-type': 'application/jose' }
const BEFORE = '2001:db8:1::1'
const PREFIX = parsePrefix('2001:db8:2::/64')

/** A host with one name, which its zone holds with an address of the former prefix. */
export interface BurstHost {
  readonly name: Fqdn
  readonly zone: SimulatedZone
  /** Its address in the new prefix. */
  readonly value: string
  /** The report of the new prefix. */
  sign(): Promise<string>
  post(jws: string): Promise<{ readonly status: number; readonly retryAfterSeconds: number }>
}

/** Starts a cloud by this clock, and enrols hosts whose names are spread over the zones. */
export async function startFleet(
  count: number,
  zones: readonly SimulatedZone[],
  clock: VirtualClock,
): Promise<{ readonly hosts: readonly BurstHost[] }> {
  const app = await startCloud(zones, clock)
  const hosts: BurstHost[] = []
  for (let i = 0; i < count; i++) {
    const zone = zones[i % zones.length]
    if (zone === undefined) throw new RangeError('a fleet without zones')
    const name = parseName(`h${Math.floor(i / zones.length)}.${zone.name}`)
    zone.seed(name, BEFORE)
    hosts.push(await enrol(`host-${i}`, name, zone, app, clock))
  }
  return { hosts }
}

async function startCloud(zones: readonly SimulatedZone[], clock: VirtualClock): Promise<Hono> {
  const port = await openLibsql(':memory:')
  await migrate(port)
  const repository = createSqlRepository(port)
  const { signer } = await generateNoteSigner('cloud.example.org')
  const { now, sleep, schedule } = clock
  const random = Math.random
  const log = createAuditLog({ repository, signer, sleep, random, sha256: nodeSha256 })
  await startLog(log, repository, { origin: signer.name, vkey: signer.vkey }, now)
  const logger = createLogger({ level: 'info', name: 'cloud', destination: { write: () => {} } })
  const providers = new Map(zones.map(({ name, provider }) => [name, [provider]]))
  const leases = createZoneLeases({
    repository,
    holder: 'bench',
    now,
    schedule,
    keepMs: 2000,
    logger,
  })
  return createApp({
    url: URL,
    reportsUrl: `${URL}/v1/reports`,
    enrolUrl: `${URL}/v1/enroll`,
    rotateUrl: `${URL}/v1/rotate`,
    adminToken: ADMIN_TOKEN,
    vkey: signer.vkey,
    zones: zones.map(({ name }) => ({ name, ttl: 60 })),
    repository,
    log,
    flusher: createZoneFlusher({ repository, log, leases, providers, now, sleep, random, logger }),
    providers,
    dns: createFakeDns([]).dns,
    keys: createKeyRing(),
    sha256: nodeSha256,
    nonces: createNonceIssuer(new TextEncoder().encode('secret of the bench')),
    trustedProxies: [],
    checkReady: async () => undefined,
    peerAddress: () => '2001:db8:2::1',
    requestId: () => 'request',
    randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
    dnsBudgetMs: 1500,
    silentAfterMs: 30 * 86_400_000,
    now,
    sleep,
    logger,
  })
}

async function enrol(
  host: string,
  name: Fqdn,
  zone: SimulatedZone,
  app: Hono,
  clock: VirtualClock,
): Promise<BurstHost> {
  const ask = async (path: string, body: string, headers: Record<string, string>) => {
    const response = await app.request(path, { method: 'POST', body, headers })
    if (response.ok) return (await response.json()) as Record<string, unknown>
    throw new ReprefixError('LAB_FAILED', `${path} was answered ${response.status}`)
  }
  const admin = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }
  const policy = { names: [name], prefixes: [PREFIX] }
  const { join } = await ask('/v1/admin/hosts', JSON.stringify({ host, policy }), admin)
  const { key } = await generateSigningKey()
  const iat = () => Math.floor(clock.now().getTime() / 1000)
  await ask('/v1/enroll', await signEnrolment(parseJoin(String(join)), key, iat()), JOSE)
  const value = '2001:db8:2::1'
  return {
    ...{ name, zone, value },
    sign: () =>
      signReport(
        {
          ...{ v: 1, host, seq: clock.now().getTime(), steps: [], agent: '0.1.0' },
          prefix: { current: PREFIX, cause: 'flash' },
          records: [{ name, type: 'AAAA', values: [value] }],
          log: { size: 0, root: encodeBase64(EMPTY_ROOT) },
        },
        key,
        { url: `${URL}/v1/reports`, iat: iat() },
      ),
    async post(jws) {
      const response = await app.request('/v1/reports', {
        method: 'POST',
        body: jws,
        headers: JOSE,
      })
      await response.arrayBuffer()
      const retryAfterSeconds = Number(response.headers.get('retry-after') ?? 1)
      return { status: response.status, retryAfterSeconds }
    },
  }
}
