import * as v from 'valibot'
import { parsedBy } from '../../../shared/schema.ts'
import type { Capabilities } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import { parseBaseUrl } from '../http/base-url.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { fullNames } from '../record-names.ts'
import { createSetProvider, type SetFields } from '../rrset-provider.ts'
import { quotedTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'rrset',
  // The server takes bodies of 2 MB.
  maxBatch: 1000,
  atomic: true,
  ttl: { min: 0, max: 2 ** 31 - 1 },
  txt: { maxBytes: 50_000, quotes: true },
}

const failure = v.object({ error: v.string() })
const zones = v.array(v.object({ id: v.string(), name: v.string() }))
const zoneAnswer = v.object({
  rrsets: v.array(
    v.object({
      name: v.string(),
      type: v.string(),
      ttl: v.number(),
      records: v.array(v.object({ content: v.string(), disabled: v.boolean() })),
    }),
  ),
})

interface Attributes {
  /** Records that are kept and not served. */
  readonly disabled: readonly string[]
}

export const powerdns = defineProvider({
  settings: v.strictObject({
    type: v.literal('powerdns'),
    /** Without the path of the API: `http://127.0.0.1:8081`. */
    url: parsedBy(parseBaseUrl),
    token: secretText,
  }),
  title: 'PowerDNS Authoritative Server',
  tier: 2,
  docs: 'https://doc.powerdns.com/authoritative/http-api/zone.html',
  caps,
  limits: [],
  create(id, { url, token }, dependencies) {
    const hosted = connect(
      {
        service: 'PowerDNS',
        // A server calls itself localhost, wherever it runs.
        baseUrl: `${url}/api/v1/servers/localhost`,
        headers: { 'x-api-key': token },
        secrets: [token],
        complaint: complaintIn(failure, ({ error: message }) => ({ message })),
        remedies: {
          auth: 'the setting api-key of the server must be the token in cloud.yaml',
          forbidden: 'add the address of this machine to webserver-allow-from of the server',
        },
      },
      [],
      dependencies,
    )
    const { api } = hosted

    function bodyOf({ name, type, ttl, contents, listed }: SetFields<Attributes>) {
      const disabled = (listed?.attributes.disabled ?? []).filter((one) => !contents.includes(one))
      const records = [
        ...contents.map((content) => ({ content, disabled: false })),
        ...disabled.map((content) => ({ content, disabled: true })),
      ]
      return records.length === 0
        ? { name, type, changetype: 'DELETE' }
        : { name, type, ttl, changetype: 'REPLACE', records }
    }

    return createSetProvider<Attributes>(
      id,
      {
        caps,
        form: { names: fullNames('.'), txt: quotedTxt },
        async zone(name) {
          // Asking for a zone that is not there is answered as if the whole server were not.
          const found = await api.read({
            path: '/zones',
            query: { zone: `${name}.` },
            answer: zones,
            what: `zone ${name}`,
          })
          const zone = found.find((one) => one.name === `${name}.`)
          return zone === undefined ? undefined : { name, id: zone.id }
        },
        // Asked for one RRset, the server leaves out what is disabled, and a write would lose it.
        async *list(zone) {
          const { rrsets } = await api.read({
            path: urlPath`/zones/${zone.id}`,
            answer: zoneAnswer,
            what: `records of ${zone.name}`,
            zone: zone.name,
          })
          yield rrsets.map(({ records, ...rest }) => ({
            ...rest,
            contents: records.filter(({ disabled }) => !disabled).map(({ content }) => content),
            attributes: {
              disabled: records.filter(({ disabled }) => disabled).map(({ content }) => content),
            },
          }))
        },
        writes: {
          kind: 'batch',
          max: caps.maxBatch,
          // One transaction; comments stay, because none are sent.
          batch: (zone, sets) => ({
            method: 'PATCH',
            path: urlPath`/zones/${zone.id}`,
            body: { rrsets: sets.map(bodyOf) },
          }),
        },
      },
      hosted,
    )
  },
})
