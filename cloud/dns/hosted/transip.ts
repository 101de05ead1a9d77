import * as v from 'valibot'
import { isPrivateKeyPem } from '../../../shared/rsa-signature.ts'
import type { Capabilities, Zone } from '../../domain/dns-provider.ts'
import type { ApiOptions } from '../http/api-client.ts'
import { type Complaint, complaintIn } from '../http/api-fault.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import { createRecordProvider, type RecordFields } from '../record-provider.ts'
import { plainTxt } from '../txt-content.ts'
import { createTransipSigner } from './transip-token.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  ttl: { min: 60, max: 86_400 },
  txt: { maxBytes: 1024, quotes: false },
}
const limits: readonly RateRule[] = [{ count: 1000, perMs: 900_000 }]

const failure = v.object({ error: v.string() })
const domain = v.object({ domain: v.object({ name: v.string() }) })
/** Has no id: it is named by all that it holds. */
const entry = v.object({
  ...{ name: v.string(), type: v.string() },
  ...{ expire: v.number(), content: v.string() },
})
const entries = v.object({ dnsEntries: v.array(entry) })
type Entry = v.InferOutput<typeof entry>

/** What the API's words mean, where status 403 or 406 says less. */
const MEANINGS: readonly (readonly [RegExp, Complaint])[] = [
  [/not a valid domain name/i, { status: 404 }],
  // An entry that is changed must be there, and only once.
  [/\bmatch(?:es)? found/i, { status: 409 }],
  [/temporarily/i, { status: 503 }],
]

export const transip = defineProvider({
  settings: v.strictObject({
    type: v.literal('transip'),
    login: v.pipe(v.string(), v.regex(/^[\w.@-]+$/, 'is not the name of an account')),
    privateKey: v.pipe(
      v.string(),
      v.check(
        isPrivateKeyPem,
        'does not have the right form: give the whole text (PKCS #8) that TransIP has shown once',
      ),
    ),
  }),
  title: 'TransIP',
  tier: 3,
  docs: 'https://api.transip.nl/rest/docs.html#domains-dns',
  warning:
    'the errors of the TransIP API are taken from its description alone, none was recorded; its key opens the whole account: watch its outcomes',
  caps,
  limits,
  create(id, { login, privateKey }, dependencies) {
    // Services echo, and a line alone would not be recognised; the last one may be a few letters.
    const lines = privateKey.split(/\s+/).filter((line) => line.length > 16)
    const options: ApiOptions = {
      service: 'TransIP',
      baseUrl: 'https://api.transip.nl/v6',
      secrets: [privateKey, ...lines],
      hasQuotaHeaders: true,
      complaint: complaintIn(failure, ({ error: message }) => ({ message })),
      remedies: {
        auth: 'check login and privateKey in cloud.yaml; the API must be switched on, and the key made for any address',
      },
    }
    const token = createTransipSigner({ login, privateKey }, options, limits, dependencies)
    const hosted = connect(
      {
        ...options,
        sign: token.sign,
        complaint: complaintIn(failure, ({ error: message }) => {
          if (/\btoken\b/i.test(message)) token.forget()
          return { ...MEANINGS.find(([words]) => words.test(message))?.[1], message }
        }),
        statuses: { 406: 'invalid' },
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    const path = ({ name }: Zone) => urlPath`/domains/${name}/dns`
    const bodyOf = ({ name, ttl: expire, type, content }: RecordFields) => ({
      dnsEntry: { name, expire, type, content },
    })

    return createRecordProvider<Entry>(
      id,
      {
        caps,
        form: { names: relativeNames('@'), txt: plainTxt },
        async zone(name) {
          const found = await api.readIfPresent({
            path: urlPath`/domains/${name}`,
            answer: domain,
            what: `zone ${name}`,
          })
          return found === undefined ? undefined : { name, id: name }
        },
        async *list(zone) {
          const { dnsEntries } = await api.read({
            path: path(zone),
            answer: entries,
            what: `records of ${zone.name}`,
            zone: zone.name,
          })
          yield dnsEntries.map((one) => {
            const { name, type, expire: ttl, content } = one
            return { id: '', name, type, ttl, content, attributes: one }
          })
        },
        writes: {
          kind: 'each',
          create: (zone, { fields }) => ({
            method: 'POST',
            path: path(zone),
            body: bodyOf(fields),
          }),
          // Changes the content of the one entry that has this name, type and TTL.
          update: (zone, { record, fields, isOnly }) =>
            isOnly && record.ttl === fields.ttl
              ? { method: 'PATCH', path: path(zone), body: bodyOf(fields) }
              : undefined,
          remove: (zone, { attributes }) => ({
            method: 'DELETE',
            path: path(zone),
            body: { dnsEntry: attributes },
          }),
        },
      },
      hosted,
    )
  },
})
