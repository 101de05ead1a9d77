import * as v from 'valibot'
import type { Capabilities } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import { allOf, cursorOfLink, pagesOf } from '../http/pages.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import { createRecordProvider, type RecordFields } from '../record-provider.ts'
import { plainTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  ttl: { min: 30, max: 86_400 },
  txt: { maxBytes: 512, quotes: false },
}
const limits: readonly RateRule[] = [
  { count: 5000, perMs: 3_600_000 },
  { count: 250, perMs: 60_000 },
]
const PER_PAGE = 200

const failure = v.object({ id: v.string(), message: v.string() })
const domain = v.object({ domain: v.object({ name: v.string() }) })
const records = v.object({
  domain_records: v.array(
    v.object({
      id: v.number(),
      type: v.string(),
      name: v.string(),
      data: v.string(),
      ttl: v.number(),
    }),
  ),
  links: v.object({ pages: v.optional(v.object({ next: v.optional(v.string()) })) }),
})

export const digitalocean = defineProvider({
  settings: v.strictObject({ type: v.literal('digitalocean'), token: secretText }),
  title: 'DigitalOcean',
  tier: 1,
  docs: 'https://docs.digitalocean.com/reference/api/reference/domain-records/',
  caps,
  limits,
  create(id, { token }, dependencies) {
    const hosted = connect(
      {
        service: 'DigitalOcean',
        baseUrl: 'https://api.digitalocean.com/v2',
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
        hasQuotaHeaders: true,
        complaint: complaintIn(failure, ({ id: code, message }) => ({ code, message })),
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    const pages = (zone: { readonly name: string }, filter: object) =>
      pagesOf(async (page) => {
        const { domain_records: items, links } = await api.read({
          path: urlPath`/domains/${zone.name}/records`,
          query: { ...filter, per_page: PER_PAGE, page },
          answer: records,
          what: `records of ${zone.name}`,
          zone: zone.name,
        })
        return {
          items: items.map((one) => ({
            ...one,
            id: String(one.id),
            content: one.data,
            attributes: null,
          })),
          next: cursorOfLink(links.pages?.next, 'page'),
        }
      })
    const bodyOf = ({ name, type, ttl, content }: RecordFields) => ({
      type,
      name,
      data: content,
      ttl,
    })

    return createRecordProvider<null>(
      id,
      {
        caps,
        form: { names: relativeNames('@'), txt: plainTxt },
        async zone(name) {
          const found = await api.readIfPresent({
            path: urlPath`/domains/${name}`,
            answer: domain,
            what: `zone ${name}`,
          })
          return found === undefined ? undefined : { name, id: name }
        },
        list: (zone) => pages(zone, {}),
        // The filter takes the full name, unlike the writes.
        listOne: (zone, name, type) =>
          allOf(pages(zone, { name: name === '@' ? zone.name : `${name}.${zone.name}`, type })),
        writes: {
          kind: 'each',
          create: (zone, { fields }) => ({
            method: 'POST',
            path: urlPath`/domains/${zone.name}/records`,
            body: bodyOf(fields),
          }),
          update: (zone, { record, fields }) => ({
            method: 'PUT',
            path: urlPath`/domains/${zone.name}/records/${record.id}`,
            body: bodyOf(fields),
          }),
          remove: (zone, { id }) => ({
            method: 'DELETE',
            path: urlPath`/domains/${zone.name}/records/${id}`,
          }),
        },
      },
      hosted,
    )
  },
})
