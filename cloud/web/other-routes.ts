import { Hono } from 'hono/tiny'
import { describeApi } from './describe-api.ts'
import { type DnsRoutesDeps, dnsRoutes } from './dns-routes.ts'
import { type HostRoutesDeps, hostRoutes } from './host-routes.ts'
import { type LogRoutesDeps, logRoutes } from './log-routes.ts'
import { nothingHere } from './problem-response.ts'

/** What the routes need that agents do not ask for. */
export interface OtherRoutesDeps extends HostRoutesDeps, DnsRoutesDeps, LogRoutesDeps {
  /** The public URL of the cloud. */
  readonly url: string
}

/** The operator's routes, the log and the description of all. What a handler throws is thrown. */
export function otherRoutes(deps: OtherRoutesDeps): Hono {
  const app = new Hono()
  app.get('/v1/openapi.json', async (c) => {
    c.header('cache-control', 'public, max-age=3600')
    return c.json(await describeApi(deps.url))
  })
  app.route('/v1/log', logRoutes(deps))
  app.route('/v1/admin/hosts', hostRoutes(deps))
  app.route('/v1/admin/dns', dnsRoutes(deps))
  app.notFound(nothingHere)
  app.onError((error) => {
    throw error
  })
  return app
}
