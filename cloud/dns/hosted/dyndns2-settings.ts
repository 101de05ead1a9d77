import * as v from 'valibot'
import { encodeBase64 } from '../../../shared/base64.ts'
import { parseName } from '../../../shared/rrset.ts'
import { parsedBy } from '../../../shared/schema.ts'
import { secretText } from '../provider-type.ts'
import {
  ADDRESS_FORMS,
  type Dyndns2Service,
  HURRICANE,
  PASSWORD_SERVICES,
  refusalOfUrl,
  TOKEN_SERVICES,
} from './dyndns2-services.ts'

const common = {
  type: v.literal('dyndns2'),
  // The service does not say which names are its own.
  zone: parsedBy(parseName),
  // No-IP asks for an address in the name of the program, to write to before it blocks it.
  contact: v.optional(v.pipe(v.string(), v.email('must be an e-mail address'))),
}
const user = v.pipe(v.string(), v.regex(/^[!-9;-~]+$/, 'must have no white space and no colon'))
const url = v.pipe(
  v.string(),
  v.check(
    (text) => refusalOfUrl(text) === undefined,
    ({ input }) => refusalOfUrl(input) ?? '',
  ),
)

/** What cloud.yaml holds of one account; services differ in what they ask for. */
export const settings = v.variant('service', [
  v.strictObject({
    ...common,
    service: v.picklist(['dyn', 'noip', 'strato', 'inwx', 'desec']),
    username: user,
    password: secretText,
  }),
  v.strictObject({ ...common, service: v.picklist(['duckdns', 'dynv6']), token: secretText }),
  v.strictObject({ ...common, service: v.literal('he'), password: secretText }),
  v.strictObject({
    ...common,
    service: v.literal('custom'),
    url,
    addresses: v.picklist(['list', 'pair']),
    username: user,
    password: secretText,
  }),
])
type Settings = v.InferOutput<typeof settings>

/** The service with its credential, as it is sent. */
interface Account {
  readonly service: Dyndns2Service
  readonly headers?: Readonly<Record<string, string>>
  readonly queryFields?: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
}

/** Puts the credential where the service wants it. */
export function accountOf(entry: Settings): Account {
  switch (entry.service) {
    case 'duckdns':
    case 'dynv6':
      return {
        service: TOKEN_SERVICES[entry.service],
        queryFields: { token: entry.token },
        secrets: [entry.token],
      }
    case 'he':
      return {
        service: HURRICANE,
        queryFields: { password: entry.password },
        secrets: [entry.password],
      }
    default: {
      const pair = `${entry.username}:${entry.password}`
      const basic = encodeBase64(new TextEncoder().encode(pair))
      return {
        service:
          entry.service === 'custom'
            ? { url: entry.url, query: ADDRESS_FORMS[entry.addresses] }
            : PASSWORD_SERVICES[entry.service],
        headers: { authorization: `Basic ${basic}` },
        secrets: [entry.password, pair, basic],
      }
    }
  }
}
