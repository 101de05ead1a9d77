import * as v from 'valibot'
import type { RRType } from '../../../shared/rrset.ts'
import type { Capabilities } from '../../domain/dns-provider.ts'
import { createTokenSigner } from '../http/access-token.ts'
import { complaintIn } from '../http/api-fault.ts'
import { cursorOfLink, pagesOf } from '../http/pages.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import { createSetProvider } from '../rrset-provider.ts'
import { plainTxt, textChunks } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'rrset',
  atomic: true,
  compareAndSet: 'etag',
  ttl: { min: 1, max: 2 ** 31 - 1 },
  txt: { maxBytes: 1024, quotes: true },
}
const HOUR = 3_600_000
/** Of the Resource Manager, for a subscription. */
const limits: readonly RateRule[] = [
  { count: 12_000, perMs: HOUR, on: 'read' },
  { count: 1200, perMs: HOUR, on: 'write' },
]

const idText = v.pipe(v.string(), v.regex(/^[\w.()-]{1,90}$/, 'is not an id or a name'))
const error = v.object({ code: v.string(), message: v.string() })
const failure = v.union([
  v.object({ error }),
  v.pipe(
    error,
    v.transform((error) => ({ error })),
  ),
])
const zoneAnswer = v.object({
  name: v.string(),
  properties: v.object({ zoneType: v.optional(v.string(), 'Public') }),
})
const recordSets = v.object({
  value: v.array(
    v.object({
      name: v.string(),
      // `Microsoft.Network/dnszones/AAAA`
      type: v.pipe(
        v.string(),
        v.transform((text) => text.slice(text.lastIndexOf('/') + 1)),
      ),
      etag: v.string(),
      properties: v.object({
        TTL: v.number(),
        ARecords: v.optional(v.array(v.object({ ipv4Address: v.string() })), []),
        AAAARecords: v.optional(v.array(v.object({ ipv6Address: v.string() })), []),
        TXTRecords: v.optional(v.array(v.object({ value: v.array(v.string()) })), []),
        targetResource: v.optional(v.object({ id: v.optional(v.string()) })),
        metadata: v.optional(v.record(v.string(), v.string())),
      }),
    }),
  ),
  nextLink: v.nullish(v.string()),
})
type RecordSet = v.InferOutput<typeof recordSets>['value'][number]

export const azure = defineProvider({
  settings: v.strictObject({
    type: v.literal('azure'),
    tenant: idText,
    client: idText,
    secret: secretText,
    subscription: idText,
    resourceGroup: idText,
  }),
  title: 'Azure DNS',
  tier: 2,
  docs: 'https://learn.microsoft.com/rest/api/dns/record-sets',
  caps,
  limits,
  create(id, { tenant, client, secret, subscription, resourceGroup }, dependencies) {
    const scope = urlPath`/subscriptions/${subscription}/resourceGroups/${resourceGroup}`
    const signer = createTokenSigner(
      {
        service: 'Azure',
        baseUrl: 'https://login.microsoftonline.com',
        path: urlPath`/${tenant}/oauth2/v2.0/token`,
        secrets: [secret],
        remedies: { auth: 'check tenant, client and secret; secrets of an application expire' },
        fields: async () => ({
          grant_type: 'client_credentials',
          client_id: client,
          client_secret: secret,
          scope: 'https://management.azure.com/.default',
        }),
      },
      dependencies,
    )
    const hosted = connect(
      {
        service: 'Azure',
        baseUrl: `https://management.azure.com${scope}/providers/Microsoft.Network/dnsZones`,
        queryFields: { 'api-version': '2018-05-01' },
        secrets: [secret],
        sign: signer.sign,
        complaint: complaintIn(failure, (said) => {
          if (said.error.code.endsWith('AuthenticationToken')) signer.forget()
          return said.error
        }),
        kinds: {
          AnotherOperationInProgress: 'conflict',
          // Not somebody else's change, but a lock that an administrator has put there.
          ScopeLocked: 'forbidden',
        },
        remedies: {
          forbidden:
            'give the application the role DNS Zone Contributor for this zone, and see that no lock is on it',
        },
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    return createSetProvider<RecordSet>(
      id,
      {
        caps,
        form: { names: relativeNames('@'), txt: plainTxt },
        async zone(name) {
          const found = await api.readIfPresent({
            path: urlPath`/${name}`,
            answer: zoneAnswer,
            what: `zone ${name}`,
          })
          return found?.properties.zoneType === 'Public' ? { name, id: name } : undefined
        },
        list: (zone) =>
          pagesOf(async (skipToken) => {
            const { value, nextLink } = await api.read({
              path: urlPath`/${zone.id}/recordsets`,
              query: { $skipToken: skipToken },
              answer: recordSets,
              what: `records of ${zone.name}`,
              zone: zone.name,
            })
            return {
              items: value.map((set) => ({
                ...{ name: set.name, type: set.type, ttl: set.properties.TTL },
                contents: contentsOf(set),
                attributes: set,
              })),
              next: cursorOfLink(nextLink, '$skipToken') ?? cursorOfLink(nextLink, '$skiptoken'),
            }
          }),
        writes: {
          kind: 'each',
          // The version that was read, or none at all, must still be what is there.
          write(zone, { name, type, ttl, contents, listed }) {
            const path = urlPath`/${zone.id}/${type}/${name}`
            const headers: Readonly<Record<string, string>> =
              listed === undefined
                ? { 'if-none-match': '*' }
                : { 'if-match': listed.attributes.etag }
            if (contents.length === 0) return [{ method: 'DELETE', path, headers }]
            const metadata = listed?.attributes.properties.metadata
            const properties = {
              ...{ TTL: ttl, ...recordsOf(type, contents) },
              ...(metadata === undefined ? {} : { metadata }),
            }
            return [{ method: 'PUT', path, headers, body: { properties } }]
          },
        },
      },
      hosted,
    )
  },
})

function recordsOf(type: RRType, contents: readonly string[]): object {
  if (type === 'A') return { ARecords: contents.map((ipv4Address) => ({ ipv4Address })) }
  if (type === 'AAAA') return { AAAARecords: contents.map((ipv6Address) => ({ ipv6Address })) }
  return { TXTRecords: contents.map((text) => ({ value: textChunks(text) })) }
}

/** An alias of a resource holds no records; its target is shown, so that nobody takes it for absent. */
function contentsOf({ properties }: RecordSet): string[] {
  const { ARecords, AAAARecords, TXTRecords, targetResource } = properties
  const contents = [
    ...ARecords.map(({ ipv4Address }) => ipv4Address),
    ...AAAARecords.map(({ ipv6Address }) => ipv6Address),
    ...TXTRecords.map(({ value }) => value.join('')),
  ]
  return contents.length === 0 && targetResource?.id !== undefined ? [targetResource.id] : contents
}
