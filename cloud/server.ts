import { randomBytes, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ServerType, serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { NoteSigner } from '../shared/checkpoint.ts'
import { messageOf, ReprefixError } from '../shared/errors.ts'
import { createReferenceResolver, readFault } from '../shared/files.ts'
import type { Logger } from '../shared/logger.ts'
import type { Fqdn } from '../shared/rrset.ts'
import { type AppDeps, createApp } from './app.ts'
import { type CloudConfig, parseConfig } from './config.ts'
import { createProviders } from './dns/providers.ts'
import type { AuthoritativeDns, NameServer } from './dns/verify/authoritative-dns.ts'
import { createDohDns } from './dns/verify/doh-dns.ts'
import { createProxyFinder } from './dns/verify/find-proxied.ts'
import { createNodeDns } from './dns/verify/node-dns.ts'
import { createWriteWatcher, type WriteWatcher } from './dns/verify/watch-writes.ts'
import type { DnsProvider } from './domain/dns-provider.ts'
import { createKeyRing } from './fleet/key-ring.ts'
import { createNonceIssuer } from './fleet/nonce-issuer.ts'
import { createZoneFlusher } from './flush-zone.ts'
import { createAuditLog } from './log/audit-log.ts'
import { nodeSha256 } from './log/node-sha256.ts'
import { openNextNoteKey, openNoteKey } from './log/note-key-file.ts'
import { startLog } from './log/start-log.ts'
import type { DesiredRow } from './ports.ts'
import { runPass } from './run-pass.ts'
import { schedulePasses } from './schedule-passes.ts'
import { openLibsql } from './store/libsql.ts'
import { migrate } from './store/migrate.ts'
import { createSqlRepository } from './store/sql-repository.ts'
import { createZoneLeases } from './zone-lease.ts'

/** A running cloud. */
export interface Cloud {
  /** Where it listens; the port is the real one where the configuration says 0. */
  readonly listening: AddressInfo
  /** The log's public key. */
  readonly vkey: string
  /** Takes no new request, lets the running ones finish, and closes the store. */
  stop(): Promise<void>
}

/** How long a request waits for DNS before its 202; agents give a first attempt two seconds. */
const DNS_BUDGET_MS = 1500
/** How long a pass waits for the DNS of a report; nobody waits for the pass. */
const PASS_DNS_BUDGET_MS = 20_000
/** A whole report is 16 KiB: who sends one more slowly only holds the socket. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 20_000 }
/** A second process on the same store is an exception, which waits this long; one alone saves writes. */
const KEEP_LEASE_MS = 2000
/** How long running requests may take once the cloud stops. */
const STOP_GRACE_MS = 10_000

/** Reads cloud.yaml with `${env:…}` and `${file:…}` resolved. @throws ReprefixError CONFIG_INVALID */
export async function readConfig(path: string): Promise<CloudConfig> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const { message } = readFault(path, cause)
    throw new ReprefixError('CONFIG_INVALID', `${message}; --config names another`, { cause })
  }
  return parseConfig(text, path, createReferenceResolver(process.env))
}

/** Builds the cloud on plain Node and serves it. */
export async function startCloud(config: CloudConfig, logger: Logger): Promise<Cloud> {
  for (const warning of config.warnings) logger.warn({ event: 'config' }, warning)
  const now = () => new Date()
  const providers = providersByZone(config, now)
  const { signer, secret } = await openNoteKey(config.logKeyPath, originOf(config.url))
  const nextSigner = await nextSignerOf(config, signer)
  const port = await openLibsql(config.store)
  try {
    await migrate(port)
    const repository = createSqlRepository(port)
    // A pause never keeps the process alive by itself.
    const wait = (ms: number) => sleep(ms, undefined, { ref: false })
    const log = createAuditLog({
      repository,
      signer,
      nextSigner,
      sleep: wait,
      random: Math.random,
      sha256: nodeSha256,
    })
    await startLog(log, repository, { origin: signer.name, vkey: signer.vkey }, now)
    const dns = dnsOf(config)
    const watcher = createWriteWatcher({
      dns,
      findProxied: createProxyFinder(providers, logger),
      schedule: scheduleUnref,
      now: () => performance.now(),
      logger,
    })
    const leases = createZoneLeases({
      repository,
      holder: holderOf(config),
      now,
      schedule: scheduleUnref,
      keepMs: KEEP_LEASE_MS,
      logger,
    })
    const flusher = createZoneFlusher({
      repository,
      log,
      leases,
      providers,
      now,
      sleep: wait,
      random: Math.random,
      logger,
      onWritten: watchWrites(watcher),
    })
    const deps: AppDeps = {
      url: config.url,
      reportsUrl: `${config.url}/v1/reports`,
      enrolUrl: `${config.url}/v1/enroll`,
      rotateUrl: `${config.url}/v1/rotate`,
      adminToken: config.adminToken,
      silentAfterMs: config.pass.silentAfterMs,
      // Who is enrolled from now on has no need of the first key.
      vkey: (nextSigner ?? signer).vkey,
      zones: config.zones,
      repository,
      log,
      flusher,
      providers,
      dns,
      keys: createKeyRing(),
      sha256: nodeSha256,
      nonces: await createNonceIssuer(new TextEncoder().encode(secret)),
      trustedProxies: config.trustedProxies,
      peerAddress: (c) => getConnInfo(c).remote.address,
      requestId: randomUUID,
      randomBytes: (count) => randomBytes(count),
      dnsBudgetMs: DNS_BUDGET_MS,
      now,
      sleep: wait,
      logger,
    }
    const app = createApp(deps)
    const server = await listen(config, app.fetch)
    const listening = addressOf(server)
    logger.info(
      {
        ...{ event: 'listening', address: listening.address, port: listening.port },
        ...{ vkey: signer.vkey, ...(nextSigner && { nextVkey: nextSigner.vkey }) },
      },
      `listening on port ${listening.port} for ${config.url}`,
    )
    const passes = schedulePasses({
      run: () => runPass({ ...deps, leases, dnsBudgetMs: PASS_DNS_BUDGET_MS }),
      everyMs: config.pass.everyMs,
      schedule: scheduleUnref,
      random: Math.random,
      logger,
    })
    const stop = async (): Promise<void> => {
      watcher.stop()
      const ended = passes.stop()
      await close(server)
      await Promise.race([ended, wait(STOP_GRACE_MS)])
      await leases.stop()
      repository.close()
      logger.info({ event: 'stopped' }, 'stopped')
    }
    return { listening, vkey: signer.vkey, stop }
  } catch (error) {
    port.close()
    throw error
  }
}

