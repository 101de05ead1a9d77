import * as v from 'valibot'
import type { Capabilities } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import { pagesOf } from '../http/pages.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { fullNames, type NameForm, relativeNames } from '../record-names.ts'
import { createRecordProvider } from '../record-provider.ts'
import { quotedTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  maxBatch: 500,
  // Each request makes one new version of the zone.
  atomic: true,
  ttl: { min: 60, max: 86_400 },
  txt: { maxBytes: 1024, quotes: true },
}
const PER_PAGE = 100

/** A full name without its dot would be taken for a relative one. Relative ones come back. */
const names: NameForm = { ...fullNames('.'), parse: relativeNames('').parse }

const failure = v.object({ message: v.string(), type: v.optional(v.string(), '') })
const zones = v.object({
  dns_zones: v.array(v.object({ domain: v.string(), subdomain: v.string() })),
})
const records = v.object({
  total_count: v.number(),
  records: v.array(
    // The rest is a comment, or what makes the answer depend on who asks.
    v.looseObject({
      id: v.string(),
      name: v.string(),
      type: v.string(),
      data: v.string(),
      ttl: v.number(),
    }),
  ),
})

export const scaleway = defineProvider({
  settings: v.strictObject({ type: v.literal('scaleway'), token: secretText }),
  title: 'Scaleway',
  tier: 2,
  docs: 'https://www.scaleway.com/en/developers/api/domains-and-dns/',
  caps,
  limits: [],
  create(id, { token }, dependencies) {
    const hosted = connect(
      {
        service: 'Scaleway',
        baseUrl: 'https://api.scaleway.com/domain/v2beta1',
        headers: { 'x-auth-token': token },
        secrets: [token],
        complaint: complaintIn(failure, ({ message, type }) => ({
          ...(type === '' ? {} : { code: type }),
          message,
          // Told with status 403, as if it were a matter of permissions.
          ...(/domain not found/i.test(message) ? { kind: 'zone-not-found' } : {}),
        })),
        kinds: {
          denied_authentication: 'auth',
          quotas_exceeded: 'quota',
          resource_locked: 'conflict',
          transient_state: 'conflict',
        },
        remedies: { forbidden: 'give the key the permission set DomainsDNSFullAccess' },
      },
      [],
      dependencies,
    )
    const { api } = hosted

    return createRecordProvider<Readonly<Record<string, unknown>>>(
      id,
      {
        caps,
        form: { names, txt: quotedTxt },
        async zone(name) {
          const { dns_zones: found } = await api.read({
            path: '/dns-zones',
            query: { dns_zone: name, page_size: PER_PAGE },
            answer: zones,
            what: `zone ${name}`,
          })
          const isThere = found.some(({ domain, subdomain }) =>
            subdomain === '' ? domain === name : `${subdomain}.${domain}` === name,
          )
          return isThere ? { name, id: name } : undefined
        },
        list(zone) {
          let seen = 0
          return pagesOf(async (cursor) => {
            const page = Number(cursor ?? 1)
            const answer = await api.read({
              path: urlPath`/dns-zones/${zone.id}/records`,
              query: { page, page_size: PER_PAGE },
              answer: records,
              what: `records of ${zone.name}`,
              zone: zone.name,
            })
            seen += answer.records.length
            return {
              items: answer.records.map(({ id, name, type, data, ttl, ...attributes }) => ({
                ...{ id, name, type, ttl, content: data, attributes },
              })),
              next: seen < answer.total_count ? String(page + 1) : undefined,
            }
          })
        },
        writes: {
          kind: 'batch',
          max: caps.maxBatch,
          batch: (zone, creates, updates, deletes) => ({
            method: 'PATCH',
            path: urlPath`/dns-zones/${zone.id}/records`,
            body: {
              changes: [
                ...creates.map(({ fields: { content, ...fields } }) => ({
                  add: { records: [{ ...fields, data: content }] },
                })),
                ...updates.map(({ record, fields: { content, ...fields } }) => ({
                  set: {
                    id: record.id,
                    records: [{ ...record.attributes, ...fields, data: content }],
                  },
                })),
                ...deletes.map((record) => ({ delete: { id: record.id } })),
              ],
              // A zone that was deleted meanwhile shall stay away.
              disallow_new_zone_creation: true,
            },
          }),
        },
      },
      hosted,
    )
  },
})
