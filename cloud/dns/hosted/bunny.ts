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

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  ttl: { min: 60, max: 86_400 },
  txt: { maxBytes: 255, quotes: false },
}
/** None is published. */
const limits: readonly RateRule[] = [{ count: 10, perMs: 1000 }]
const TYPES = { A: 0, AAAA: 1, TXT: 3 } as const
const PER_PAGE = 1000

const failure = v.object({
  Message: v.string(),
  ErrorKey: v.optional(v.nullable(v.string())),
  Field: v.optional(v.nullable(v.string())),
})
const zones = v.object({
  Items: v.array(v.object({ Id: v.number(), Domain: v.string() })),
  CurrentPage: v.number(),
  HasMoreItems: v.boolean(),
})
/** What people have set besides, and what a change would set back if it left it out. */
const extras = v.object({
  Weight: v.optional(v.number()),
  Priority: v.optional(v.number()),
  Comment: v.optional(v.nullable(v.string())),
  MonitorType: v.optional(v.union([v.number(), v.string()])),
  SmartRoutingType: v.optional(v.union([v.number(), v.string()])),
  LatencyZone: v.optional(v.nullable(v.string())),
  GeolocationLatitude: v.optional(v.number()),
  GeolocationLongitude: v.optional(v.number()),
  AutoSslIssuance: v.optional(v.boolean()),
})
const records = v.object({
  Records: v.array(
    v.object({
      ...extras.entries,
      Id: v.number(),
      Type: v.union([v.number(), v.string()]),
      Name: v.nullable(v.string()),
      Value: v.nullable(v.string()),
      Ttl: v.number(),
      Disabled: v.optional(v.boolean(), false),
    }),
  ),
})

export const bunny = defineProvider({
  settings: v.strictObject({ type: v.literal('bunny'), accessKey: secretText }),
  title: 'Bunny DNS',
  tier: 3,
  docs: 'https://docs.bunny.net/reference/dnszonepublic_index',
  warning:
    'the answers of the Bunny API are taken from its description alone, none was recorded; its key opens the whole account: watch its outcomes',
  caps,
  limits,
  create(id, { accessKey }, dependencies) {
    const hosted = connect(
      {
        service: 'Bunny',
        baseUrl: 'https://api.bunny.net',
        headers: { accesskey: accessKey },
        secrets: [accessKey],
        complaint: complaintIn(failure, ({ Message: said, ErrorKey: code, Field: field }) => {
          const message = field ? `${field}: ${said}` : said
          return code ? { code, message } : { message }
        }),
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    const bodyOf = ({ name, type, ttl, content }: RecordFields) => ({
      ...{ Type: TYPES[type], Name: name, Value: content, Ttl: ttl },
    })

    return createRecordProvider<v.InferOutput<typeof extras>>(
      id,
      {
        caps,
        form: { names: relativeNames(''), txt: plainTxt },
        async zone(name) {
          // The search finds parts of names as well.
          const found = pagesOf(async (cursor) => {
            const { Items, CurrentPage, HasMoreItems } = await api.read({
              path: '/dnszone',
              query: { search: name, page: cursor ?? 1, perPage: PER_PAGE },
              answer: zones,
              what: `zone ${name}`,
            })
            return { items: Items, next: HasMoreItems ? String(CurrentPage + 1) : undefined }
          })
          const zone = (await allOf(found)).find(({ Domain: own }) => own.toLowerCase() === name)
          return zone === undefined ? undefined : { name, id: String(zone.Id) }
        },
        async *list(zone) {
          const { Records } = await api.read({
            path: urlPath`/dnszone/${zone.id}`,
            answer: records,
            what: `records of ${zone.name}`,
            zone: zone.name,
          })
          // A record that is switched off is not served: its owner keeps it for later.
          const served = Records.filter(({ Disabled }) => !Disabled)
          yield served.flatMap(({ Id, Type, Name, Value, Ttl, Disabled: _, ...attributes }) => {
            const type = typeOf(Type)
            if (type === undefined) return []
            return {
              ...{ id: String(Id), type, name: Name ?? '', content: Value ?? '', ttl: Ttl },
              attributes,
            }
          })
        },
        writes: {
          kind: 'each',
          create: (zone, { fields }) => ({
            method: 'PUT',
            path: urlPath`/dnszone/${zone.id}/records`,
            body: bodyOf(fields),
          }),
          update: (zone, { record, fields }) => ({
            method: 'POST',
            path: urlPath`/dnszone/${zone.id}/records/${record.id}`,
            body: { ...record.attributes, Id: Number(record.id), ...bodyOf(fields) },
          }),
          remove: (zone, record) => ({
            method: 'DELETE',
            path: urlPath`/dnszone/${zone.id}/records/${record.id}`,
          }),
        },
      },
      hosted,
    )
  },
})

/** The description of the API has the types as words, and its answers have them as numbers. */
function typeOf(type: number | string): string | undefined {
  return Object.entries(TYPES).find(([text, number]) => type === text || type === number)?.[0]
}