/**
 * The same at each start, so that after a crash no lease is waited for; two processes on one machine do
 * not listen on the same port.
 */
function holderOf({ listen: { host, port } }: CloudConfig): string {
  return `${hostname()} ${host} ${port === 0 ? randomUUID() : port}`
}

/** A timer that does not keep the process alive by itself. */
function scheduleUnref(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms).unref()
  return () => clearTimeout(timer)
}

function watchWrites(watcher: WriteWatcher) {
  return (zone: Fqdn, rows: readonly DesiredRow[]): void => {
    const written = rows.map(({ name, type, ttl, set }) => ({
      ...{ name, type, ttl },
      values: set?.values ?? null,
    }))
    watcher.watch(zone, written)
  }
}

async function nextSignerOf(
  { logNextKeyPath }: CloudConfig,
  first: NoteSigner,
): Promise<NoteSigner | undefined> {
  if (logNextKeyPath === undefined) return undefined
  return (await openNextNoteKey(logNextKeyPath, first)).signer
}

/** The log's name: the public URL without its scheme (C2SP tlog-checkpoint). */
function originOf(url: string): string {
  return url.replace(/^https?:\/\//, '')
}

function providersByZone(
  { zones, providers: settings }: CloudConfig,
  now: () => Date,
): ReadonlyMap<Fqdn, readonly DnsProvider[]> {
  const providers = createProviders(settings, { now })
  return new Map(
    zones.map((zone) => [zone.name, zone.providers.flatMap((id) => providers.get(id) ?? [])]),
  )
}

/** Asks the zones' own servers, or the resolvers that the settings name instead. */
function dnsOf(config: CloudConfig): AuthoritativeDns {
  const { dnsOverHttps } = config
  if (dnsOverHttps.length === 0) return createNodeDns(nameServersByZone(config))
  return createDohDns(dnsOverHttps, { fetch, deadline: (ms) => AbortSignal.timeout(ms) })
}

function nameServersByZone({ zones }: CloudConfig): ReadonlyMap<Fqdn, readonly NameServer[]> {
  return new Map(
    zones.flatMap(({ name, nameServers }) => (nameServers ? [[name, nameServers] as const] : [])),
  )
}

type Fetch = Parameters<typeof serve>[0]['fetch']

function listen({ listen: { host, port } }: CloudConfig, fetch: Fetch): Promise<ServerType> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname: host, port, serverOptions: TIMEOUTS }, () => {
      server.off('error', refuse)
      resolve(server)
    })
    const refuse = (cause: unknown): void => {
      const remedy = 'choose another "listen" address, or stop what uses it'
      reject(
        new ReprefixError(
          'LISTEN_FAILED',
          `failed to listen on ${host} port ${port}: ${messageOf(cause)}; ${remedy}`,
          { cause },
        ),
      )
    }
    server.once('error', refuse)
  })
}

function addressOf(server: ServerType): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string') {
    throw new ReprefixError('LISTEN_FAILED', 'the server has no address')
  }
  return address
}

async function close(server: ServerType): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  if ('closeIdleConnections' in server) server.closeIdleConnections()
  await Promise.race([closed, sleep(STOP_GRACE_MS, undefined, { ref: false })])
  if ('closeAllConnections' in server) server.closeAllConnections()
}
