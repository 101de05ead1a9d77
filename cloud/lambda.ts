import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda'
import * as v from 'valibot'
import { messageOf, ReprefixError } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { withFields } from '../shared/with-fields.ts'
import { type ComposedCloud, composeCloud, createCloudMemory } from './compose-cloud.ts'
import { buildProviders } from './dns/build-providers.ts'
import { createLazyDependencies } from './dns/lazy-dependencies.ts'
import { openDns } from './dns/verify/open-dns.ts'
import type { LoadedConfig } from './embedded-config.ts'
import { openLogKeys } from './log/log-keys.ts'
import { nodeSha256 } from './log/node-sha256.ts'
import type { Store } from './ports.ts'
import { notReadyResponse } from './web/not-ready.ts'
import { HEALTH_PATH } from './web/paths.ts'

/** Takes an event as the Lambda runtime gives it, and gives what the caller is answered. */
export type LambdaHandler = (event: unknown, context: LambdaContext) => Promise<unknown>

/** Who asks for what, in the payload format 2.0 of Function URLs and HTTP APIs. */
const requestSchema = v.object({
  rawPath: v.string(),
  requestContext: v.object({ http: v.object({ sourceIp: v.string() }) }),
})
const isRequest = (event: unknown) => v.is(requestSchema, event)
/** Its type is the union of all events that the adapter knows; only this form of them is taken. */
const eventSchema = v.custom<LambdaEvent>(isRequest)
/** What the adapter hands on with a request. */
const envSchema = v.object({
  event: requestSchema,
  lambdaContext: v.object({ awsRequestId: v.string() }),
})
/** EventBridge, by a rule or by its Scheduler. */
const scheduleSchema = v.object({
  'detail-type': v.literal('Scheduled Event'),
  source: v.picklist(['aws.events', 'aws.scheduler']),
})
/** What a deployment asks with whether a version starts: nothing. */
const emptySchema = v.nullish(v.strictObject({}))
/** What an answer needs to reach the caller before the function is stopped. */
const LEAST_LEFT_MS = 500

/**
 * The cloud on AWS Lambda: requests of a Function URL or an HTTP API, and passes that EventBridge asks
 * for. An instance has one event at a time and is frozen in between, so nothing may go on after an
 * answer: DNS that is still being written is awaited first.
 *
 * The store is asked first by the first event that needs it, and again by the next one where that fails:
 * until then every answer but that of the health check is the same problem document.
 */
export async function createLambdaHandler(
  { config, types }: LoadedConfig,
  openStore: () => Promise<Store>,
  logger: Logger,
): Promise<LambdaHandler> {
  for (const warning of config.warnings) logger.warn({ event: 'config' }, warning)
  const logKeys = await openLogKeys(config)
  const memory = createCloudMemory(logKeys)
  const unfinished = new Set<Promise<unknown>>()
  let composed: ComposedCloud | undefined
  let isStarted = false

  async function compose(): Promise<ComposedCloud> {
    const store = await openStore()
    const dependencies = createLazyDependencies(() => new Date(), sleep)
    return composeCloud(config, {
      store,
      logKeys,
      memory,
      providers: buildProviders(config.providers, types, dependencies),
      dns: openDns(config, async (known) =>
        (await import('./dns/verify/node-dns.ts')).createNodeDns(known),
      ),
      peerAddress: sourceOf,
      requestId: invocationOf,
      sleep,
      schedule,
      // No timer runs between two events.
      lease: { holder: randomUUID(), keepMs: 0 },
      sha256: nodeSha256,
      afterAnswer: (work) => unfinished.add(work),
      logger,
    })
  }

  async function composeOnce(): Promise<ComposedCloud> {
    composed ??= await compose()
    return composed
  }

  async function start(): Promise<ComposedCloud> {
    const cloud = await composeOnce()
    if (!isStarted) await cloud.start()
    isStarted = true
    return cloud
  }

  /** Until all is written, or until the function would be stopped. */
  async function finish(context: LambdaContext): Promise<void> {
    if (unfinished.size === 0) return
    const leftMs = Math.max(0, context.getRemainingTimeInMillis() - LEAST_LEFT_MS)
    await Promise.race([Promise.allSettled(unfinished), sleep(leftMs)])
    unfinished.clear()
  }

  return async (event, context) => {
    if (v.is(scheduleSchema, event)) return (await start()).pass()
    if (v.is(emptySchema, event)) {
      await start()
      return { status: 'ready' }
    }
    if (!v.is(eventSchema, event)) {
      throw new ReprefixError(
        'REQUEST_INVALID',
        'this event is neither a request of a Function URL or HTTP API (payload format 2.0) nor a scheduled event, and not empty',
      )
    }
    let cloud: ComposedCloud
    try {
      cloud =
        v.parse(requestSchema, event).rawPath === HEALTH_PATH ? await composeOnce() : await start()
    } catch (error) {
      const requestLogger = withFields(logger, { request: context.awsRequestId })
      requestLogger.error({ error }, `the cloud cannot start: ${messageOf(error)}`)
      return resultOf(notReadyResponse(context.awsRequestId))
    }
    const result = await handle(cloud.app)(event, context)
    await finish(context)
    return result
  }
}

async function resultOf(response: Response) {
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
    isBase64Encoded: false,
  }
}

/** The address that AWS saw, never a header; an HTTP API may write it with a port. */
function sourceOf(c: Context): string {
  return v.parse(envSchema, c.env).event.requestContext.http.sourceIp
}

function invocationOf(c: Context): string {
  return v.parse(envSchema, c.env).lambdaContext.awsRequestId
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function schedule(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms)
  return () => clearTimeout(timer)
}
