import * as v from 'valibot'
import type { Capabilities, Zone } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import { createRecordProvider, type ListedRecord } from '../record-provider.ts'
import { quotedTxt } from '../txt-content.ts'
import { createOvhSigner } from './ovh-signature.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  ttl: { min: 60, max: 86_400 },
  txt: { maxBytes: 2048, quotes: true },
  publish: 'delayed',
}
/** None is published; this many is what others get along with. */
const limits: readonly RateRule[] = [{ count: 20, perMs: 1000 }]
const HOSTS = { eu: 'eu.api.ovh.com', ca: 'ca.api.ovh.com', us: 'api.us.ovhcloud.com' } as const

const failure = v.object({ message: v.string(), errorCode: v.optional(v.string()) })
const names = v.array(v.string())
const ids = v.array(v.number())
const record = v.object({
  id: v.number(),
  fieldType: v.string(),
  subDomain: v.nullable(v.string()),
  target: v.string(),
  ttl: v.number(),
})

const settings = v.strictObject({
  type: v.literal('ovh'),
  region: v.optional(v.picklist(['eu', 'ca', 'us']), 'eu'),
  applicationKey: secretText,
  applicationSecret: secretText,
  consumerKey: secretText,
})

export const ovh = defineProvider({
  settings,
  title: 'OVHcloud',
  tier: 1,
  docs: 'https://eu.api.ovh.com/console/?section=%2Fdomain',
  caps,
  limits,
  create(id, { region, applicationKey, applicationSecret, consumerKey }, dependencies) {
    const baseUrl = `https://${HOSTS[region]}/1.0`
    const hosted = connect(
      {
        service: 'OVHcloud',
        baseUrl,
        headers: { 'x-ovh-application': applicationKey, 'x-ovh-consumer': consumerKey },
        secrets: [applicationKey, applicationSecret, consumerKey],
        sign: createOvhSigner(baseUrl, applicationSecret, consumerKey, dependencies),
        complaint: complaintIn(failure, ({ errorCode: code, message }) =>
          code === undefined ? { message } : { code, message },
        ),
        kinds: {
          INVALID_CREDENTIAL: 'auth',
          INVALID_KEY: 'auth',
          INVALID_SIGNATURE: 'auth',
          NOT_CREDENTIAL: 'auth',
          NOT_GRANTED_CALL: 'forbidden',
          QUERY_TIME_OUT: 'transient',
        },
        remedies: {
          auth: 'check the application key, its secret and the consumer key, which belong to one region; consumer keys expire',
          forbidden:
            'make a consumer key with GET /domain/zone and with GET, POST, PUT and DELETE /domain/zone/NAME/*',
        },
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    const idsOf = (
      zone: Zone,
      filter: { readonly fieldType?: string; readonly subDomain?: string },
    ) =>
      api.read({
        path: urlPath`/domain/zone/${zone.name}/record`,
        query: filter,
        answer: ids,
        what: `records of ${zone.name}`,
        zone: zone.name,
      })
    /** Lists hold ids only: each record is a request of its own. */
    async function recordsOf(zone: Zone, found: readonly number[]): Promise<ListedRecord<null>[]> {
      const records: ListedRecord<null>[] = []
      for (const one of found) {
        const held = await api.readIfPresent({
          path: urlPath`/domain/zone/${zone.name}/record/${String(one)}`,
          answer: record,
          what: `record ${one} of ${zone.name}`,
          zone: zone.name,
        })
        // Somebody has deleted it since it was listed.
        if (held === undefined) continue
        const { fieldType: type, subDomain, target: content, ttl } = held
        records.push({
          id: String(one),
          name: subDomain ?? '',
          type,
          ttl,
          content,
          attributes: null,
        })
      }
      return records
    }

    return createRecordProvider<null>(
      id,
      {
        caps,
        form: { names: relativeNames(''), txt: quotedTxt },
        async zone(name) {
          const own = await api.read({ path: '/domain/zone', answer: names, what: `zone ${name}` })
          return own.includes(name) ? { name, id: name } : undefined
        },
        async listKeys(zone, keys) {
          const all = keys.length > 1 ? await idsOf(zone, {}) : undefined
          // One by one, a name takes two requests: its ids, and mostly one record.
          if (all !== undefined && all.length <= 2 * keys.length) return recordsOf(zone, all)
          const records: ListedRecord<null>[] = []
          for (const { name: subDomain, type: fieldType } of keys) {
            records.push(...(await recordsOf(zone, await idsOf(zone, { fieldType, subDomain }))))
          }
          return records
        },
        writes: {
          kind: 'each',
          create: (
            zone,
            { fields: { name: subDomain, type: fieldType, ttl, content: target } },
          ) => ({
            method: 'POST',
            path: urlPath`/domain/zone/${zone.name}/record`,
            body: { fieldType, subDomain, target, ttl },
          }),
          update: (
            zone,
            { record: { id: one }, fields: { name: subDomain, ttl, content: target } },
          ) => ({
            method: 'PUT',
            path: urlPath`/domain/zone/${zone.name}/record/${one}`,
            body: { subDomain, target, ttl },
          }),
          remove: (zone, { id: one }) => ({
            method: 'DELETE',
            path: urlPath`/domain/zone/${zone.name}/record/${one}`,
          }),
        },
        // Until then the name servers know of nothing.
        publish: (zone) => ({ method: 'POST', path: urlPath`/domain/zone/${zone.name}/refresh` }),
      },
      hosted,
    )
  },
})
