import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

interface DigitalOceanRecord {
  readonly id: number
  readonly type: string
  readonly name: string
  readonly data: string
  readonly ttl: number
}
type Body = Partial<DigitalOceanRecord>

const TOKEN = 'dop_v1_0123456789abcdef0123456789'
const BASE = 'https://api.digitalocean.com/v2'

/** https://docs.digitalocean.com/reference/api/reference/domain-records/ */
export async function createDigitalOceanFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  let records: DigitalOceanRecord[] = []
  let count = 78_210_034
  let pageLimit = 200

  const fail = (status: number, message: string): FakeAnswer => ({
    status,
    body: { id: status === 404 ? 'not_found' : 'unprocessable_entity', message },
  })
  const missing = fail(404, 'The resource you were accessing could not be found.')
  const shown = ({ id, type, name, data, ttl }: DigitalOceanRecord) => ({
    ...{ id, type, name, data, priority: null, port: null, ttl },
    ...{ weight: null, flags: null, tag: null },
  })
  const fullName = (name: string) => (name === '@' ? zone : `${name}.${zone}`)

  function faultOf({ type = '', name = '', data = '', ttl = 1800 }: Body): FakeAnswer | undefined {
    if (name === '' || name.includes(zone)) return fail(422, 'Name should not contain the domain')
    if (ttl < 30) return fail(422, 'TTL must be at least 30')
    if (type === 'TXT' && (data.length > 512 || data.includes('"'))) {
      return fail(422, 'Data is not valid for a TXT record')
    }
    return undefined
  }

  function create(body: Body): FakeAnswer {
    const fault = faultOf(body)
    if (fault !== undefined) return fault
    const { type = '', name = '', data = '', ttl = 1800 } = body
    const record = { id: ++count, type, name, data, ttl }
    records.push(record)
    return { status: 201, body: { domain_record: shown(record) } }
  }

  function list({ query }: FakeRequest): FakeAnswer {
    const wanted = records.filter(
      (one) =>
        (query.get('name') ?? fullName(one.name)) === fullName(one.name) &&
        (query.get('type') ?? one.type) === one.type,
    )
    const page = Number(query.get('page') ?? 1)
    const perPage = Math.min(Number(query.get('per_page') ?? 20), pageLimit)
    const last = Math.max(Math.ceil(wanted.length / perPage), 1)
    const link = (at: number) => `${BASE}/domains/${zone}/records?page=${at}`
    const pages = {
      ...(page > 1 ? { first: link(1), prev: link(page - 1) } : {}),
      ...(page < last ? { last: link(last), next: link(page + 1) } : {}),
    }
    return {
      status: 200,
      body: {
        domain_records: wanted.slice((page - 1) * perPage, page * perPage).map(shown),
        links: last === 1 ? {} : { pages },
        meta: { total: wanted.length },
      },
    }
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === zone ? act(request) : missing
  const path = '/domains/:zone/records'
  const api = await createFakeApi({
    baseUrl: BASE,
    unknown: missing,
    refuse: ({ headers }) =>
      headers.authorization === `Bearer ${TOKEN}`
        ? undefined
        : { status: 401, body: { id: 'Unauthorized', message: 'Unable to authenticate you' } },
    routes: [
      {
        ...{ method: 'GET', path: '/domains/:zone', kind: 'read' },
        answer: inZone(() => ({
          status: 200,
          body: { domain: { name: zone, ttl: 1800, zone_file: '' } },
        })),
      },
      { ...{ method: 'GET', path, kind: 'read' }, answer: inZone(list) },
      {
        ...{ method: 'POST', path, kind: 'write' },
        answer: inZone(({ body }) => create(body as Body)),
      },
      {
        ...{ method: 'PUT', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params, body }) => {
          const before = records.find((one) => String(one.id) === params[1])
          if (before === undefined) return missing
          const record = { ...before, ...(body as Body), id: before.id }
          const fault = faultOf(record)
          if (fault !== undefined) return fault
          records = records.map((one) => (one.id === before.id ? record : one))
          return { status: 200, body: { domain_record: shown(record) } }
        }),
      },
      {
        ...{ method: 'DELETE', path: `${path}/:id`, kind: 'write' },
        answer: inZone(({ params }) => {
          const rest = records.filter((one) => String(one.id) !== params[1])
          if (rest.length === records.length) return missing
          records = rest
          return { status: 204 }
        }),
      },
    ],
  })
  create({ type: 'SOA', name: '@', data: '1800', ttl: 1800 })
  create({ type: 'NS', name: '@', data: 'ns1.digitalocean.com', ttl: 1800 })
  const bystanders = JSON.stringify(records)
  const nameOf = (name: string) => (name === zone ? '@' : name.slice(0, -zone.length - 1))

  return {
    api,
    zone,
    secrets: [TOKEN],
    authorise: withHeaders({ authorization: `Bearer ${TOKEN}` }),
    load(answer) {
      const { domain_records: found = [] } = answer as { domain_records?: DigitalOceanRecord[] }
      for (const { id, type, name, data, ttl } of found) {
        records = records.filter((one) => one.id !== id)
        records.push({ id, type, name, data, ttl })
        count = Math.max(count, id)
      }
    },
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => fullName(one.name) !== name || one.type !== type)
      for (const data of values) create({ type, name: nameOf(name), data, ttl })
    },
    look({ name, type }) {
      const found = records.filter((one) => fullName(one.name) === name && one.type === type)
      const [first] = found
      if (first === undefined) return null
      return { ttl: first.ttl, values: found.map(({ data }) => data).sort() }
    },
    errorAnswer: (status, text) => fail(status, text),
    pageSize(size) {
      pageLimit = size
    },
    bystander: () => JSON.stringify(records.slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const digitaloceanSettings = { type: 'digitalocean', token: TOKEN } as const
