import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { isReprefixError, messageOf } from '../shared/errors.ts'
import type { Prefix } from '../shared/ipv6.ts'
import type { Logger } from '../shared/logger.ts'
import { MAX_REPORT_BYTES } from '../shared/report.ts'
import { withFields } from '../shared/with-fields.ts'
import { type AcceptDeps, acceptReport } from './accept-report.ts'
import { findClient } from './domain/client-address.ts'
import type { EnrolDeps } from './fleet/enrol.ts'
import type { RotateDeps } from './fleet/rotate.ts'
import { isAnswer } from './problem.ts'
import type { Refusal, ReportAnswer } from './report-answer.ts'
import type { OtherRoutesDeps } from './web/other-routes.ts'
import { HEALTH_PATH } from './web/paths.ts'
import { nothingHere, problemResponse } from './web/problem-response.ts'
import { readBody } from './web/read-body.ts'
import type { ClientView, HealthView, ReadyView } from './web/service-view.ts'

/** Everything the routes need; the runtime's composition root builds it. */
export interface AppDeps extends AcceptDeps, EnrolDeps, RotateDeps, OtherRoutesDeps {
  /** The address of the peer as the runtime vouches for it, never from a request header. */
  readonly peerAddress: (c: Context) => string | undefined
  /** Proxies whose X-Forwarded-For is believed; IPv4 ranges as mapped ones. */
  readonly trustedProxies: readonly Prefix[]
  /** The platform's own identifier of a request, or one that is made. */
  readonly requestId: (c: Context) => string
  /** Whether reports can be taken: the store answers, with the right schema. @throws what is wrong */
  readonly checkReady: () => Promise<void>
  readonly logger: Logger
}

declare module 'hono' {
  /** What each request has of its own: the id that its answer carries, and a log that names it in each line. */
  interface ContextVariableMap {
    requestId: string
    logger: Logger
  }
}

/** The cloud as a web application, the same on every runtime. */
export function createApp(deps: AppDeps): Hono {
  const app = new Hono()
  const clientOf = (c: Context) =>
    findClient(deps.peerAddress(c), c.req.header('x-forwarded-for'), deps.trustedProxies)
  app.use(async (c, next) => {
    const id = deps.requestId(c)
    const logger = withFields(deps.logger, { request: id })
    const startedAt = performance.now()
    c.set('requestId', id)
    c.set('logger', logger)
    c.header('x-request-id', id)
    await next()
    const ms = Math.round((performance.now() - startedAt) * 10) / 10
    logger.debug({ method: c.req.method, path: c.req.path, status: c.res.status, ms }, 'request')
  })
  app.get(HEALTH_PATH, (c) => c.json<HealthView>({ status: 'ok' }))
  app.get('/readyz', async (c) => {
    await deps.checkReady()
    return c.json<ReadyView>({ status: 'ready' })
  })
  app.get('/v1/whoami', (c) => {
    c.header('cache-control', 'no-store')
    return c.json<ClientView>({ address: clientOf(c)?.address ?? null })
  })
  app.post('/v1/reports', async (c) => {
    const text = await readBody(c.req.raw, 'application/jose', MAX_REPORT_BYTES)
    return reportResponse(
      c,
      await acceptReport(text, clientOf(c), { ...deps, logger: c.var.logger }),
    )
  })
  app.post('/v1/enroll', async (c) => {
    const text = await readBody(c.req.raw, 'application/jose', MAX_REPORT_BYTES)
    // Rare, and else a part of what each new instance loads.
    const { acceptEnrolment } = await import('./fleet/enrol.ts')
    const answer = await acceptEnrolment(text, deps)
    if (answer.kind === 'refused') return refusalResponse(c, answer)
    const { host } = answer.receipt.result
    c.var.logger.info({ event: 'enroll', host }, `the key of ${host} is enrolled`)
    return c.json(answer.receipt)
  })
  app.post('/v1/rotate', async (c) => {
    const text = await readBody(c.req.raw, 'application/jose', MAX_REPORT_BYTES)
    const { acceptRotation } = await import('./fleet/rotate.ts')
    const answer = await acceptRotation(text, deps)
    if (answer.kind === 'refused') return refusalResponse(c, answer)
    const { host, kid } = answer.receipt.result
    c.var.logger.info({ event: 'rotate', host, kid }, `the key of ${host} is replaced by ${kid}`)
    return c.json(answer.receipt)
  })
  // No agent asks for these, which would else be a part of what each new instance loads.
  let others: Hono | undefined
  app.all('/v1/*', async (c) => {
    others ??= (await import('./web/other-routes.ts')).otherRoutes(deps)
    const answer = await others.fetch(c.req.raw, c.env)
    return c.newResponse(answer.body, answer)
  })
  app.notFound(nothingHere)
  app.onError((error, c) => faultResponse(c, error))
  return app
}

function reportResponse(c: Context, answer: ReportAnswer): Response {
  switch (answer.kind) {
    case 'receipt':
      return c.json(answer.receipt)
    case 'pending': {
      const { retryAfterSeconds } = answer
      c.header('retry-after', `${retryAfterSeconds}`)
      return c.json({ status: 'pending', retryAfterSeconds }, 202)
    }
    case 'refused':
      return refusalResponse(c, answer)
  }
}

function refusalResponse(c: Context, refusal: Refusal): Response {
  const { code, detail, facts } = refusal
  if (facts?.retryAfterSeconds) c.header('retry-after', `${facts.retryAfterSeconds}`)
  c.var.logger.warn({ event: 'refused', code, ...facts }, detail)
  return problemResponse(c, refusal)
}

/** Faults of ours keep their text to themselves: the client learns the request id, the log the rest. */
function faultResponse(c: Context, error: unknown): Response {
  const { logger, requestId } = c.var
  if (isReprefixError(error) && isAnswer(error.code)) {
    const refusal = { kind: 'refused', code: error.code, detail: error.message } as const
    const response = problemResponse(c, refusal)
    const fields = { code: error.code, path: c.req.path, status: response.status }
    if (response.status < 500) logger.warn(fields, error.message)
    else logger.error({ ...fields, error }, error.message)
    if (response.status === 503) response.headers.set('retry-after', '1')
    if (error.code === 'UNAUTHORIZED') response.headers.set('www-authenticate', 'Bearer')
    return response
  }
  logger.error({ error, path: c.req.path }, `a request failed: ${messageOf(error)}`)
  const detail = `something is wrong in the cloud; its log says what, under the request ${requestId}`
  return problemResponse(c, { kind: 'refused', code: 'INTERNAL', detail })
}
