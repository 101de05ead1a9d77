import type { Context } from 'hono'
import type { Hono } from 'hono/tiny'
import type { Logger } from '../shared/logger.ts'
import type { Sha256 } from '../shared/merkle.ts'
import type { Fqdn } from '../shared/rrset.ts'
import { type AppDeps, createApp } from './app.ts'
import type { CloudConfig } from './check-config.ts'
import type { AuthoritativeDns } from './dns/verify/authoritative-dns.ts'
import type { DnsProvider } from './domain/dns-provider.ts'
import { createKeyRing } from './fleet/key-ring.ts'
import { createNonceIssuer } from './fleet/nonce-issuer.ts'
import { createZoneFlusher } from './flush-zone.ts'
import { createAuditLog } from './log/audit-log.ts'
import type { LogKeys } from './log/note-key.ts'
import { createRowMemory, type RowMemory } from './log/row-memory.ts'
import { readFirstRow, startLog } from './log/start-log.ts'
import type { DesiredRow, KeyRing, NonceIssuer, Store } from './ports.ts'
import type { ZoneMemory } from './write-rows.ts'
import { createZoneLeases } from './zone-lease.ts'

/**
 * What one process may keep between requests, whatever other instances do: keys and rows that never
 * change, nonces that each instance with the same key makes and accepts alike, and what providers call
 * their zones, which is asked anew after a fault.
 */
export interface CloudMemory {
  readonly keys: KeyRing
  readonly rows: RowMemory
  readonly nonces: NonceIssuer
  readonly zones: ZoneMemory
}

/** What each runtime brings. */
export interface RuntimeParts {
  readonly store: Store
  readonly logKeys: LogKeys
  readonly memory: CloudMemory
  /** All providers of cloud.yaml, by the name that zones refer to. */
  readonly providers: ReadonlyMap<string, DnsProvider>
  readonly dns: AuthoritativeDns
  /** The address of the peer as the runtime vouches for it, never from what a client can write. */
  readonly peerAddress: (c: Context) => string | undefined
  /** The platform's own identifier of a request where it has one. */
  readonly requestId: (c: Context) => string
  readonly sleep: (ms: number) => Promise<void>
  /** The runtime's fastest; Web Crypto unless given. */
  readonly sha256?: Sha256
  /** Told of RRsets that a provider has accepted just now. */
  readonly onWritten?: (zone: Fqdn, rows: readonly DesiredRow[]) => void
  /** Runs `act` after so many milliseconds, unless the answer is called before. */
  readonly schedule: (ms: number, act: () => void) => () => void
  /** How the leases of zones are kept; see `LeaseDeps`. */
  readonly lease: { readonly holder: string; readonly keepMs: number }
  /** Calls of providers that one pass may make, where the runtime permits fewer than usual. */
  readonly maxPassCalls?: number
  /** Lets work go on that outlives the answer, where the runtime ends it otherwise. */
  readonly afterAnswer?: (work: Promise<unknown>) => void
  readonly logger: Logger
}

/** The cloud, not yet reachable. */
export interface ComposedCloud {
  readonly app: Hono
  /** Brings the store to this version and begins, or checks, the log. Before the first request. */
  start(): Promise<void>
  /** The scheduled pass. */
  pass(): Promise<void>
  /** Gives back what is only kept; the store stays open. */
  stop(): Promise<void>
}

/** How long a request waits for DNS before its 202; agents give a first attempt two seconds. */
const DNS_BUDGET_MS = 1500
/** How long a pass waits for the DNS of a report; nobody waits for the pass. */
const PASS_DNS_BUDGET_MS = 20_000

/** What may be kept as long as the process lives. */
export function createCloudMemory({ first }: LogKeys): CloudMemory {
  return {
    keys: createKeyRing(),
    rows: createRowMemory(),
    nonces: createNonceIssuer(new TextEncoder().encode(first.secret)),
    zones: new Map(),
  }
}

/** Builds the cloud of a checked configuration. Does no I/O, so a runtime may do it for each request. */
export function composeCloud(config: CloudConfig, parts: RuntimeParts): ComposedCloud {
  const { logKeys, logger, memory, sha256, sleep, store } = parts
  const { repository } = store
  const signer = logKeys.first.signer
  const nextSigner = logKeys.next?.signer
  const now = () => new Date()
  const providers = providersByZone(config, parts.providers)
  const log = createAuditLog({
    ...{ repository, signer, nextSigner, sleep, sha256 },
    random: Math.random,
    memory: memory.rows,
  })
  const leases = createZoneLeases({
    ...{ repository, now, logger },
    ...parts.lease,
    schedule: parts.schedule,
  })
  const flusher = createZoneFlusher({
    ...{ repository, log, leases, providers, now, sleep, logger },
    random: Math.random,
    zones: memory.zones,
    onWritten: parts.onWritten,
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
    trustedProxies: config.trustedProxies,
    ...{ repository, log, flusher, providers, logger, now, sleep, sha256 },
    dns: parts.dns,
    keys: memory.keys,
    nonces: memory.nonces,
    peerAddress: parts.peerAddress,
    requestId: parts.requestId,
    checkReady: () => store.check(),
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    dnsBudgetMs: DNS_BUDGET_MS,
    afterAnswer: parts.afterAnswer,
  }
  return {
    app: createApp(deps),
    async start() {
      // Asked beside the schema, for one round trip less. It counts only once the schema is known to be
      // right; where it could not be read before that, it is read again.
      const early = readFirstRow(repository).catch(() => undefined)
      await store.prepare()
      const identity = { origin: signer.name, vkey: signer.vkey }
      await startLog(log, repository, identity, now, await early)
    },
    async pass() {
      // Loaded when it is due: reports are answered without it.
      const { runPass } = await import('./run-pass.ts')
      await runPass({
        ...{ ...deps, leases, dnsBudgetMs: PASS_DNS_BUDGET_MS },
        ...(parts.maxPassCalls !== undefined && { maxCalls: parts.maxPassCalls }),
      })
    },
    stop: () => leases.stop(),
  }
}

/** The providers of each zone. */
export function providersByZone(
  { zones }: Pick<CloudConfig, 'zones'>,
  providers: ReadonlyMap<string, DnsProvider>,
): ReadonlyMap<Fqdn, readonly DnsProvider[]> {
  return new Map(
    zones.map((zone) => [zone.name, zone.providers.flatMap((id) => providers.get(id) ?? [])]),
  )
}
