import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

interface NjallaRecord {
  readonly id: number
  readonly name: string
  readonly type: string
  readonly content: string
  readonly ttl: number
  /** Of a record that the service moves by itself. */
  readonly update_url?: string
  readonly current_ips?: readonly string[]
}
type Params = Partial<NjallaRecord> & { readonly domain?: string }

const TOKEN = 'njalla0123456789abcdef0123456789abcdef'
const TTLS = [60, 300, 900, 3600, 10_800, 21_600, 86_400]

/** One address for all methods, and errors under status 200. */
export async function createNjallaFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  let records: readonly NjallaRecord[] = []
  let count = 188_200

  const ok = (result: unknown): FakeAnswer => ({ status: 200, body: { result, jsonrpc: '2.0' } })
  const fail = (code: number, message: string): FakeAnswer => ({
    status: 200,
    body: { error: { code, message }, jsonrpc: '2.0' },
  })
  const missing = fail(404, 'Record not found')
  const relative = (name: string) => {
    const bare = name.replace(/\.$/, '')
    if (bare === zone) return '@'
    return bare.endsWith(`.${zone}`) ? bare.slice(0, -zone.length - 1) : bare
  }

  function faultOf({ name = '', type = '', content = '', ttl = 0 }: Params) {
    if (name === '') return fail(400, 'Missing name')
    if (!TTLS.includes(ttl)) return fail(400, 'Invalid ttl')
    if (type === 'TXT' && (content.includes('"') || content.length > 255)) {
      return fail(400, 'Invalid content')
    }
    return undefined
  }

  const methods: Readonly<Record<string, (params: Params) => FakeAnswer>> = {
    'get-domain': () =>
      ok({
        ...{ name: zone, status: 'active', expiry: '2027-06-29T23:53:03Z' },
        ...{ mailforwarding: false, max_nameservers: 10, dnssec_type: 'dsData' },
      }),
    'list-records': () => ok({ records }),
    'add-record'({ name = '', type = '', content = '', ttl = 10_800 }) {
      const record = { id: ++count, name: relative(name), type, content, ttl }
      const fault = faultOf(record)
      if (fault !== undefined) return fault
      records = [...records, record]
      return ok(record)
    },
    'edit-record'({ id, name, content, ttl }) {
      const before = records.find((one) => one.id === id)
      if (before === undefined) return missing
      const record = {
        ...before,
        ...{ name: relative(name ?? before.name), content: content ?? before.content },
        ttl: ttl ?? before.ttl,
      }
      const fault = faultOf(record)
      if (fault !== undefined) return fault
      records = records.map((one) => (one.id === id ? record : one))
      return ok(record)
    },
    'remove-record'({ id }) {
      const rest = records.filter((one) => one.id !== id)
      if (rest.length === records.length) return missing
      records = rest
      return ok({})
    },
  }

  const methodOf = (body: unknown) => (body as { method?: string }).method ?? ''
  const isRead = (body: unknown) => /^(?:get|list)-/.test(methodOf(body))
  function answer({ body }: FakeRequest): FakeAnswer {
    const { params = {} } = body as { params?: Params }
    if (params.domain !== zone) return fail(403, 'Permission denied')
    return methods[methodOf(body)]?.(params) ?? fail(404, 'Unknown method')
  }
  const api = await createFakeApi({
    baseUrl: 'https://njal.la/api/1',
    unknown: { status: 404, body: '<html>Not found</html>' },
    refuse: ({ headers }) =>
      headers.authorization === `Njalla ${TOKEN}` ? undefined : fail(403, 'Invalid token.'),
    routes: [
      { ...{ method: 'POST', path: '/', kind: 'read' }, when: isRead, answer },
      { ...{ method: 'POST', path: '/', kind: 'write' }, answer },
    ],
  })
  records = [
    {
      ...{ id: ++count, name: '@', type: 'Dynamic', content: 'hj96h42che8lw1l2', ttl: 60 },
      ...{ update_url: 'https://njal.la/update/?h=x', current_ips: ['192.0.2.1'] },
    },
    { id: ++count, name: 'mail', type: 'A', content: '192.0.2.25', ttl: 300 },
  ]
  const bystanders = JSON.stringify(records)
  const isOf = (name: string, type: string) => (one: NjallaRecord) =>
    one.name === relative(name) && one.type === type

  return {
    api,
    zone,
    secrets: [TOKEN],
    authorise: withHeaders({ authorization: `Njalla ${TOKEN}` }),
    load(loaded) {
      const { result } = loaded as { result?: { records?: NjallaRecord[] } }
      for (const one of result?.records ?? []) {
        records = [...records.filter(({ id }) => id !== one.id), one]
        count = Math.max(count, one.id)
      }
    },
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => !isOf(name, type)(one))
      for (const content of values) {
        records = [...records, { id: ++count, name: relative(name), type, content, ttl }]
      }
    },
    look({ name, type }) {
      const found = records.filter(isOf(name, type))
      const [first] = found
      if (first === undefined) return null
      return { ttl: first.ttl, values: found.map(({ content }) => content).sort() }
    },
    // The service itself answers 200 only; others come from what stands in front of it.
    errorAnswer: (status, text) => ({ status, body: `<html>${text}</html>` }),
    errorInside: (text) => fail(1, text),
    bystander: () => JSON.stringify(records.slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const njallaSettings = { type: 'njalla', token: TOKEN } as const
