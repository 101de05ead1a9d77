import * as v from 'valibot'
import type { Capabilities } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import { allOf, pagesOf } from '../http/pages.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import { createRecordProvider } from '../record-provider.ts'
import { quotedTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  ttl: { min: 120, max: 86_400 },
  // One character-string, in quotes that it must not have inside.
  txt: { maxBytes: 255, quotes: false },
}
/** Thirty a second are refused. */
const limits: readonly RateRule[] = [{ count: 20, perMs: 1000 }]
const PER_PAGE = 500

const failure = v.object({ error: v.string() })
const meta = v.object({ links: v.object({ next: v.string() }) })
const domains = v.object({ domains: v.array(v.object({ domain: v.string() })), meta })
const records = v.object({
  records: v.array(
    v.object({
      id: v.string(),
      type: v.string(),
      name: v.string(),
      data: v.string(),
      ttl: v.number(),
    }),
  ),
  meta,
})

export const vultr = defineProvider({
  settings: v.strictObject({ type: v.literal('vultr'), apiKey: secretText }),
  title: 'Vultr',
  tier: 2,
  docs: 'https://www.vultr.com/api/#tag/dns',
  caps,
  limits,
  create(id, { apiKey }, dependencies) {
    const hosted = connect(
      {
        service: 'Vultr',
        baseUrl: 'https://api.vultr.com/v2',
        headers: { authorization: `Bearer ${apiKey}` },
        secrets: [apiKey],
        complaint: complaintIn(failure, ({ error: message }) => ({ message })),
        remedies: {
          auth: 'check the API key, and that the Access Control beside it permits the address of the cloud',
        },
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    return createRecordProvider<null>(
      id,
      {
        caps,
        form: { names: relativeNames(''), txt: quotedTxt },
        async zone(name) {
          const own = pagesOf(async (cursor) => {
            const found = await api.read({
              path: '/domains',
              query: { per_page: PER_PAGE, cursor },
              answer: domains,
              what: `zone ${name}`,
            })
            return { items: found.domains, next: found.meta.links.next }
          })
          const isThere = (await allOf(own)).some(({ domain }) => domain === name)
          return isThere ? { name, id: name } : undefined
        },
        list: (zone) =>
          pagesOf(async (cursor) => {
            const found = await api.read({
              path: urlPath`/domains/${zone.name}/records`,
              query: { per_page: PER_PAGE, cursor },
              answer: records,
              what: `records of ${zone.name}`,
              zone: zone.name,
            })
            return {
              items: found.records.map((one) => ({ ...one, content: one.data, attributes: null })),
              next: found.meta.links.next,
            }
          }),
        writes: {
          kind: 'each',
          create: (zone, { fields: { name, type, ttl, content: data } }) => ({
            method: 'POST',
            path: urlPath`/domains/${zone.name}/records`,
            body: { name, type, data, ttl },
          }),
          // The type stays, and so does the priority, which other types have.
          update: (zone, { record, fields: { name, ttl, content: data } }) => ({
            method: 'PATCH',
            path: urlPath`/domains/${zone.name}/records/${record.id}`,
            body: { name, data, ttl },
          }),
          remove: (zone, record) => ({
            method: 'DELETE',
            path: urlPath`/domains/${zone.name}/records/${record.id}`,
          }),
        },
      },
      hosted,
    )
  },
})
