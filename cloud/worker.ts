import type { Context } from 'hono'
import * as v from 'valibot'
import { messageOf, ReprefixError } from '../shared/errors.ts'
import { createLineLogger } from '../shared/line-logger.ts'
import type { Logger } from '../shared/logger.ts'
import { createEnvResolver } from '../shared/settings-source.ts'
import { withFields } from '../shared/with-fields.ts'
import {
  type CloudMemory,
  type ComposedCloud,
  composeCloud,
  createCloudMemory,
} from './compose-cloud.ts'
import { buildProviders } from './dns/build-providers.ts'
import { type BudgetKeeper, createBudgetKeeper } from './dns/http/request-budget.ts'
import { createLazyDependencies } from './dns/lazy-dependencies.ts'
import { openDns } from './dns/verify/open-dns.ts'
import { type LoadedConfig, loadEmbeddedConfig } from './embedded-config.ts'
import { openLogKeys } from './log/log-keys.ts'
import type { LogKeys } from './log/note-key.ts'
import type { Store } from './ports.ts'
import { type D1Binding, openD1 } from './store/d1.ts'
import { createSqlStore } from './store/sql-store.ts'
import { notReadyResponse } from './web/not-ready.ts'
import { HEALTH_PATH } from './web/paths.ts'

/** Bindings, variables and secrets of a Worker, by name. */
export type WorkerEnv = Readonly<Record<string, unknown>>

/** The part of a Worker's execution context that is used. */
export interface WorkerContext {
  /** Keeps the Worker running for work that outlives the answer, up to 30 seconds. */
  waitUntil(work: Promise<unknown>): void
}

/** What the runtime calls. */
export interface Worker {
  fetch(request: Request, env: WorkerEnv, context: WorkerContext): Promise<Response>
  /** A cron trigger. */
  scheduled(controller: unknown, env: WorkerEnv, context: WorkerContext): Promise<void>
}

/** What an isolate keeps: values only, nothing that belongs to a request. */
interface Prepared extends LoadedConfig {
  readonly logKeys: LogKeys
  readonly memory: CloudMemory
  /** Counts only: whoever waits does so by itself. */
  readonly budgets: BudgetKeeper
}

const now = (): Date => new Date()
/** Each is some requests, and the free plan permits 50 of them for one run; the next pass goes on. */
const MAX_PASS_CALLS = 10
const SCHEMA_REMEDY = 'run "wrangler d1 migrations apply"'
/** Identifiers of the platform are shorter; anything else is no identifier. */
const RAY = /^[\w-]{1,64}$/
/** Class E addresses are nobody's: what "Pseudo IPv4" puts in place of an IPv6 address. */
const PSEUDO_IPV4 = /^2[45]\d\./

const databaseSchema = v.custom<D1Binding>(
  (value) => typeof value === 'object' && value !== null && 'prepare' in value && 'batch' in value,
)

/**
 * The cloud on Cloudflare Workers. Requests share an isolate, but a promise that one of them waits for is
 * never settled once that request is over; so each one gets a cloud of its own, made of values that
 * they share. While the configuration is bad, every answer is the same problem document; while the store is,
 * every answer but that of the health check.
 */
export function createWorker(embedded: unknown): Worker {
  const logger = createLineLogger({
    level: 'info',
    name: 'reprefix',
    write: (line) => console.log(line),
  })
  let prepared: Prepared | undefined
  let isStarted = false

  async function prepare(env: WorkerEnv): Promise<Prepared> {
    const loaded = await loadEmbeddedConfig(embedded, 'workers', createEnvResolver(env))
    for (const warning of loaded.config.warnings) logger.warn({ event: 'config' }, warning)
    const logKeys = await openLogKeys(loaded.config)
    const budgets = createBudgetKeeper({ now, sleep })
    return { ...loaded, logKeys, memory: createCloudMemory(logKeys), budgets }
  }

  async function compose(env: WorkerEnv, context: WorkerContext): Promise<ComposedCloud> {
    prepared ??= await prepare(env)
    return composeFor(prepared, env, context, logger)
  }

  async function start(env: WorkerEnv, context: WorkerContext): Promise<ComposedCloud> {
    const cloud = await compose(env, context)
    if (!isStarted) await cloud.start()
    isStarted = true
    return cloud
  }

  return {
    async fetch(request, env, context) {
      let cloud: ComposedCloud
      try {
        const isHealth = new URL(request.url).pathname === HEALTH_PATH
        cloud = await (isHealth ? compose : start)(env, context)
      } catch (error) {
        const id = requestIdOf(request.headers)
        const own = withFields(logger, { request: id })
        own.error({ error }, `the cloud cannot start: ${messageOf(error)}`)
        return notReadyResponse(id)
      }
      return cloud.app.fetch(request, env)
    },
    async scheduled(_, env, context) {
      await (await start(env, context)).pass()
    },
  }
}

function composeFor(
  { config, types, logKeys, memory, budgets }: Prepared,
  env: WorkerEnv,
  context: WorkerContext,
  logger: Logger,
): ComposedCloud {
  const dependencies = createLazyDependencies(now, sleep, budgets)
  return composeCloud(config, {
    store: openStore(config.store, env),
    logKeys,
    memory,
    providers: buildProviders(config.providers, types, dependencies),
    dns: openDns(config, async () => {
      throw new ReprefixError(
        'DNS_LOOKUP',
        'a Worker cannot ask name servers: name resolvers under dnsOverHttps in cloud.yaml',
      )
    }),
    peerAddress: (c) => peerOf(c.req.raw.headers),
    requestId: (c: Context) => requestIdOf(c.req.raw.headers),
    sleep,
    schedule: (ms, act) => {
      const timer = setTimeout(act, ms)
      return () => clearTimeout(timer)
    },
    // Requests share nothing, so each is a holder of its own, and no timer runs after it.
    lease: { holder: crypto.randomUUID(), keepMs: 0 },
    maxPassCalls: MAX_PASS_CALLS,
    afterAnswer: (work) => context.waitUntil(work),
    logger,
  })
}

function openStore(settings: LoadedConfig['config']['store'], env: WorkerEnv): Store {
  const binding = settings.kind === 'd1' ? settings.binding : ''
  const database = env[binding]
  if (v.is(databaseSchema, database)) {
    return createSqlStore(openD1(database), SCHEMA_REMEDY)
  }
  throw new ReprefixError(
    'CONFIG_INVALID',
    `store: the Worker has no D1 database bound as ${binding}: add it to d1_databases in wrangler.jsonc`,
  )
}

/** Cloudflare writes both headers itself, whatever the client has sent. */
function peerOf(headers: Headers): string | undefined {
  const address = headers.get('cf-connecting-ip') ?? undefined
  const isPseudo = address !== undefined && PSEUDO_IPV4.test(address)
  return isPseudo ? (headers.get('cf-connecting-ipv6') ?? undefined) : address
}

function requestIdOf(headers: Headers): string {
  const ray = headers.get('cf-ray') ?? ''
  return RAY.test(ray) ? ray : crypto.randomUUID()
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
