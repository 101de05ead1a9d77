import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'
import { presentTxt, readTxt } from './presentation.ts'

interface CloudflareRecord {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly content: string
  readonly ttl: number
  readonly proxied: boolean
  readonly comment: string | null
}
type Body = Partial<CloudflareRecord>

const TOKEN = 'cf-token_0123456789abcdefghijklmnop'
const AT = '2026-01-31T12:00:00.000000Z'

/** https://developers.cloudflare.com/api/resources/dns/subresources/records/ */
export async function createCloudflareFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  const zoneId = '0123456789abcdef0123456789abcdef'
  let records: CloudflareRecord[] = []
  let count = 0
  let pageLimit = 5000

  const ok = (result: unknown, more: object = {}): FakeAnswer => ({
    status: 200,
    body: { result, success: true, errors: [], messages: [], ...more },
  })
  const fail = (status: number, code: number, message: string): FakeAnswer => ({
    status,
    body: { result: null, success: false, errors: [{ code, message }], messages: [] },
  })
  const shown = (record: CloudflareRecord) => ({
    ...record,
    proxiable: record.type !== 'TXT',
    settings: record.type === 'CNAME' ? { flatten_cname: false } : {},
    meta: {},
    tags: [],
    created_on: AT,
    modified_on: AT,
  })
  const shownZone = {
    ...{ id: zoneId, name: zone, status: 'active', paused: false, type: 'full' },
    ...{ development_mode: 0, name_servers: ['a.ns.cloudflare.com', 'b.ns.cloudflare.com'] },
    ...{ original_name_servers: null, original_registrar: null, original_dnshost: null },
    ...{ modified_on: AT, created_on: AT, activated_on: AT },
    ...{ vanity_name_servers: [], vanity_name_servers_ips: null },
    meta: {
      step: 4,
      custom_certificate_quota: 0,
      page_rule_quota: 3,
      phishing_detected: false,
    },
    ...{ owner: {}, account: {}, tenant: {}, tenant_unit: {}, permissions: [], plan: {} },
  }

  function listed(query: URLSearchParams, items: readonly object[]): FakeAnswer {
    const page = Number(query.get('page') ?? 1)
    const perPage = Math.min(Number(query.get('per_page') ?? 100), pageLimit)
    const rows = items.slice((page - 1) * perPage, page * perPage)
    const pages = Math.max(Math.ceil(items.length / perPage), 1)
    return ok(rows, {
      result_info: {
        page,
        per_page: perPage,
        count: rows.length,
        total_count: items.length,
        total_pages: pages,
      },
    })
  }

  function faultOf(body: Body, id?: string): FakeAnswer | undefined {
    const { name = '', type = '', content = '', ttl = 1 } = body
    if (name !== zone && !name.endsWith(`.${zone}`)) return fail(400, 9000, 'DNS name is invalid.')
    if (ttl !== 1 && (ttl < 60 || ttl > 86_400)) {
      return fail(
        400,
        9021,
        'Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.',
      )
    }
    const same = records.find(
      (one) => one.id !== id && one.name === name && one.type === type && one.content === content,
    )
    return same && fail(400, 81_058, 'An identical record already exists.')
  }

  function create(body: Body): FakeAnswer {
    const fault = faultOf(body)
    if (fault !== undefined) return fault
    const record: CloudflareRecord = {
      id: (++count).toString(16).padStart(32, 'f'),
      name: body.name ?? '',
      type: body.type ?? '',
      content: body.content ?? '',
      ttl: body.proxied === true ? 1 : (body.ttl ?? 1),
      proxied: body.proxied ?? false,
      comment: body.comment ?? null,
    }
    records.push(record)
    return ok(shown(record))
  }

  function update(id: string | undefined, body: Body, isWhole: boolean): FakeAnswer {
    const before = records.find((one) => one.id === id)
    if (before === undefined) return fail(404, 81_044, 'Record does not exist.')
    const empty = { proxied: false, comment: null, ttl: 1 }
    const merged = { ...before, ...(isWhole ? empty : {}), ...body, id: before.id }
    const record = { ...merged, ttl: merged.proxied ? 1 : merged.ttl }
    const fault = faultOf(record, id)
    if (fault !== undefined) return fault
    records = records.map((one) => (one.id === id ? record : one))
    return ok(shown(record))
  }

  function remove(id: string | undefined): FakeAnswer {
    if (!records.some((one) => one.id === id)) return fail(404, 81_044, 'Record does not exist.')
    records = records.filter((one) => one.id !== id)
    return ok({ id })
  }

  /** Deletes, patches, puts, posts: in this order, and all or none of them. */
  function batch({ body }: FakeRequest): FakeAnswer {
    const { deletes = [], patches = [], puts = [], posts = [] } = body as Record<string, Body[]>
    if (deletes.length + patches.length + puts.length + posts.length > 200) {
      return fail(400, 9999, 'too many records in one batch')
    }
    const before = records
    records = [...records]
    const steps = [
      ...deletes.map((one) => () => remove(one.id)),
      ...patches.map((one) => () => update(one.id, one, false)),
      ...puts.map((one) => () => update(one.id, one, true)),
      ...posts.map((one) => () => create(one)),
    ]
    for (const step of steps) {
      const answer = step()
      if (answer.status === 200) continue
      records = before
      return answer
    }
    return ok({ deletes: [], patches: [], puts: [], posts: [] })
  }

  const path = '/zones/:zone/dns_records'
  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zoneId
      ? act(request)
      : fail(404, 7003, 'Could not route to /zones, perhaps your object identifier is invalid?')
  const api = await createFakeApi({
    baseUrl: 'https://api.cloudflare.com/client/v4',
    unknown: fail(400, 7000, 'No route for that URI'),
    refuse: ({ headers }) =>
      headers.authorization === `Bearer ${TOKEN}`
        ? undefined
        : fail(401, 10_000, 'Authentication error'),
    routes: [
      {
        ...{ method: 'GET', path: '/zones', kind: 'read' },
        answer: ({ query }) =>
          listed(
            query,
            [shownZone].filter(({ name }) => (query.get('name') ?? name) === name),
          ),
      },
      {
        ...{ method: 'GET', path, kind: 'read' },
        answer: inZone(({ query }) => {
          const keys = ['name', 'type', 'content'] as const
          const isAskedFor = (record: CloudflareRecord) =>
            keys.every((key) => (query.get(key) ?? record[key]) === record[key])
          return listed(query, records.filter(isAskedFor).map(shown))
        }),
      },
      {
        ...{ method: 'POST', path, kind: 'write' },
        answer: inZone(({ body }) => create(body as Body)),
      },
      { ...{ method: 'POST', path: `${path}/batch`, kind: 'write' }, answer: inZone(batch) },
      {
        ...{ method: 'PUT', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params, body }) => update(params[1], body as Body, true)),
      },
      {
        ...{ method: 'PATCH', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params, body }) => update(params[1], body as Body, false)),
      },
      {
        ...{ method: 'DELETE', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params }) => remove(params[1])),
      },
    ],
  })
  create({ name: `proxied.${zone}`, type: 'A', content: '192.0.2.80', proxied: true, comment: 'x' })
  create({ name: zone, type: 'MX', content: `mail.${zone}`, ttl: 300 })
  const bystanders = JSON.stringify(records)

  return {
    api,
    zone,
    secrets: [TOKEN],
    authorise: withHeaders({ authorization: `Bearer ${TOKEN}` }),
    load(answer) {
      const { result } = answer as { readonly result: unknown }
      for (const one of [result].flat() as readonly CloudflareRecord[]) {
        if (one.content === undefined || records.some(({ id }) => id === one.id)) continue
        const { id, name, type, content, ttl, proxied, comment } = one
        records.push({ id, name, type, content, ttl, proxied, comment })
      }
    },
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => one.name !== name || one.type !== type)
      for (const value of values) {
        create({ name, type, ttl, content: type === 'TXT' ? presentTxt(value) : value })
      }
    },
    look({ name, type }) {
      const found = records.filter((one) => one.name === name && one.type === type)
      if (found.length === 0) return null
      const values = found.map(({ content }) =>
        type === 'TXT' ? (readTxt(content) ?? content) : content,
      )
      // Where they differ, the one that is not automatic shows.
      return { ttl: Math.max(...found.map(({ ttl }) => ttl)), values: values.sort() }
    },
    errorAnswer: (status, text) => fail(status, 1000, text),
    errorInside: (text) => fail(200, 1000, text),
    pageSize(size) {
      pageLimit = size
    },
    bystander: () => JSON.stringify(records.slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const cloudflareSettings = { type: 'cloudflare', token: TOKEN } as const
