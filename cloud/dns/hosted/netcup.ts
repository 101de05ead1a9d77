import * as v from 'valibot'
import { type Capabilities, ProviderError } from '../../domain/dns-provider.ts'
import type { ApiOptions } from '../http/api-client.ts'
import { type Complaint, complaintIn } from '../http/api-fault.ts'
import type { RateRule } from '../http/request-budget.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import { createRecordProvider } from '../record-provider.ts'
import { plainTxt } from '../txt-content.ts'
import { createNetcupSession, ENDPOINT } from './netcup-session.ts'

/** Of a zone, unless somebody has changed it; no record has one of its own. */
const ZONE_TTL = 86_400
const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  maxBatch: 100,
  atomic: true,
  ttl: { min: ZONE_TTL, max: ZONE_TTL },
  txt: { maxBytes: 255, quotes: false },
  publish: 'delayed',
}
const limits: readonly RateRule[] = [{ count: 180, perMs: 60_000 }]
const UNKNOWN_SESSION = 4001

const outcome = v.object({
  status: v.string(),
  statuscode: v.number(),
  shortmessage: v.optional(v.string(), ''),
  longmessage: v.optional(v.string(), ''),
})
const zoneAnswer = v.object({ responsedata: v.object({ name: v.string() }) })
const records = v.object({
  responsedata: v.object({
    dnsrecords: v.array(
      v.object({
        id: v.string(),
        hostname: v.string(),
        type: v.string(),
        priority: v.optional(v.string(), '0'),
        destination: v.string(),
      }),
    ),
  }),
})
type NetcupRecord = v.InferOutput<typeof records>['responsedata']['dnsrecords'][number]

const complaintOf = complaintIn(outcome, (said): Complaint | undefined => {
  const { status, statuscode, shortmessage, longmessage } = said
  if (status === 'success') return undefined
  const message = [shortmessage, longmessage].filter((text) => text !== '').join(' ')
  // Told with the code of whatever was asked for.
  const isTooMuch = /more than \d+ requests|too many/i.test(longmessage)
  return {
    code: String(statuscode),
    message,
    ...(isTooMuch ? { kind: 'rate-limited' } : {}),
  }
})

export const netcup = defineProvider({
  settings: v.strictObject({
    type: v.literal('netcup'),
    customer: v.pipe(v.string(), v.regex(/^\d{3,12}$/, 'must be a number in quotation marks')),
    apiKey: secretText,
    password: secretText,
  }),
  title: 'netcup CCP',
  tier: 3,
  docs: 'https://helpcenter.netcup.com/en/wiki/general/our-api',
  warning:
    'changes are served 10 to 20 minutes after they are made, all records have the TTL of the zone, and domains that netcup keeps in its newer CloudDNS are not reached',
  caps,
  limits,
  create(id, account, dependencies) {
    const options: ApiOptions = {
      service: 'netcup',
      baseUrl: 'https://ccp.netcup.net/run/webservice/servers',
      secrets: [account.apiKey, account.password],
      complaint: complaintOf,
      remedies: { auth: 'check customer, apiKey and password in cloud.yaml' },
    }
    const session = createNetcupSession(
      account,
      // Whoever needed the session asks for it again.
      connect({ ...options, kinds: { 4013: 'auth' }, maxAttempts: 1 }, limits, dependencies).api,
    )
    const hosted = connect(
      {
        ...options,
        sign: session.sign,
        complaint(body) {
          const said = complaintOf(body)
          const isEnded = said?.code === String(UNKNOWN_SESSION) && session.forget()
          return isEnded ? { ...said, kind: 'transient' } : said
        },
        kinds: {
          4013: 'invalid',
          5028: 'zone-not-found',
          5029: 'zone-not-found',
          5031: 'zone-not-found',
        },
      },
      limits,
      dependencies,
    )

    /** One path for all; reads are no GET requests either. */
    const call = (action: string, param: object) => ({
      method: 'POST' as const,
      path: ENDPOINT,
      body: { action, param },
    })

    const provider = createRecordProvider<NetcupRecord>(
      id,
      {
        caps,
        form: { names: relativeNames('@'), txt: plainTxt },
        async zone(name) {
          try {
            const { responsedata } = await hosted.api.read({
              ...call('infoDnsZone', { domainname: name }),
              answer: zoneAnswer,
              what: `zone ${name}`,
            })
            return responsedata.name === name ? { name, id: name } : undefined
          } catch (error) {
            // The name of a host is no valid domain name to this service.
            const { kind } = error instanceof ProviderError ? error : { kind: undefined }
            if (kind === 'zone-not-found' || kind === 'invalid') return undefined
            throw error
          }
        },
        async *list(zone) {
          const { responsedata } = await hosted.api.read({
            ...call('infoDnsRecords', { domainname: zone.name }),
            answer: records,
            what: `records of ${zone.name}`,
            zone: zone.name,
          })
          yield responsedata.dnsrecords.map((one) => ({
            ...{ id: one.id, name: one.hostname, type: one.type, ttl: ZONE_TTL },
            ...{ content: one.destination, attributes: one },
          }))
        },
        writes: {
          kind: 'batch',
          max: caps.maxBatch,
          // Records that are not named stay; without an id they are new.
          batch: (zone, creates, updates, deletes) =>
            call('updateDnsRecords', {
              domainname: zone.name,
              dnsrecordset: {
                dnsrecords: [
                  ...creates.map(({ fields: { name, type, content } }) => ({
                    ...{ hostname: name, type, destination: content },
                  })),
                  ...updates.map(({ record, fields }) => ({
                    ...record.attributes,
                    ...{ destination: fields.content, deleterecord: false },
                  })),
                  ...deletes.map(({ attributes }) => ({ ...attributes, deleterecord: true })),
                ],
              },
            }),
        },
      },
      hosted,
    )
    return session.around(provider)
  },
})
