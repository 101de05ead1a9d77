import * as v from 'valibot'
import type { Capabilities } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import { allOf, pagesOf } from '../http/pages.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import type { RecordRequest } from '../record-provider.ts'
import { createSetProvider } from '../rrset-provider.ts'
import { quotedTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'rrset',
  atomic: true,
  ttl: { min: 60, max: 86_400 },
  txt: { maxBytes: 60_000, quotes: true },
  publish: 'poll',
}
const HOUR = 3_600_000
const limits: readonly RateRule[] = [
  { count: 3600, perMs: HOUR, on: 'read' },
  { count: 3600, perMs: HOUR, on: 'write' },
]
const PER_PAGE = 50
/** What an RRset without a TTL of its own takes from its zone, unless somebody changed that. */
const ZONE_TTL = 86_400

const failure = v.object({ error: v.object({ code: v.string(), message: v.string() }) })
const zoneAnswer = v.object({ zone: v.object({ id: v.number(), name: v.string() }) })
const rrsets = v.object({
  meta: v.object({ pagination: v.object({ next_page: v.nullable(v.number()) }) }),
  rrsets: v.array(
    v.object({
      name: v.string(),
      type: v.string(),
      // None for the TTL of the zone.
      ttl: v.nullable(v.number()),
      records: v.array(v.object({ value: v.string(), comment: v.optional(v.string(), '') })),
    }),
  ),
})
const action = v.object({
  action: v.object({ id: v.number(), status: v.picklist(['running', 'success', 'error']) }),
})
const STATES = { running: 'pending', success: 'live', error: 'failed' } as const

interface Attributes {
  /** What people wrote beside each value. */
  readonly comments: ReadonlyMap<string, string>
}

export const hetzner = defineProvider({
  settings: v.strictObject({ type: v.literal('hetzner'), token: secretText }),
  title: 'Hetzner Cloud',
  tier: 1,
  docs: 'https://docs.hetzner.cloud/reference/cloud#zone-rrsets',
  caps,
  limits,
  create(id, { token }, dependencies) {
    const hosted = connect(
      {
        service: 'Hetzner',
        baseUrl: 'https://api.hetzner.cloud/v1',
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
        complaint: complaintIn(failure, ({ error }) => error),
        kinds: {
          unauthorized: 'auth',
          token_readonly: 'forbidden',
          protected: 'forbidden',
          incorrect_zone_mode: 'forbidden',
          conflict: 'conflict',
          locked: 'conflict',
          uniqueness_error: 'conflict',
          rate_limit_exceeded: 'rate-limited',
        },
        remedies: {
          auth: 'make a token with read and write permission in the project of this zone; tokens of the former DNS console (dns.hetzner.com) do not work here, move the zone to the cloud console',
        },
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    const pages = (zone: { readonly id: string; readonly name: string }, filter: object) =>
      pagesOf(async (page) => {
        const { meta, rrsets: sets } = await api.read({
          path: urlPath`/zones/${zone.id}/rrsets`,
          query: { ...filter, per_page: PER_PAGE, page },
          answer: rrsets,
          what: `records of ${zone.name}`,
          zone: zone.name,
        })
        return {
          items: sets.map(({ name, type, ttl, records }) => ({
            name,
            type,
            ttl: ttl ?? ZONE_TTL,
            contents: records.map(({ value }) => value),
            attributes: {
              comments: new Map(records.map(({ value, comment }) => [value, comment])),
            },
          })),
          next: meta.pagination.next_page?.toString(),
        }
      })

    return createSetProvider<Attributes>(
      id,
      {
        caps,
        form: { names: relativeNames('@'), txt: quotedTxt },
        async zone(name) {
          const found = await api.readIfPresent({
            path: urlPath`/zones/${name}`,
            answer: zoneAnswer,
            what: `zone ${name}`,
          })
          return found === undefined ? undefined : { name, id: String(found.zone.id) }
        },
        list: (zone) => pages(zone, {}),
        listOne: (zone, name, type) => allOf(pages(zone, { name, type })),
        writes: {
          kind: 'each',
          write(zone, { name, type, ttl, contents, listed, hasNewTtl, hasNewContents }) {
            const path = urlPath`/zones/${zone.id}/rrsets/${name}/${type}`
            const records = contents.map((value) => {
              const comment = listed?.attributes.comments.get(value) ?? ''
              return comment === '' ? { value } : { value, comment }
            })
            if (listed === undefined) {
              const body = { name, type, ttl, records }
              return [{ method: 'POST', path: urlPath`/zones/${zone.id}/rrsets`, body }]
            }
            if (contents.length === 0) return [{ method: 'DELETE', path }]
            const change: RecordRequest = {
              method: 'POST',
              path: `${path}/actions/set_records`,
              body: { records },
            }
            const retime: RecordRequest = {
              method: 'POST',
              path: `${path}/actions/change_ttl`,
              body: { ttl },
            }
            return [...(hasNewContents ? [change] : []), ...(hasNewTtl ? [retime] : [])]
          },
        },
        publication: {
          job(_, answer) {
            const { success, output } = v.safeParse(action, answer)
            return success && output.action.status === 'running'
              ? String(output.action.id)
              : undefined
          },
          async state(job) {
            const { action: found } = await api.read({
              path: urlPath`/zones/actions/${job}`,
              answer: action,
              what: `action ${job}`,
            })
            return STATES[found.status]
          },
        },
      },
      hosted,
    )
  },
})
