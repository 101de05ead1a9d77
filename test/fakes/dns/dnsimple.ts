import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

interface DnsimpleRecord {
  readonly id: number
  readonly name: string
  readonly type: string
  readonly content: string
  readonly ttl: number
  readonly regions: readonly string[]
}
type Body = Partial<DnsimpleRecord>
type Batch = { readonly [K in 'creates' | 'updates' | 'deletes']?: readonly Body[] }

const TOKEN = 'dnsimple_a_0123456789abcdefghijklmnop'
const ACCOUNT = 731
const AT = '2026-01-31T12:00:00Z'

/** https://developer.dnsimple.com/v2/zones/records/ */
export async function createDnsimpleFake(
  zoneName = 'example.test',
  baseUrl = 'https://api.dnsimple.com/v2',
): Promise<HostedFake> {
  const zone = parseName(zoneName)
  let records: readonly DnsimpleRecord[] = []
  let count = 502_900
  let pageLimit = 100

  const ok = (data: unknown, more: object = {}, status = 200): FakeAnswer => ({
    status,
    body: { data, ...more },
  })
  const fail = (status: number, message: string, errors?: object): FakeAnswer => ({
    status,
    body: errors === undefined ? { message } : { message, errors },
  })
  const shown = (one: DnsimpleRecord) => ({
    ...one,
    ...{ zone_id: zone, parent_id: null, priority: null, system_record: one.type === 'NS' },
    ...{ created_at: AT, updated_at: AT },
  })
  const shownZone = {
    ...{ id: 57_894, account_id: ACCOUNT, name: zone, reverse: false, secondary: false },
    ...{ last_transferred_at: null, active: true, created_at: AT, updated_at: AT },
  }
  const shownDomain = {
    ...{ id: 57_894, account_id: ACCOUNT, registrant_id: null, name: zone, unicode_name: zone },
    ...{ state: 'hosted', auto_renew: false, private_whois: false, expires_on: null },
    ...{ created_at: AT, updated_at: AT },
  }

  function listed(query: URLSearchParams, items: readonly object[]): FakeAnswer {
    const page = Number(query.get('page') ?? 1)
    const asked = Number(query.get('per_page') ?? 30)
    if (asked > 100) return fail(400, 'per_page must be at most 100')
    const size = Math.min(asked, pageLimit)
    return ok(items.slice((page - 1) * size, page * size), {
      pagination: {
        ...{ current_page: page, per_page: size, total_entries: items.length },
        total_pages: Math.max(Math.ceil(items.length / size), 1),
      },
    })
  }

  /** What is wrong with a record, by its fields. */
  function faultOf({ name = '', type = '', content = '', ttl = 3600 }: Body, id?: number) {
    if (name === '@' || name.endsWith(zone)) return { name: ['is invalid'] }
    if (ttl < 60) return { ttl: ['must be greater than or equal to 60'] }
    if (type === 'TXT' && content.includes('"')) return { content: ['is invalid'] }
    const isThere = records.some(
      (one) => one.id !== id && one.name === name && one.type === type && one.content === content,
    )
    return isThere ? { base: ['Zone record already exists'] } : undefined
  }

  function create(body: Body): object | DnsimpleRecord {
    const fault = faultOf(body)
    if (fault !== undefined) return { fault }
    const { name = '', type = '', content = '', ttl = 3600, regions = ['global'] } = body
    const record = { id: ++count, name, type, content, ttl, regions }
    records = [...records, record]
    return record
  }
  function update({ id, name, content, ttl, regions }: Body): object | DnsimpleRecord {
    const before = records.find((one) => one.id === id)
    if (before === undefined) return { fault: {}, message: `Record not found ID=${id}` }
    const record = {
      ...before,
      ...{ name: name ?? before.name, content: content ?? before.content },
      ...{ ttl: ttl ?? before.ttl, regions: regions ?? before.regions },
    }
    const fault = faultOf(record, before.id)
    if (fault !== undefined) return { fault }
    records = records.map((one) => (one.id === id ? record : one))
    return record
  }
  function remove({ id }: Body): object {
    const rest = records.filter((one) => one.id !== id)
    if (rest.length === records.length) return { fault: {}, message: `Record not found ID=${id}` }
    records = rest
    return { id }
  }

  /** All changes or none of them. */
  function batch({ body }: FakeRequest): FakeAnswer {
    const { creates = [], updates = [], deletes = [] } = body as Batch
    const before = records
    const done = {
      creates: creates.map(create),
      updates: updates.map(update),
      deletes: deletes.map(remove),
    }
    const errors: Record<string, object[]> = {}
    for (const [kind, results] of Object.entries(done)) {
      for (const [index, result] of results.entries()) {
        if (!('fault' in result)) continue
        const message = 'message' in result ? result.message : 'Validation failed'
        errors[kind] = [...(errors[kind] ?? []), { index, message, errors: result.fault }]
      }
    }
    if (Object.keys(errors).length === 0) return ok(done)
    records = before
    return fail(400, 'Validation failed', errors)
  }

  const single = (result: object, status: number): FakeAnswer => {
    if ('fault' in result) {
      return 'message' in result
        ? fail(404, String(result.message))
        : fail(400, 'Validation failed', Object(result.fault))
    }
    return ok(shown(result as DnsimpleRecord), {}, status)
  }
  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === String(ACCOUNT) && request.params[1] === zone
      ? act(request)
      : fail(404, `Zone \`${request.params[1]}\` not found`)
  const path = '/:account/zones/:zone/records'
  const api = await createFakeApi({
    baseUrl,
    unknown: fail(404, 'Not found'),
    refuse: ({ headers }) =>
      headers.authorization === `Bearer ${TOKEN}` ? undefined : fail(401, 'Authentication failed'),
    routes: [
      {
        ...{ method: 'GET', path: '/accounts', kind: 'read' },
        answer: () =>
          ok([
            {
              ...{ id: ACCOUNT, email: 'x@example.test', plan_identifier: 'solo' },
              ...{ created_at: AT, updated_at: AT },
            },
          ]),
      },
      {
        ...{ method: 'GET', path: '/:account/domains', kind: 'read' },
        answer: ({ query }) =>
          listed(
            query,
            [shownDomain].filter(({ name }) => name.includes(query.get('name_like') ?? '')),
          ),
      },
      {
        ...{ method: 'GET', path: '/:account/zones/:zone', kind: 'read' },
        answer: inZone(() => ok(shownZone)),
      },
      {
        ...{ method: 'GET', path, kind: 'read' },
        answer: inZone(({ query }) => {
          const keys = ['name', 'type'] as const
          const isAskedFor = (one: DnsimpleRecord) =>
            keys.every((key) => (query.get(key) ?? one[key]) === one[key])
          return listed(query, records.filter(isAskedFor).map(shown))
        }),
      },
      {
        ...{ method: 'POST', path, kind: 'write' },
        answer: inZone(({ body }) => single(create(body as Body), 201)),
      },
      {
        ...{ method: 'PATCH', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params, body }) =>
          single(update({ ...(body as Body), id: Number(params[2]) }), 200),
        ),
      },
      {
        ...{ method: 'DELETE', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params }) => {
          const result = remove({ id: Number(params[2]) })
          return 'fault' in result ? fail(404, 'Record not found') : { status: 204 }
        }),
      },
      {
        ...{ method: 'POST', path: '/:account/zones/:zone/batch', kind: 'write' },
        answer: inZone(batch),
      },
    ],
  })
  create({ type: 'NS', name: '', content: 'ns1.dnsimple.com' })
  create({ type: 'A', name: 'mail', content: '192.0.2.25', regions: ['AMS'] })
  const bystanders = JSON.stringify(records)
  const nameOf = (name: string) => (name === zone ? '' : name.slice(0, -zone.length - 1))
  const isOf = (name: string, type: string) => (one: DnsimpleRecord) =>
    one.name === nameOf(name) && one.type === type

  return {
    api,
    zone,
    secrets: [TOKEN],
    authorise: withHeaders({ authorization: `Bearer ${TOKEN}` }),
    load(answer) {
      const { data } = answer as { data: unknown }
      for (const one of [data].flat() as DnsimpleRecord[]) {
        if (one.content === undefined) continue
        const { id, name, type, content, ttl, regions } = one
        const rest = records.filter((other) => other.id !== id)
        records = [...rest, { id, name, type, content, ttl, regions }]
        count = Math.max(count, id)
      }
    },
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => !isOf(name, type)(one))
      for (const content of values) create({ type, name: nameOf(name), content, ttl })
    },
    look({ name, type }) {
      const found = records.filter(isOf(name, type))
      const [first] = found
      if (first === undefined) return null
      return { ttl: first.ttl, values: found.map(({ content }) => content).sort() }
    },
    errorAnswer: (status, text) => fail(status, text),
    pageSize(size) {
      pageLimit = size
    },
    bystander: () => JSON.stringify(records.slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const dnsimpleSettings = { type: 'dnsimple', token: TOKEN } as const
