import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

interface LinodeRecord {
  readonly id: number
  readonly type: string
  readonly name: string
  readonly target: string
  readonly ttl_sec: number
}
type Body = Partial<LinodeRecord>

const TOKEN = 'linode-0123456789abcdef0123456789abcdef'
const ZONE_ID = 1_065_421
const TTLS = [
  ...[0, 300, 3600, 7200, 14_400, 28_800, 57_600, 86_400],
  ...[172_800, 345_600, 604_800, 1_209_600, 2_419_200],
]
/** Sent with every answer, also where nothing is wrong. */
const HEADERS = {
  'retry-after': '119',
  'x-ratelimit-limit': '400',
  'x-ratelimit-remaining': '399',
  'x-ratelimit-reset': '1769860919',
}

/** https://techdocs.akamai.com/linode-api/reference/get-domain-records */
export async function createLinodeFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  let records: LinodeRecord[] = []
  let count = 9_295_300
  let pageLimit = 500

  const ok = (body: unknown): FakeAnswer => ({ status: 200, body, headers: HEADERS })
  const fail = (status: number, reason: string, field?: string): FakeAnswer => ({
    status,
    body: { errors: [field === undefined ? { reason } : { reason, field }] },
    headers: HEADERS,
  })
  const missing = fail(404, 'Not found')
  const shown = ({ id, type, name, target, ttl_sec }: LinodeRecord) => ({
    ...{ id, type, name, target, ttl_sec, tag: null },
    ...{ priority: 0, weight: 0, port: 0, service: null, protocol: null },
  })
  const shownZone = {
    ...{ id: ZONE_ID, domain: zone, type: 'master', status: 'active', description: '' },
    ...{ soa_email: 'x@example.test', group: '', ttl_sec: 0, refresh_sec: 0, retry_sec: 0 },
    ...{ expire_sec: 0, master_ips: [], axfr_ips: [] },
  }

  function listed(query: URLSearchParams, items: readonly object[]): FakeAnswer {
    const page = Number(query.get('page') ?? 1)
    const asked = Number(query.get('page_size') ?? 100)
    if (asked < 25 || asked > 500) return fail(400, 'Must be 25-500', 'page_size')
    const size = Math.min(asked, pageLimit)
    const pages = Math.max(Math.ceil(items.length / size), 1)
    const data = items.slice((page - 1) * size, page * size)
    return ok({ data, page, pages, results: items.length })
  }

  function faultOf({ name = '', type = '', target = '' }: Body): FakeAnswer | undefined {
    if (name === '@' || name.endsWith(zone)) return fail(400, 'Invalid hostname', 'name')
    if (type === 'TXT' && (target.includes('"') || target.length > 512)) {
      return fail(400, 'Invalid target', 'target')
    }
    return undefined
  }
  const rounded = (ttl: number) => TTLS.find((one) => one >= ttl) ?? 2_419_200

  function create(body: Body): FakeAnswer {
    const fault = faultOf(body)
    if (fault !== undefined) return fault
    const { type = '', name = '', target = '', ttl_sec = 0 } = body
    const record = { id: ++count, type, name, target, ttl_sec: rounded(ttl_sec) }
    records.push(record)
    return ok(shown(record))
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === String(ZONE_ID) ? act(request) : missing
  const path = '/domains/:zone/records'
  const api = await createFakeApi({
    baseUrl: 'https://api.linode.com/v4',
    unknown: missing,
    refuse: ({ headers }) =>
      headers.authorization === `Bearer ${TOKEN}` ? undefined : fail(401, 'Invalid Token'),
    routes: [
      {
        ...{ method: 'GET', path: '/domains', kind: 'read' },
        answer: ({ query }) =>
          listed(query, [
            { ...shownZone, id: 7, domain: `secondary.${zone}`, type: 'slave' },
            shownZone,
          ]),
      },
      {
        ...{ method: 'GET', path, kind: 'read' },
        answer: inZone(({ query }) => listed(query, records.map(shown))),
      },
      {
        ...{ method: 'POST', path, kind: 'write' },
        answer: inZone(({ body }) => create(body as Body)),
      },
      {
        ...{ method: 'PUT', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params, body }) => {
          const before = records.find((one) => String(one.id) === params[1])
          if (before === undefined) return missing
          const merged = { ...before, ...(body as Body), id: before.id }
          const record = { ...merged, ttl_sec: rounded(merged.ttl_sec) }
          const fault = faultOf(record)
          if (fault !== undefined) return fault
          records = records.map((one) => (one.id === before.id ? record : one))
          return ok(shown(record))
        }),
      },
      {
        ...{ method: 'DELETE', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params }) => {
          const rest = records.filter((one) => String(one.id) !== params[1])
          if (rest.length === records.length) return missing
          records = rest
          return ok({})
        }),
      },
    ],
  })
  if (zoneName === 'example.test') {
    create({ type: 'MX', name: '', target: 'mail.example.test', ttl_sec: 0 })
    create({ type: 'A', name: 'mail', target: '192.0.2.25', ttl_sec: 300 })
  }
  const bystanders = JSON.stringify(records)
  const nameOf = (name: string) => (name === zone ? '' : name.slice(0, -zone.length - 1))
  const isOf = (name: string, type: string) => (one: LinodeRecord) =>
    one.name === nameOf(name) && one.type === type

  return {
    api,
    zone,
    secrets: [TOKEN],
    authorise: withHeaders({ authorization: `Bearer ${TOKEN}` }),
    load(answer) {
      for (const one of (answer as { data?: LinodeRecord[] }).data ?? []) {
        if (one.target === undefined) continue
        const { id, type, name, target, ttl_sec } = one
        records = [...records.filter((other) => other.id !== id)]
        records.push({ id, type, name, target, ttl_sec })
        count = Math.max(count, id)
      }
    },
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => !isOf(name, type)(one))
      for (const target of values) create({ type, name: nameOf(name), target, ttl_sec: ttl })
    },
    look({ name, type }) {
      const found = records.filter(isOf(name, type))
      const [first] = found
      if (first === undefined) return null
      return { ttl: first.ttl_sec, values: found.map(({ target }) => target).sort() }
    },
    errorAnswer: (status, text) => fail(status, text),
    pageSize(size) {
      pageLimit = size
    },
    bystander: () => JSON.stringify(records.slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const linodeSettings = { type: 'linode', token: TOKEN } as const
