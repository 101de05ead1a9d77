import * as v from 'valibot'
import type { Capabilities } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import { allOf, pagesOf } from '../http/pages.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { fullNames } from '../record-names.ts'
import { createRecordProvider } from '../record-provider.ts'
import { quotedTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  // The limit of the free plan; a paid zone takes 3,500.
  maxBatch: 200,
  atomic: true,
  ttl: { min: 60, max: 86_400 },
  txt: { maxBytes: 2048, quotes: true },
  proxies: true,
}
/** Going over it blocks every call of the user for the five minutes that follow. */
const limits: readonly RateRule[] = [{ count: 1200, perMs: 300_000 }]
/** What the API writes for a TTL that it chooses itself: 300 s, and for proxied records always. */
const AUTOMATIC_TTL = 1
const AUTOMATIC_SECONDS = 300
const PER_PAGE = 1000

const failure = v.object({
  success: v.literal(false),
  errors: v.array(v.object({ code: v.number(), message: v.string() })),
})
const zones = v.object({ result: v.array(v.object({ id: v.string(), name: v.string() })) })
const record = v.object({
  id: v.string(),
  name: v.string(),
  type: v.string(),
  content: v.optional(v.string(), ''),
  ttl: v.number(),
  proxied: v.optional(v.boolean(), false),
})
const records = v.object({
  result: v.array(record),
  result_info: v.object({ page: v.number(), total_pages: v.number() }),
})

export const cloudflare = defineProvider({
  settings: v.strictObject({ type: v.literal('cloudflare'), token: secretText }),
  title: 'Cloudflare',
  tier: 1,
  docs: 'https://developers.cloudflare.com/api/resources/dns/subresources/records/',
  caps,
  limits,
  create(id, { token }, dependencies) {
    const hosted = connect(
      {
        service: 'Cloudflare',
        baseUrl: 'https://api.cloudflare.com/client/v4',
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
        hasQuotaHeaders: true,
        complaint: complaintIn(failure, ({ errors: [first] }) =>
          first === undefined ? {} : { code: String(first.code), message: first.message },
        ),
        kinds: {
          971: 'rate-limited',
          6003: 'auth',
          6111: 'auth',
          9109: 'auth',
          10000: 'auth',
          // Could not route to the zone; the record is there already; it is there no more.
          7003: 'zone-not-found',
          81058: 'conflict',
          81044: 'conflict',
        },
        remedies: { auth: 'make a token with Zone:Read and DNS:Edit for this zone' },
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    const pages = (zone: { readonly id: string; readonly name: string }, filter: object) =>
      pagesOf(async (cursor) => {
        const { result, result_info: info } = await api.read({
          path: urlPath`/zones/${zone.id}/dns_records`,
          query: { ...filter, per_page: PER_PAGE, page: cursor ?? 1 },
          answer: records,
          what: `records of ${zone.name}`,
          zone: zone.name,
        })
        return {
          items: result.map(({ id, name, type, content, ttl, proxied }) => ({
            id,
            name,
            type,
            content,
            ttl: proxied ? undefined : ttl === AUTOMATIC_TTL ? AUTOMATIC_SECONDS : ttl,
            attributes: { proxied },
          })),
          next: info.page < info.total_pages ? String(info.page + 1) : undefined,
        }
      })

    return createRecordProvider<{ readonly proxied: boolean }>(
      id,
      {
        caps,
        form: { names: fullNames(''), txt: quotedTxt },
        async zone(name) {
          const what = `zone ${name}`
          const { result } = await api.read({
            path: '/zones',
            query: { name },
            answer: zones,
            what,
          })
          const zone = result.find((one) => one.name === name)
          return zone === undefined ? undefined : { name, id: zone.id }
        },
        list: (zone) => pages(zone, {}),
        listOne: (zone, name, type) => allOf(pages(zone, { name, type })),
        isProxied: ({ attributes }) => attributes.proxied,
        writes: {
          kind: 'batch',
          max: caps.maxBatch,
          // PATCH leaves comment, tags and proxying as they are; one transaction takes all.
          batch: (zone, creates, updates, deletes) => ({
            method: 'POST',
            path: urlPath`/zones/${zone.id}/dns_records/batch`,
            body: {
              deletes: deletes.map(({ id }) => ({ id })),
              patches: updates.map(({ record: { id, ttl }, fields: { content, ttl: wanted } }) => ({
                id,
                content,
                ...(ttl === undefined ? {} : { ttl: wanted }),
              })),
              posts: creates.map(({ fields, beside }) =>
                beside?.attributes.proxied === true
                  ? { ...fields, ttl: AUTOMATIC_TTL, proxied: true }
                  : fields,
              ),
            },
          }),
        },
      },
      hosted,
    )
  },
})
