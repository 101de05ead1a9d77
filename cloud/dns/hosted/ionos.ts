import * as v from 'valibot'
import type { Capabilities } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { fullNames } from '../record-names.ts'
import { createSetProvider } from '../rrset-provider.ts'
import { quotedTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'rrset',
  maxBatch: 500,
  atomic: true,
  ttl: { min: 60, max: 86_400 },
  txt: { maxBytes: 2048, quotes: true },
}

const failure = v.array(v.object({ code: v.string(), message: v.optional(v.string(), '') }))
const zones = v.array(v.object({ id: v.string(), name: v.string() }))
const record = v.object({
  id: v.string(),
  name: v.string(),
  type: v.string(),
  content: v.string(),
  ttl: v.number(),
  disabled: v.optional(v.boolean(), false),
})
const zoneAnswer = v.object({ records: v.array(record) })
type IonosRecord = v.InferOutput<typeof record>

export const ionos = defineProvider({
  settings: v.strictObject({
    type: v.literal('ionos'),
    token: v.pipe(secretText, v.regex(/^[^.]+\.[^.]+$/, 'must have the form prefix.secret')),
  }),
  title: 'IONOS (hosting)',
  tier: 2,
  docs: 'https://developer.hosting.ionos.com/docs/dns',
  caps,
  limits: [],
  create(id, { token }, dependencies) {
    const [, secret = token] = token.split('.')
    const hosted = connect(
      {
        service: 'IONOS',
        baseUrl: 'https://api.hosting.ionos.com/dns/v1',
        headers: { 'x-api-key': token },
        secrets: [token, secret],
        complaint: complaintIn(failure, ([first]) => first),
        kinds: { INVALID_RECORD: 'invalid', ZONE_NOT_FOUND: 'zone-not-found' },
        remedies: { auth: 'the token is the public prefix, a dot, and the secret' },
      },
      [],
      dependencies,
    )
    const { api } = hosted

    async function records(
      zone: { readonly id: string; readonly name: string },
      filter: Readonly<Record<string, string>>,
    ) {
      const answer = await api.read({
        path: urlPath`/zones/${zone.id}`,
        query: filter,
        answer: zoneAnswer,
        what: `records of ${zone.name}`,
        zone: zone.name,
      })
      return setsOf(answer.records)
    }

    return createSetProvider<readonly IonosRecord[]>(
      id,
      {
        caps,
        form: { names: fullNames(''), txt: quotedTxt },
        async zone(name) {
          const found = await api.read({ path: '/zones', answer: zones, what: `zone ${name}` })
          const zone = found.find((one) => one.name === name)
          return zone === undefined ? undefined : { name, id: zone.id }
        },
        async *list(zone) {
          yield await records(zone, {})
        },
        listOne: (zone, recordName, recordType) => records(zone, { recordName, recordType }),
        writes: {
          kind: 'batch',
          max: caps.maxBatch,
          // Takes the place of all records of the names and types in it, and leaves the others. (PUT
          // would take the place of the whole zone.) Disabled records are named, or they would go.
          batch: (zone, sets) => ({
            method: 'PATCH',
            path: urlPath`/zones/${zone.id}`,
            body: sets.flatMap(({ name, type, ttl, contents, listed }) => [
              ...contents.map((content) => ({ name, type, ttl, content, disabled: false })),
              ...(listed?.attributes ?? [])
                .filter(({ disabled, content }) => disabled && !contents.includes(content))
                .map(({ id: _, ...kept }) => kept),
            ]),
          }),
          remove: (zone, { listed }) =>
            (listed?.attributes ?? [])
              .filter(({ disabled }) => !disabled)
              .map((one) => ({
                method: 'DELETE',
                path: urlPath`/zones/${zone.id}/records/${one.id}`,
              })),
        },
      },
      hosted,
    )
  },
})

/** Records by name and type; `attributes` are the records themselves. */
function setsOf(records: readonly IonosRecord[]) {
  const groups = new Map<string, IonosRecord[]>()
  for (const one of records) {
    const key = `${one.name} ${one.type}`
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const served = group.filter(({ disabled }) => !disabled)
    const ttls = served.map(({ ttl }) => ttl)
    const contents = served.map(({ content }) => content)
    return [{ name: first.name, type: first.type, ttl: ttls[0], ttls, contents, attributes: group }]
  })
}
