import * as v from 'valibot'
import type { Capabilities } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import { allOf, cursorOfLink, nextLink, pagesOf } from '../http/pages.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import { createSetProvider } from '../rrset-provider.ts'
import { quotedTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'rrset',
  maxBatch: 500,
  atomic: true,
  // Of domains under dedyn.io; each domain says its own least TTL, mostly 3600.
  ttl: { min: 60, max: 86_400 },
  txt: { maxBytes: 60_000, quotes: true },
}
const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000]
/** https://desec.readthedocs.io/en/latest/rate-limits.html */
const limits: readonly RateRule[] = [
  { count: 10, perMs: SECOND, on: 'read' },
  { count: 50, perMs: MINUTE, on: 'read' },
  { count: 2, perMs: SECOND, on: 'write', perZone: true },
  { count: 15, perMs: MINUTE, on: 'write', perZone: true },
  { count: 100, perMs: HOUR, on: 'write', perZone: true },
  { count: 300, perMs: DAY, on: 'write', perZone: true },
]

/** `detail`, or what is wrong with each field, of each RRset that was sent. */
const fields = v.record(v.string(), v.union([v.string(), v.array(v.string())]))
const failure = v.union([v.array(fields), fields])
const domains = v.array(v.object({ name: v.string(), minimum_ttl: v.number() }))
const rrsets = v.array(
  v.object({
    subname: v.string(),
    type: v.string(),
    ttl: v.number(),
    records: v.array(v.string()),
  }),
)

export const desec = defineProvider({
  settings: v.strictObject({ type: v.literal('desec'), token: secretText }),
  title: 'deSEC',
  tier: 1,
  docs: 'https://desec.readthedocs.io/',
  caps,
  limits,
  create(id, { token }, dependencies) {
    const hosted = connect(
      {
        service: 'deSEC',
        baseUrl: 'https://desec.io/api/v1',
        headers: { authorization: `Token ${token}` },
        secrets: [token],
        complaint: complaintIn(failure, (said) => {
          const [first] = [said].flat().flatMap((one) => Object.entries(one))
          return first && { message: `${first[0]}: ${first[1]}` }
        }),
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    const pages = (zone: { readonly name: string }, filter: object) =>
      pagesOf(async (cursor) => {
        const { value, headers } = await api.readWithHeaders({
          path: urlPath`/domains/${zone.name}/rrsets/`,
          // An empty cursor asks for pages, without which a zone of more than 500 is refused.
          query: { ...filter, cursor: cursor ?? '' },
          answer: rrsets,
          what: `records of ${zone.name}`,
          zone: zone.name,
        })
        return {
          items: value.map(({ subname, type, ttl, records }) => ({
            name: subname,
            type,
            ttl,
            contents: records,
            attributes: null,
          })),
          next: cursorOfLink(nextLink(headers), 'cursor'),
        }
      })

    return createSetProvider<null>(
      id,
      {
        caps,
        form: { names: relativeNames(''), txt: quotedTxt },
        async zone(name) {
          const domain = await api.read({
            path: '/domains/',
            query: { owns_qname: name },
            answer: domains,
            what: `zone ${name}`,
          })
          const own = domain.find((one) => one.name === name)
          return own === undefined ? undefined : { name, id: name, minTtl: own.minimum_ttl }
        },
        list: (zone) => pages(zone, {}),
        listOne: (zone, subname, type) => allOf(pages(zone, { subname, type })),
        writes: {
          kind: 'batch',
          max: caps.maxBatch,
          // All or nothing; no records means that the RRset goes.
          batch: (zone, sets) => ({
            method: 'PATCH',
            path: urlPath`/domains/${zone.name}/rrsets/`,
            body: sets.map(({ name, type, ttl, contents }) => ({
              subname: name,
              type,
              ttl,
              records: contents,
            })),
          }),
        },
      },
      hosted,
    )
  },
})
