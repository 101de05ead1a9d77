import * as v from 'valibot'
import type { Capabilities } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import { createSetProvider } from '../rrset-provider.ts'
import { quotedTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'rrset',
  atomic: true,
  ttl: { min: 300, max: 2_592_000 },
  txt: { maxBytes: 4000, quotes: true },
}
const limits: readonly RateRule[] = [{ count: 1000, perMs: 60_000 }]

/** Successes have a message too, but no code. */
const failure = v.object({ code: v.number(), message: v.string() })
const domain = v.object({ fqdn: v.string() })
const rrsets = v.array(
  v.object({
    rrset_name: v.string(),
    rrset_type: v.string(),
    rrset_ttl: v.number(),
    rrset_values: v.array(v.string()),
  }),
)

export const gandi = defineProvider({
  settings: v.strictObject({ type: v.literal('gandi'), token: secretText }),
  title: 'Gandi LiveDNS',
  tier: 1,
  docs: 'https://api.gandi.net/docs/livedns/',
  caps,
  limits,
  create(id, { token }, dependencies) {
    const hosted = connect(
      {
        service: 'Gandi',
        baseUrl: 'https://api.gandi.net/v5/livedns',
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
        complaint: complaintIn(failure, ({ message }) => ({ message })),
        remedies: {
          auth: 'make a personal access token; the former API keys are not accepted',
          forbidden:
            'the token needs the permission to manage the technical configuration of domains',
        },
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    return createSetProvider<null>(
      id,
      {
        caps,
        form: { names: relativeNames('@'), txt: quotedTxt },
        async zone(name) {
          const path = urlPath`/domains/${name}`
          const found = await api.readIfPresent({ path, answer: domain, what: `zone ${name}` })
          return found === undefined ? undefined : { name, id: name }
        },
        // One answer holds the whole zone.
        async *list(zone) {
          const sets = await api.read({
            path: urlPath`/domains/${zone.name}/records`,
            answer: rrsets,
            what: `records of ${zone.name}`,
            zone: zone.name,
          })
          yield sets.map((set) => ({
            name: set.rrset_name,
            type: set.rrset_type,
            ttl: set.rrset_ttl,
            contents: set.rrset_values,
            attributes: null,
          }))
        },
        writes: {
          kind: 'each',
          write(zone, { name, type, ttl, contents }) {
            const path = urlPath`/domains/${zone.name}/records/${name}/${type}`
            if (contents.length === 0) return [{ method: 'DELETE', path }]
            return [{ method: 'PUT', path, body: { rrset_ttl: ttl, rrset_values: contents } }]
          },
        },
      },
      hosted,
    )
  },
})
