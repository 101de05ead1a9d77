import * as v from 'valibot'
import { ReprefixError } from '../../../shared/errors.ts'
import { parsedBy } from '../../../shared/schema.ts'
import type { Capabilities } from '../../domain/dns-provider.ts'
import type { ApiOptions } from '../http/api-client.ts'
import type { Complaint } from '../http/api-fault.ts'
import { allOf } from '../http/pages.ts'
import type { RateRule } from '../http/request-budget.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { fullNames } from '../record-names.ts'
import { createRecordProvider } from '../record-provider.ts'
import { parseBase32 } from '../totp.ts'
import { plainTxt } from '../txt-content.ts'
import { createInwxSession } from './inwx-session.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  ttl: { min: 300, max: 86_400 },
  // Strings of exactly 255 bytes come back damaged, and what becomes of quotation marks is not said.
  txt: { maxBytes: 254, quotes: false },
}
const limits: readonly RateRule[] = [{ count: 10, perMs: 1000 }]

/** What the codes of EPP (RFC 5730 §3) would be as status codes; all answers have status 200. */
const STATUSES: Readonly<Record<number, number>> = {
  2003: 422,
  2004: 422,
  2005: 422,
  2200: 401,
  2201: 403,
  2302: 409,
  2303: 404,
  2304: 409,
  2306: 422,
  2308: 422,
  2400: 500,
  2500: 500,
  2501: 401,
  2502: 429,
}
/** Not logged in, or not with this name and password. */
const UNKNOWN_USER = 2200

const outcome = v.object({ code: v.number(), msg: v.string(), reason: v.optional(v.string()) })
const zoneAnswer = v.object({ resData: v.object({ domain: v.string() }) })
const records = v.object({
  resData: v.object({
    // Left out where there are none.
    record: v.optional(
      v.array(
        v.object({
          id: v.union([v.number(), v.string()]),
          name: v.string(),
          type: v.string(),
          content: v.string(),
          ttl: v.pipe(v.union([v.number(), v.string()]), v.transform(Number)),
        }),
      ),
      [],
    ),
  }),
})

export const inwx = defineProvider({
  settings: v.strictObject({
    type: v.literal('inwx'),
    username: v.pipe(v.string(), v.minLength(1, 'must not be empty')),
    password: secretText,
    // Of the second factor, as the web site shows it beside the QR code.
    secret: v.optional(parsedBy(parseSecret)),
  }),
  title: 'INWX',
  tier: 2,
  docs: 'https://www.inwx.de/en/help/apidoc',
  caps,
  limits,
  create(id, { username, password, secret: totp }, dependencies) {
    const options: ApiOptions = {
      service: 'INWX',
      baseUrl: 'https://api.domrobot.com',
      secrets: [password],
      complaint: complaintOf,
      remedies: {
        auth: 'check user name, password and secret in cloud.yaml; an account with a second factor needs the secret',
      },
    }
    const session = createInwxSession(
      { username, password, totp },
      (sign) => connect({ ...options, sign }, limits, dependencies).api,
      dependencies,
    )
    const hosted = connect(
      {
        ...options,
        complaint(body) {
          const said = complaintOf(body)
          const isEnded = said?.code === String(UNKNOWN_USER) && session.forget()
          return isEnded ? { ...said, kind: 'transient' } : said
        },
        async sign(request, keepSecret) {
          const cookie = await session.cookie()
          keepSecret(cookie)
          return { ...request, headers: { ...request.headers, cookie } }
        },
      },
      limits,
      dependencies,
    )

    /** One path for all. */
    const call = (method: string, params: object) => ({
      method: 'POST' as const,
      path: '/jsonrpc/',
      body: { method, params },
    })
    async function* list(zone: { readonly name: string }, filter: object) {
      const { resData } = await hosted.api.read({
        ...call('nameserver.info', { domain: zone.name, ...filter }),
        ...{ answer: records, what: `records of ${zone.name}`, zone: zone.name },
      })
      yield resData.record.map((one) => ({
        ...one,
        id: String(one.id),
        attributes: { id: one.id },
      }))
    }

    return createRecordProvider<{ readonly id: number | string }>(
      id,
      {
        caps,
        form: { names: fullNames(''), txt: plainTxt },
        async zone(name) {
          const found = await hosted.api.readIfPresent({
            ...call('nameserver.info', { domain: name, type: 'SOA' }),
            ...{ answer: zoneAnswer, what: `zone ${name}` },
          })
          return found?.resData.domain === name ? { name, id: name } : undefined
        },
        list: (zone) => list(zone, {}),
        listOne: (zone, name, type) => allOf(list(zone, { name, type })),
        writes: {
          kind: 'each',
          create: (zone, { fields: { name, type, ttl, content } }) =>
            call('nameserver.createRecord', { domain: zone.name, type, content, name, ttl }),
          update: (_, { record: { attributes }, fields: { content, ttl } }) =>
            call('nameserver.updateRecord', { id: attributes.id, content, ttl }),
          remove: (_, { attributes }) => call('nameserver.deleteRecord', { id: attributes.id }),
        },
      },
      hosted,
    )
  },
})

/** Whatever is no success of theirs is a fault, also what has no code at all. */
function complaintOf(body: unknown): Complaint | undefined {
  const { success, output } = v.safeParse(outcome, body)
  if (!success) return { kind: 'protocol', message: 'an answer without code' }
  const { code, msg, reason } = output
  if (code >= 1000 && code < 2000) return undefined
  const status = STATUSES[code]
  return {
    code: String(code),
    message: reason === undefined ? msg : `${msg}: ${reason}`,
    ...(status === undefined ? {} : { status }),
  }
}

function parseSecret(text: string): Uint8Array<ArrayBuffer> {
  const bytes = parseBase32(text)
  if (bytes !== undefined && bytes.length >= 10) return bytes
  throw new ReprefixError('VALUE_INVALID', 'is no secret of a second factor: base32 is expected')
}
