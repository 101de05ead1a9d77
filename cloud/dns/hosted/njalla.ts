import * as v from 'valibot'
import type { Capabilities } from '../../domain/dns-provider.ts'
import type { ApiRead } from '../http/api-client.ts'
import { complaintIn } from '../http/api-fault.ts'
import type { RateRule } from '../http/request-budget.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import { createRecordProvider } from '../record-provider.ts'
import { plainTxt } from '../txt-content.ts'

const TTLS = [60, 300, 900, 3600, 10_800, 21_600, 86_400]
const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  ttl: { min: 60, max: 86_400, only: TTLS },
  txt: { maxBytes: 255, quotes: false },
}
/** None is published. */
const limits: readonly RateRule[] = [{ count: 60, perMs: 60_000 }]

/** Comes under status 200, with a status of its own as code. */
const failure = v.object({ error: v.object({ code: v.number(), message: v.string() }) })
const domain = v.object({ result: v.object({ name: v.string() }) })
const records = v.object({
  result: v.object({
    records: v.array(
      v.object({
        id: v.union([v.number(), v.string()]),
        name: v.string(),
        type: v.string(),
        content: v.string(),
        ttl: v.number(),
      }),
    ),
  }),
})

interface Attributes {
  /** As the service writes it. */
  readonly id: number | string
}

export const njalla = defineProvider({
  settings: v.strictObject({ type: v.literal('njalla'), token: secretText }),
  title: 'Njalla',
  tier: 3,
  docs: 'https://njal.la/api/',
  warning:
    'Njalla describes its API to customers only, and what is known of its errors is old: watch its outcomes',
  caps,
  limits,
  create(id, { token }, dependencies) {
    const hosted = connect(
      {
        service: 'Njalla',
        baseUrl: 'https://njal.la/api/1',
        headers: { authorization: `Njalla ${token}` },
        secrets: [token],
        complaint: complaintIn(failure, ({ error: { code, message } }) => {
          const said = { code: String(code), message }
          // The same code for a wrong token, and for a domain of somebody else or of nobody.
          if (code === 403)
            return { ...said, kind: /token/i.test(message) ? 'auth' : 'zone-not-found' }
          return { ...said, status: code }
        }),
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    const call = (method: string, params: object) => ({
      method: 'POST' as const,
      path: '/',
      body: { method, params },
    })
    const reading = <T>(
      method: string,
      name: string,
      what: string,
      answer: v.GenericSchema<unknown, T>,
    ): ApiRead<T> => ({ ...call(method, { domain: name }), answer, what, zone: name })

    return createRecordProvider<Attributes>(
      id,
      {
        caps,
        form: { names: relativeNames('@'), txt: plainTxt },
        async zone(name) {
          const found = await api.readIfPresent(reading('get-domain', name, `zone ${name}`, domain))
          return found === undefined ? undefined : { name, id: name }
        },
        async *list({ name }) {
          const what = `records of ${name}`
          const { result } = await api.read(reading('list-records', name, what, records))
          yield result.records.map((one) => ({
            ...one,
            id: String(one.id),
            attributes: { id: one.id },
          }))
        },
        writes: {
          kind: 'each',
          create: (zone, { fields }) => call('add-record', { domain: zone.name, ...fields }),
          update: (zone, { record, fields: { content, ttl } }) =>
            call('edit-record', { domain: zone.name, id: record.attributes.id, content, ttl }),
          remove: (zone, { attributes }) =>
            call('remove-record', { domain: zone.name, id: attributes.id }),
        },
      },
      hosted,
    )
  },
})
