import * as v from 'valibot'
import type { Capabilities, ProviderErrorKind } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { fullNames, relativeNames } from '../record-names.ts'
import { createRecordProvider, type RecordFields } from '../record-provider.ts'
import { plainTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  ttl: { min: 600, max: 86_400 },
  txt: { maxBytes: 1000, quotes: false },
}
/** Not published; more than this is answered with a page of the limiter. */
const limits: readonly RateRule[] = [{ count: 1, perMs: 1000 }]

const failure = v.object({ status: v.literal('ERROR'), message: v.optional(v.string(), '') })
/** Errors have no code, and nearly all of them status 400. */
const MEANINGS: readonly (readonly [RegExp, ProviderErrorKind])[] = [
  [/invalid api key/i, 'auth'],
  [/not opted in/i, 'forbidden'],
  [/invalid domain/i, 'zone-not-found'],
  // Also said of a record that already is as it shall be, and of one that is gone.
  [/unable to (?:create|edit|delete)|invalid record id/i, 'conflict'],
]
const records = v.object({
  records: v.array(
    v.object({
      id: v.string(),
      name: v.string(),
      type: v.string(),
      content: v.string(),
      ttl: v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number)),
    }),
  ),
})

export const porkbun = defineProvider({
  settings: v.strictObject({
    type: v.literal('porkbun'),
    apiKey: secretText,
    secretKey: secretText,
  }),
  title: 'Porkbun',
  tier: 1,
  docs: 'https://porkbun.com/api/json/v3/documentation',
  caps,
  limits,
  create(id, { apiKey, secretKey }, dependencies) {
    const hosted = connect(
      {
        service: 'Porkbun',
        baseUrl: 'https://api.porkbun.com/api/json/v3',
        bodyFields: { apikey: apiKey, secretapikey: secretKey },
        secrets: [apiKey, secretKey],
        complaint: complaintIn(failure, ({ message }) => {
          const kind = MEANINGS.find(([pattern]) => pattern.test(message))?.[1]
          return kind === undefined ? { message } : { message, kind }
        }),
        statuses: { 503: 'rate-limited' },
        remedies: {
          forbidden: 'switch on API ACCESS for this domain, in its details',
          conflict:
            'it is read again; a new domain has ALIAS and CNAME records to pixie.porkbun.com, which have to go first',
        },
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    const listOf = (name: string) => ({
      method: 'POST' as const,
      path: urlPath`/dns/retrieve/${name}`,
      answer: records,
      zone: name,
    })
    const bodyOf = ({ name, type, ttl, content }: RecordFields) => ({
      name,
      type,
      content,
      ttl: String(ttl),
    })

    return createRecordProvider<null>(
      id,
      {
        caps,
        // Lists hold the full name, and writes take the part below the zone.
        form: {
          names: { parse: fullNames('').parse, render: relativeNames('').render },
          txt: plainTxt,
        },
        async zone(name) {
          const found = await api.readIfPresent({ ...listOf(name), what: `zone ${name}` })
          return found === undefined ? undefined : { name, id: name }
        },
        async *list(zone) {
          const found = await api.read({ ...listOf(zone.name), what: `records of ${zone.name}` })
          yield found.records.map((record) => ({ ...record, attributes: null }))
        },
        writes: {
          kind: 'each',
          create: (zone, { fields }) => ({
            method: 'POST',
            path: urlPath`/dns/create/${zone.name}`,
            body: bodyOf(fields),
          }),
          update: (zone, { record, fields }) => ({
            method: 'POST',
            path: urlPath`/dns/edit/${zone.name}/${record.id}`,
            body: bodyOf(fields),
          }),
          remove: (zone, record) => ({
            method: 'POST',
            path: urlPath`/dns/delete/${zone.name}/${record.id}`,
          }),
        },
      },
      hosted,
    )
  },
})
