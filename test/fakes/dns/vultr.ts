import { randomUUID } from 'node:crypto'
import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'
import { presentTxt, readTxt } from './presentation.ts'

interface VultrRecord {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly data: string
  readonly priority: number
  readonly ttl: number
}
type Body = Partial<VultrRecord>

const API_KEY = 'VULTRAPIKEY0123456789ABCDEFGHIJKLMN'

/** https://www.vultr.com/api/#tag/dns */
export async function createVultrFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  let records: VultrRecord[] = []
  let pageLimit = 500

  const fail = (status: number, error: string): FakeAnswer => ({ status, body: { error, status } })

  function listed(key: string, query: URLSearchParams, items: readonly object[]): FakeAnswer {
    const asked = Number(query.get('per_page') ?? 100)
    if (asked > 500) return fail(400, 'per_page must be less than or equal to 500')
    const size = Math.min(asked, pageLimit)
    // The cursor stands for nothing that its user could know.
    const start = Number(Buffer.from(query.get('cursor') ?? '', 'base64').toString() || 0)
    const cursorOf = (at: number) => Buffer.from(String(at)).toString('base64')
    const links = {
      next: start + size < items.length ? cursorOf(start + size) : '',
      prev: start > 0 ? cursorOf(Math.max(start - size, 0)) : '',
    }
    const rows = items.slice(start, start + size)
    return { status: 200, body: { [key]: rows, meta: { total: items.length, links } } }
  }

  function faultOf({ type = '', name = '', data = '', ttl = 300 }: Body): FakeAnswer | undefined {
    if (name === '@' || name.endsWith(zone)) return fail(400, 'Invalid record name')
    if (ttl < 120) return fail(400, 'Invalid TTL')
    const raw = readTxt(data)
    const isText = raw !== undefined && data.length <= 257 && !raw.includes('"')
    if (type === 'TXT' && !isText) return fail(400, 'TXT data must be in quotes')
    return undefined
  }

  function create(body: Body): FakeAnswer {
    const fault = faultOf(body)
    if (fault !== undefined) return fault
    const { type = '', name = '', data = '', priority = 0, ttl = 300 } = body
    const record = { id: randomUUID(), type, name, data, priority, ttl }
    records.push(record)
    return { status: 201, body: { record } }
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zone ? act(request) : fail(404, 'Invalid domain')
  const path = '/domains/:zone/records'
  const api = await createFakeApi({
    baseUrl: 'https://api.vultr.com/v2',
    unknown: fail(404, 'Not found'),
    refuse: ({ headers }) =>
      headers.authorization === `Bearer ${API_KEY}` ? undefined : fail(401, 'Invalid API token.'),
    routes: [
      {
        ...{ method: 'GET', path: '/domains', kind: 'read' },
        answer: ({ query }) =>
          listed('domains', query, [
            { domain: `other-${zone}`, date_created: '2021-03-27T09:40:29+00:00' },
            { domain: zone, date_created: '2020-09-13T18:19:59+00:00' },
          ]),
      },
      {
        ...{ method: 'GET', path, kind: 'read' },
        answer: inZone(({ query }) => listed('records', query, records)),
      },
      {
        ...{ method: 'POST', path, kind: 'write' },
        answer: inZone(({ body }) => create(body as Body)),
      },
      {
        ...{ method: 'PATCH', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params, body }) => {
          const before = records.find(({ id }) => id === params[1])
          if (before === undefined) return fail(404, 'Invalid record')
          const { name, data, ttl, priority, type } = body as Body
          if (type !== undefined) return fail(400, 'The type cannot be changed')
          const record = {
            ...before,
            ...{ name: name ?? before.name, data: data ?? before.data },
            ...{ ttl: ttl ?? before.ttl, priority: priority ?? before.priority },
          }
          const fault = faultOf(record)
          if (fault !== undefined) return fault
          records = records.map((one) => (one.id === before.id ? record : one))
          return { status: 204 }
        }),
      },
      {
        ...{ method: 'DELETE', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params }) => {
          const rest = records.filter(({ id }) => id !== params[1])
          if (rest.length === records.length) return fail(404, 'Invalid record')
          records = rest
          return { status: 204 }
        }),
      },
    ],
  })
  create({ type: 'NS', name: '', data: 'ns1.vultr.com', priority: -1 })
  create({ type: 'MX', name: '', data: `mail.${zone}`, priority: 10 })
  const bystanders = JSON.stringify(records)
  const nameOf = (name: string) => (name === zone ? '' : name.slice(0, -zone.length - 1))
  const isOf = (name: string, type: string) => (one: VultrRecord) =>
    one.name === nameOf(name) && one.type === type

  return {
    api,
    zone,
    secrets: [API_KEY],
    authorise: withHeaders({ authorization: `Bearer ${API_KEY}` }),
    load(answer) {
      for (const one of (answer as { records?: VultrRecord[] }).records ?? []) {
        records = [...records.filter(({ id }) => id !== one.id), one]
      }
    },
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => !isOf(name, type)(one))
      for (const value of values) {
        create({ type, name: nameOf(name), data: type === 'TXT' ? presentTxt(value) : value, ttl })
      }
    },
    look({ name, type }) {
      const found = records.filter(isOf(name, type))
      const [first] = found
      if (first === undefined) return null
      const values = found.map(({ data }) => (type === 'TXT' ? (readTxt(data) ?? data) : data))
      return { ttl: first.ttl, values: values.sort() }
    },
    errorAnswer: fail,
    pageSize(size) {
      pageLimit = size
    },
    bystander: () => JSON.stringify(records.slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const vultrSettings = { type: 'vultr', apiKey: API_KEY } as const
