import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { ReprefixError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { type Fqdn, parseName } from '../../shared/rrset.ts'
import type { AuthoritativeDns } from '../dns/verify/authoritative-dns.ts'
import type { Verification } from '../dns/verify/verify-rrsets.ts'
import type { ZoneTtl } from '../domain/authorise-report.ts'
import type { DnsProvider } from '../domain/dns-provider.ts'
import type { DesiredRow, Repository } from '../ports.ts'
import { requireBearer } from './bearer.ts'
import type { CheckedRRset, CheckView, PlanView } from './dns-view.ts'

/** What the operator's look at DNS needs. */
export interface DnsRoutesDeps {
  readonly repository: Repository
  readonly zones: readonly ZoneTtl[]
  readonly providers: ReadonlyMap<Fqdn, readonly DnsProvider[]>
  readonly dns: AuthoritativeDns
  readonly adminToken: string
  readonly logger: Logger
}

/** `GET plan`: what a flush would change at each provider. `GET check`: what each name server serves. */
export function dnsRoutes(deps: DnsRoutesDeps): Hono {
  return new Hono()
    .use(requireBearer(deps.adminToken))
    .get('/plan', async (c) => {
      const { planZone } = await import('../dns/verify/plan-zone.ts')
      const zones = await Promise.all(
        zonesOf(c, deps).map(async (zone) => {
          const rows = (await deps.repository.desiredIn(zone)).filter(isAlive)
          return { zone, changes: await planZone(zone, rows, deps.providers.get(zone) ?? []) }
        }),
      )
      return c.json<PlanView>({ zones })
    })
    .get('/check', async (c) => {
      const [{ verifyRRsets }, { createProxyFinder }] = await Promise.all([
        import('../dns/verify/verify-rrsets.ts'),
        import('../dns/verify/find-proxied.ts'),
      ])
      const findProxied = createProxyFinder(deps.providers, deps.logger)
      const zones = await Promise.all(
        zonesOf(c, deps).map(async (zone) => {
          const rows = (await deps.repository.desiredIn(zone)).filter(isAlive)
          const servers = await deps.dns.nameServers(zone)
          const wanted = rows.map(({ name, type, set }) => ({
            ...{ name, type },
            values: set?.values ?? null,
          }))
          const verifications = await verifyRRsets(wanted, servers, deps.dns, (doubtful) =>
            findProxied(zone, doubtful),
          )
          return { zone, rrsets: verifications.map(viewOf) }
        }),
      )
      return c.json<CheckView>({ zones })
    })
}

/** A name that nobody claims any more is only looked at until it is gone: it may be somebody else's then. */
function isAlive({ set, isApplied }: DesiredRow): boolean {
  return set !== null || !isApplied
}

function zonesOf(c: Context, { zones }: DnsRoutesDeps): readonly Fqdn[] {
  const all = zones.map((zone) => zone.name)
  const asked = c.req.query('zone')
  if (asked === undefined) return all
  const name = parseName(asked)
  if (all.includes(name)) return [name]
  const known = all.join(', ')
  throw new ReprefixError('NOT_FOUND', `${name} is no zone of this cloud (there: ${known})`)
}

function viewOf({ wanted: { name, type, values }, state, answers }: Verification): CheckedRRset {
  return { name, type, wanted: values, state, answers }
}
