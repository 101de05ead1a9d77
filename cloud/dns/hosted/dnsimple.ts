import * as v from 'valibot'
import type { Capabilities, Zone } from '../../domain/dns-provider.ts'
import { complaintIn } from '../http/api-fault.ts'
import { allOf, pagesOf } from '../http/pages.ts'
import type { RateRule } from '../http/request-budget.ts'
import { urlPath } from '../http/url-path.ts'
import { connect, defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { relativeNames } from '../record-names.ts'
import { createRecordProvider } from '../record-provider.ts'
import { plainTxt } from '../txt-content.ts'

const caps: Capabilities = {
  ...HOSTED,
  granularity: 'record',
  maxBatch: 100,
  atomic: true,
  ttl: { min: 60, max: 86_400 },
  txt: { maxBytes: 1000, quotes: false },
}
const limits: readonly RateRule[] = [{ count: 2400, perMs: 3_600_000 }]
const PER_PAGE = 100

/** A batch says what is wrong with which of its changes. */
const failure = v.object({ message: v.string(), errors: v.optional(v.unknown()) })
const accounts = v.object({ data: v.array(v.object({ id: v.number() })) })
const zone = v.object({ data: v.object({ name: v.string() }) })
const records = v.object({
  data: v.array(
    v.object({
      id: v.number(),
      name: v.string(),
      type: v.string(),
      content: v.string(),
      ttl: v.number(),
    }),
  ),
  pagination: v.object({ current_page: v.number(), total_pages: v.number() }),
})

export const dnsimple = defineProvider({
  settings: v.strictObject({ type: v.literal('dnsimple'), token: secretText }),
  title: 'DNSimple',
  tier: 2,
  docs: 'https://developer.dnsimple.com/v2/zones/records/',
  caps,
  limits,
  create(id, { token }, dependencies) {
    const hosted = connect(
      {
        service: 'DNSimple',
        baseUrl: 'https://api.dnsimple.com/v2',
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
        hasQuotaHeaders: true,
        complaint: complaintIn(failure, ({ message, errors }) => {
          const says = errors === undefined ? message : `${message}: ${JSON.stringify(errors)}`
          // A record of the batch is gone since it was read.
          return /record not found/i.test(says)
            ? { message: says, kind: 'conflict' }
            : { message: says }
        }),
        remedies: {
          forbidden: 'use an account token that may manage this zone; some plans have no API',
        },
      },
      limits,
      dependencies,
    )
    const { api } = hosted

    /** Of an account token its account, of a user token all accounts of the user. */
    let own: readonly string[] | undefined
    async function ownAccounts(): Promise<readonly string[]> {
      if (own !== undefined) return own
      const found = await api.read({ path: '/accounts', answer: accounts, what: 'accounts' })
      own = found.data.map((account) => String(account.id))
      return own
    }

    const pages = ({ id: account, name: origin }: Zone, filter: object) =>
      pagesOf(async (cursor) => {
        const { data, pagination } = await api.read({
          path: urlPath`/${account}/zones/${origin}/records`,
          query: { ...filter, per_page: PER_PAGE, page: cursor ?? 1 },
          answer: records,
          what: `records of ${origin}`,
          zone: origin,
        })
        return {
          items: data.map((one) => ({ ...one, id: String(one.id), attributes: null })),
          next:
            pagination.current_page < pagination.total_pages
              ? String(pagination.current_page + 1)
              : undefined,
        }
      })

    return createRecordProvider<null>(
      id,
      {
        caps,
        form: { names: relativeNames(''), txt: plainTxt },
        async zone(name) {
          for (const account of await ownAccounts()) {
            const found = await api.readIfPresent({
              path: urlPath`/${account}/zones/${name}`,
              answer: zone,
              what: `zone ${name}`,
            })
            if (found !== undefined) return { name, id: account }
          }
          return undefined
        },
        list: (place) => pages(place, {}),
        listOne: (place, name, type) => allOf(pages(place, { name, type })),
        writes: {
          kind: 'batch',
          max: caps.maxBatch,
          // All or nothing; regions stay as they are.
          batch: ({ id: account, name: origin }, creates, updates, deletes) => ({
            method: 'POST',
            path: urlPath`/${account}/zones/${origin}/batch`,
            body: {
              creates: creates.map(({ fields }) => fields),
              updates: updates.map(({ record, fields: { content, ttl } }) => ({
                ...{ id: Number(record.id), content, ttl },
              })),
              deletes: deletes.map((record) => ({ id: Number(record.id) })),
            },
          }),
        },
      },
      hosted,
    )
  },
})
