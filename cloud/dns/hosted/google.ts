import * as v from 'valibot'
import { quote } from '../../../shared/errors.ts'
import { parsedBy } from '../../../shared/schema.ts'
import { type Capabilities, ProviderError } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import { allOf, pagesOf } from '../http/pages.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED } from '../provider-type.ts'
import { fullNames } from '../record-names.ts'
import { createSetProvider } from '../rrset-provider.ts'
import { quotedTxt } from '../txt-content.ts'
import { createGoogleSigner, parseKeyFile } from './google-account.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'rrset',
  // A change takes 1,000 additions and 1,000 deletions.
  maxBatch: 1000,
  atomic: true,
  compareAndSet: 'exact',
  ttl: { min: 1, max: 2 ** 31 - 1 },
  txt: { maxBytes: 4000, quotes: true },
  publish: 'poll',
}

const failure = v.object({
  error: v.object({
    message: v.string(),
    errors: v.optional(v.array(v.object({ reason: v.string() })), []),
  }),
})
const zones = v.object({
  managedZones: v.optional(
    v.array(
      v.object({
        id: v.string(),
        dnsName: v.string(),
        visibility: v.optional(v.string(), 'public'),
      }),
    ),
    [],
  ),
})
const rrsets = v.object({
  rrsets: v.array(
    v.object({
      name: v.string(),
      type: v.string(),
      ttl: v.number(),
      rrdatas: v.optional(v.array(v.string()), []),
    }),
  ),
  nextPageToken: v.optional(v.string()),
})
const change = v.object({ id: v.string(), status: v.picklist(['pending', 'done']) })

export const google = defineProvider({
  settings: v.strictObject({
    type: v.literal('google'),
    /** The JSON key file of a service account, as text. */
    secret: parsedBy(parseKeyFile),
    /** Where the zone is in another project than the service account. */
    project: v.exactOptional(
      v.pipe(v.string(), v.regex(/^[a-z0-9.:-]+$/, 'is not the id of a project')),
    ),
  }),
  title: 'Google Cloud DNS',
  tier: 2,
  docs: 'https://cloud.google.com/dns/docs/reference/rest/v1',
  caps,
  limits: [],
  create(id, { secret: file, project = file.project_id }, dependencies) {
    const signer = createGoogleSigner(file, dependencies)
    const hosted = connect(
      {
        service: 'Google',
        baseUrl: `https://dns.googleapis.com/dns/v1${urlPath`/projects/${project}`}`,
        secrets: [file.private_key],
        sign: signer.sign,
        complaint: complaintIn(failure, ({ error: { message, errors } }) => {
          const reason = errors[0]?.reason
          if (reason === 'authError') signer.forget()
          return { ...(reason === undefined ? {} : { code: reason }), message }
        }),
        kinds: {
          quotaExceeded: 'quota',
          rateLimitExceeded: 'rate-limited',
          userRateLimitExceeded: 'rate-limited',
        },
        remedies: {
          forbidden:
            'give the service account the role DNS Administrator, and enable the Cloud DNS API in its project',
        },
      },
      [],
      dependencies,
    )
    const { api } = hosted

    const pages = (zone: { readonly id: string; readonly name: string }, filter: object) =>
      pagesOf(async (pageToken) => {
        const { rrsets: sets, nextPageToken } = await api.read({
          path: urlPath`/managedZones/${zone.id}/rrsets`,
          query: { ...filter, pageToken },
          answer: rrsets,
          what: `records of ${zone.name}`,
          zone: zone.name,
        })
        const items = sets.map(({ name, type, ttl, rrdatas }) => ({
          ...{ name, type, ttl, contents: rrdatas, attributes: null },
        }))
        return { items, next: nextPageToken }
      })

    return createSetProvider<null>(
      id,
      {
        caps,
        form: { names: fullNames('.'), txt: quotedTxt },
        async zone(name) {
          const { managedZones } = await api.read({
            path: '/managedZones',
            query: { dnsName: `${name}.` },
            answer: zones,
            what: `zone ${name}`,
          })
          // A private zone may have the same name, and is not what the world sees.
          const [zone, another] = managedZones.filter(
            ({ dnsName, visibility }) => dnsName === `${name}.` && visibility === 'public',
          )
          if (another === undefined) return zone && { name, id: zone.id }
          throw new ProviderError(
            'invalid',
            `the project ${quote(project)} has several public zones ${name}, and only one of them can be delegated to: delete the others`,
          )
        },
        list: (zone) => pages(zone, {}),
        listOne: (zone, name, type) => allOf(pages(zone, { name, type })),
        writes: {
          kind: 'batch',
          max: caps.maxBatch,
          // What is deleted must be exactly what is there, or nothing at all happens.
          batch: (zone, sets) => ({
            method: 'POST',
            path: urlPath`/managedZones/${zone.id}/changes`,
            body: {
              additions: sets.flatMap(({ name, type, ttl, contents }) =>
                contents.length === 0 ? [] : [{ name, type, ttl, rrdatas: contents }],
              ),
              deletions: sets.flatMap(({ listed }) =>
                listed === undefined
                  ? []
                  : [
                      {
                        ...{ name: listed.name, type: listed.type, ttl: listed.ttl },
                        rrdatas: listed.contents,
                      },
                    ],
              ),
            },
          }),
        },
        publication: {
          job(zone, answer) {
            const { success, output } = v.safeParse(change, answer)
            return success && output.status === 'pending' ? `${zone.id}/${output.id}` : undefined
          },
          async state(job) {
            const [zoneId = '', changeId = ''] = job.split('/')
            const { status } = await api.read({
              path: urlPath`/managedZones/${zoneId}/changes/${changeId}`,
              answer: change,
              what: `change ${changeId}`,
            })
            return status === 'done' ? 'live' : 'pending'
          },
        },
      },
      hosted,
    )
  },
})
