import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ServerType, serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { messageOf, ReprefixError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import type { Fqdn } from '../shared/rrset.ts'
import type { CloudConfig } from './check-config.ts'
import { composeCloud, createCloudMemory, providersByZone } from './compose-cloud.ts'
import { buildProviders } from './dns/build-providers.ts'
import { createLazyDependencies } from './dns/lazy-dependencies.ts'
import { createProxyFinder } from './dns/verify/find-proxied.ts'
import { openDns } from './dns/verify/open-dns.ts'
import { createWriteWatcher, type WriteWatcher } from './dns/verify/watch-writes.ts'
import type { LoadedConfig } from './embedded-config.ts'
import { openLogKeys } from './log/log-keys.ts'
import { nodeSha256 } from './log/node-sha256.ts'
import { openNextNoteKey, openNoteKey } from './log/note-key-file.ts'
import { originOf } from './log/origin.ts'
import type { DesiredRow, Store } from './ports.ts'
import { requireRuntime } from './runtime-limits.ts'
import { schedulePasses } from './schedule-passes.ts'
import { migrate } from './store/migrate.ts'
import type { SqlPort } from './store/sql-port.ts'
import { createSqlStore } from './store/sql-store.ts'

/** A running cloud. */
export interface Cloud {
  /** Where it listens; the port is the real one where the configuration says 0. */
  readonly listening: AddressInfo
  /** The log's public key. */
  readonly vkey: string
  /** Takes no new request, lets the running ones finish, and closes the store. */
  stop(): Promise<void>
}

/** A whole report is 16 KiB: who sends one more slowly only holds the socket. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 20_000 }
/** A second process on the same store is an exception, which waits this long; one alone saves writes. */
const KEEP_LEASE_MS = 2000
/** How long running requests may take once the cloud stops. */
const STOP_GRACE_MS = 10_000

/** Builds the cloud on plain Node and serves it. */
export async function startCloud({ config, types }: LoadedConfig, logger: Logger): Promise<Cloud> {
  requireRuntime(config, 'node', 'cloud.yaml')
  for (const warning of config.warnings) logger.warn({ event: 'config' }, warning)
  const logKeys = await openLogKeys(config, (path, first) =>
    first === undefined ? openNoteKey(path, originOf(config.url)) : openNextNoteKey(path, first),
  )
  const store = await openStore(config)
  try {
    const dependencies = createLazyDependencies(
      () => new Date(),
      (ms) => sleep(ms),
    )
    const providers = buildProviders(config.providers, types, dependencies)
    const dns = openDns(config, async (known) =>
      (await import('./dns/verify/node-dns.ts')).createNodeDns(known),
    )
    const watcher = createWriteWatcher({
      dns,
      findProxied: createProxyFinder(providersByZone(config, providers), logger),
      schedule: scheduleUnref,
      now: () => performance.now(),
      logger,
    })
    const cloud = composeCloud(config, {
      store,
      logKeys,
      memory: createCloudMemory(logKeys),
      providers,
      dns,
      peerAddress: (c) => getConnInfo(c).remote.address,
      requestId: () => randomUUID(),
      sleep: pause,
      sha256: nodeSha256,
      onWritten: watchWrites(watcher),
      schedule: scheduleUnref,
      lease: { holder: holderOf(config), keepMs: KEEP_LEASE_MS },
      logger,
    })
    await cloud.start()
    const server = await listen(config, cloud.app.fetch)
    const listening = addressOf(server)
    const { vkey } = logKeys.first.signer
    const nextVkey = logKeys.next?.signer.vkey
    logger.info(
      {
        ...{ event: 'listening', address: listening.address, port: listening.port },
        ...{ vkey, ...(nextVkey && { nextVkey }) },
      },
      `listening on port ${listening.port} for ${config.url}`,
    )
    const passes = schedulePasses({
      run: () => cloud.pass(),
      everyMs: config.pass.everyMs,
      schedule: scheduleUnref,
      random: Math.random,
      logger,
    })
    const stop = async (): Promise<void> => {
      watcher.stop()
      const ended = passes.stop()
      await close(server)
      await Promise.race([ended, pause(STOP_GRACE_MS)])
      await cloud.stop()
      store.repository.close()
      logger.info({ event: 'stopped' }, 'stopped')
    }
    return { listening, vkey, stop }
  } catch (error) {
    store.repository.close()
    throw error
  }
}

async function openStore({ store, storeToken: token }: CloudConfig): Promise<Store> {
  const migrated = (port: SqlPort): Store =>
    createSqlStore(port, 'restart the cloud, which migrates it', (port) => migrate(port))
  switch (store.kind) {
    case 'file': {
      const { openLibsql } = await import('./store/libsql.ts')
      return migrated(await openLibsql(store.url))
    }
    case 'server': {
      const { openLibsqlServer } = await import('./store/libsql-server.ts')
      return migrated(openLibsqlServer({ url: store.url, ...(token && { token }) }))
    }
    case 'dynamodb': {
      const { openDynamo } = await import('./store/dynamodb.ts')
      return openDynamo({ table: store.table }, { sleep: pause, random: Math.random })
    }
    case 'd1':
      throw new ReprefixError('CONFIG_INVALID', 'store: D1 is there on Workers only')
  }
}

/** Never keeps the process alive by itself. */
function pause(ms: number): Promise<void> {
  return sleep(ms, undefined, { ref: false })
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
