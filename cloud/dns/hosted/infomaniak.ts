import * as v from 'valibot'
import type { Capabilities, Zone } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { type NameForm, relativeNames } from '../record-names.ts'
import { createRecordProvider, type RecordFields } from '../record-provider.ts'
import { plainTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  ttl: { min: 300, max: 86_400 },
  txt: { maxBytes: 255, quotes: false },
}
const limits: readonly RateRule[] = [{ count: 60, perMs: 60_000 }]

const failure = v.object({
  result: v.literal('error'),
  error: v.object({ code: v.string(), description: v.optional(v.string(), '') }),
})
const products = v.object({
  data: v.array(v.object({ id: v.number(), customer_name: v.string() })),
})
const records = v.object({
  data: v.array(
    v.object({
      id: v.union([v.string(), v.number()]),
      source: v.string(),
      type: v.string(),
      target: v.string(),
      ttl: v.number(),
    }),
  ),
})

/** The zone itself is a dot; other parts of the service write it in other ways. */
const below = relativeNames('')
const names: NameForm = {
  render: (name, zone) => (name === zone ? '.' : below.render(name, zone)),
  parse: (text, zone) => (text === '.' || text === '@' ? zone : below.parse(text, zone)),
}

export const infomaniak = defineProvider({
  settings: v.strictObject({ type: v.literal('infomaniak'), token: secretText }),
  title: 'Infomaniak',
  tier: 3,
  docs: 'https://developer.infomaniak.com/docs/api',
  warning:
    'the part of the Infomaniak API that changes DNS records is hardly documented, and may change without notice: watch its outcomes',
  caps,
  limits,
  create(id, { token }, dependencies) {
    const hosted = connect(
      {
        service: 'Infomaniak',
        baseUrl: 'https://api.infomaniak.com/1',
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
        complaint: complaintIn(failure, ({ error: { code, description } }) =>
          description === '' ? { code } : { code, message: description },
        ),
        kinds: { not_authorized: 'auth', forbidden: 'forbidden' },
        remedies: { forbidden: 'make a token with the scope "domain"' },
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    const path = (zone: Zone) => urlPath`/domain/${zone.id}/dns/record`
    const bodyOf = ({ name: source, ttl, content: target }: RecordFields) => ({
      ...{ source, target, ttl },
    })

    return createRecordProvider<null>(
      id,
      {
        caps,
        form: { names, txt: plainTxt },
        async zone(name) {
          const { data } = await api.read({
            path: '/product',
            query: { service_name: 'domain', customer_name: name },
            answer: products,
            what: `zone ${name}`,
          })
          const product = data.find(({ customer_name: customer }) => customer === name)
          return product === undefined ? undefined : { name, id: String(product.id) }
        },
        async *list(zone) {
          const { data } = await api.read({
            path: path(zone),
            answer: records,
            what: `records of ${zone.name}`,
            zone: zone.name,
          })
          yield data.map(({ id: one, source: name, target: content, type, ttl }) => ({
            ...{ id: String(one), name, type, ttl, content },
            attributes: null,
          }))
        },
        writes: {
          kind: 'each',
          create: (zone, { fields }) => ({
            method: 'POST',
            path: path(zone),
            body: { type: fields.type, ...bodyOf(fields) },
          }),
          // The type stays.
          update: (zone, { record, fields }) => ({
            method: 'PUT',
            path: `${path(zone)}${urlPath`/${record.id}`}`,
            body: bodyOf(fields),
          }),
          remove: (zone, record) => ({
            method: 'DELETE',
            path: `${path(zone)}${urlPath`/${record.id}`}`,
          }),
        },
      },
      hosted,
    )
  },
})
