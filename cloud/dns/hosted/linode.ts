import * as v from 'valibot'
import type { Capabilities } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import { allOf, pagesOf } from '../http/pages.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import { createRecordProvider, type RecordFields } from '../record-provider.ts'
import { plainTxt } from '../txt-content.ts'

const [HOUR, DAY] = [3600, 86_400]
/** The service rounds every other TTL to one of these, without a word. */
const TTLS = [
  300,
  ...[HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR],
  ...[DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY, 28 * DAY],
]
const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  ttl: { min: 300, max: 28 * DAY, only: TTLS },
  txt: { maxBytes: 512, quotes: false },
}
/** What its headers say. They hold a `retry-after` also when nothing is wrong. */
const limits: readonly RateRule[] = [{ count: 400, perMs: 120_000 }]
const PER_PAGE = 500

const failure = v.object({
  errors: v.array(v.object({ reason: v.string(), field: v.optional(v.string()) })),
})
const page = { page: v.number(), pages: v.number() }
const domains = v.object({
  ...page,
  data: v.array(v.object({ id: v.number(), domain: v.string(), type: v.string() })),
})
const records = v.object({
  ...page,
  data: v.array(
    v.object({
      id: v.number(),
      name: v.string(),
      type: v.string(),
      target: v.string(),
      ttl_sec: v.number(),
    }),
  ),
})

export const linode = defineProvider({
  settings: v.strictObject({ type: v.literal('linode'), token: secretText }),
  title: 'Linode',
  tier: 2,
  docs: 'https://techdocs.akamai.com/linode-api/reference/get-domain-records',
  caps,
  limits,
  create(id, { token }, dependencies) {
    const hosted = connect(
      {
        service: 'Linode',
        baseUrl: 'https://api.linode.com/v4',
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
        hasQuotaHeaders: true,
        complaint: complaintIn(failure, ({ errors: [first] }) =>
          first === undefined
            ? {}
            : { message: [first.field, first.reason].filter(Boolean).join(': ') },
        ),
        remedies: { forbidden: 'make a token that may read and write Domains' },
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    /** All pages of a list, which all look alike. */
    const pages = <T>(
      path: string,
      what: string,
      answer: v.GenericSchema<unknown, { data: T[]; page: number; pages: number }>,
    ) =>
      pagesOf(async (cursor) => {
        const query = { page: cursor ?? 1, page_size: PER_PAGE }
        const found = await api.read({ path, query, answer, what })
        return {
          items: found.data,
          next: found.page < found.pages ? String(found.page + 1) : undefined,
        }
      })
    const bodyOf = ({ name, type, ttl, content }: RecordFields) => ({
      ...{ name, type, target: content, ttl_sec: ttl },
    })

    return createRecordProvider<null>(
      id,
      {
        caps,
        form: { names: relativeNames(''), txt: plainTxt },
        async zone(name) {
          const found = await allOf(pages('/domains', `zone ${name}`, domains))
          // A secondary zone is written where it comes from.
          const zone = found.find(({ domain, type }) => domain === name && type === 'master')
          return zone === undefined ? undefined : { name, id: String(zone.id) }
        },
        async *list(zone) {
          const path = urlPath`/domains/${zone.id}/records`
          for await (const items of pages(path, `records of ${zone.name}`, records)) {
            yield items.map(({ id: one, target: content, ttl_sec: ttl, name, type }) => ({
              ...{ id: String(one), name, type, ttl, content },
              attributes: null,
            }))
          }
        },
        writes: {
          kind: 'each',
          create: (zone, { fields }) => ({
            method: 'POST',
            path: urlPath`/domains/${zone.id}/records`,
            body: bodyOf(fields),
          }),
          update: (zone, { record, fields }) => ({
            method: 'PUT',
            path: urlPath`/domains/${zone.id}/records/${record.id}`,
            body: bodyOf(fields),
          }),
          remove: (zone, record) => ({
            method: 'DELETE',
            path: urlPath`/domains/${zone.id}/records/${record.id}`,
          }),
        },
      },
      hosted,
    )
  },
})
