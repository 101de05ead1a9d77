import { parseName } from '../../../shared/rrset.ts'
import { createFakeApi, type FakeAnswer, type FakeRequest, withHeaders } from './fake-api.ts'
import type { HostedFake } from './hosted-rig.ts'

interface InfomaniakRecord {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly ttl: number
  readonly target: string
}
type Body = Partial<InfomaniakRecord>

const TOKEN = 'infomaniak-token_0123456789abcdefghijklmnop'
const DOMAIN_ID = 890_190

/** The first version of the API, as it was recorded; nothing else describes it. */
export async function createInfomaniakFake(zoneName = 'example.test'): Promise<HostedFake> {
  const zone = parseName(zoneName)
  let records: InfomaniakRecord[] = []
  let count = 10_041_100

  const ok = (data: unknown, status = 200): FakeAnswer => ({
    status,
    body: { result: 'success', data },
  })
  const fail = (status: number, code: string, description: string): FakeAnswer => ({
    status,
    body: { result: 'error', error: { code, description } },
  })
  const missing = fail(404, 'object_not_found', 'Object not found')
  const shown = ({ id, source, type, ttl, target }: InfomaniakRecord) => ({
    ...{ id, source, source_idn: source === '.' ? zone : `${source}.${zone}`, type, ttl },
    ...{ ttl_idn: '1 h.', target_idn: target, updated_at: 1_610_096_126, dyndns_id: null },
    ...{ priority: 10, target },
  })
  const product = {
    ...{ id: DOMAIN_ID, account_id: 1578, service_id: 14, service_name: 'domain' },
    ...{ customer_name: zone, internal_name: null, created_at: 1, expired_at: 2, version: 1 },
    ...{ maintenance: false, locked: false, operation_in_progress: false, tags: [] },
    ...{ unique_id: 7, description: '', is_free: false, is_zero_price: false },
    rights: { technical: true },
  }

  function faultOf({ source = '', type = '', ttl = 0, target = '' }: Body) {
    const isName = source !== '' && source !== '@' && !source.endsWith(zone)
    if (!isName) return fail(422, 'validation_failed', 'The source is invalid')
    if (ttl < 300) return fail(422, 'validation_failed', 'The ttl is invalid')
    if (type === 'TXT' && (target.includes('"') || target.length > 255)) {
      return fail(422, 'validation_failed', 'The target is invalid')
    }
    return undefined
  }

  function create(body: Body): FakeAnswer {
    const fault = faultOf(body)
    if (fault !== undefined) return fault
    const { source = '', type = '', ttl = 0, target = '' } = body
    const record = { id: String(++count), source, type, ttl, target }
    records.push(record)
    return ok(record.id, 201)
  }

  const inZone = (act: (request: FakeRequest) => FakeAnswer) => (request: FakeRequest) =>
    request.params[0] === String(DOMAIN_ID) ? act(request) : missing
  const inRecord = (act: (record: InfomaniakRecord, body: Body) => FakeAnswer) =>
    inZone(({ params, body }) => {
      const record = records.find(({ id }) => id === params[1])
      return record === undefined ? missing : act(record, body as Body)
    })
  const path = '/domain/:domain/dns/record'
  const api = await createFakeApi({
    baseUrl: 'https://api.infomaniak.com/1',
    unknown: missing,
    refuse: ({ headers }) =>
      headers.authorization === `Bearer ${TOKEN}`
        ? undefined
        : fail(401, 'not_authorized', 'Authorization required'),
    routes: [
      {
        ...{ method: 'GET', path: '/product', kind: 'read' },
        answer: ({ query }) =>
          ok(
            [product].filter(
              (one) =>
                one.service_name === query.get('service_name') &&
                one.customer_name.includes(query.get('customer_name') ?? ''),
            ),
          ),
      },
      { ...{ method: 'GET', path, kind: 'read' }, answer: inZone(() => ok(records.map(shown))) },
      {
        ...{ method: 'GET', path: `${path}/:id`, kind: 'read' },
        answer: inRecord((record) => ok(shown(record))),
      },
      {
        ...{ method: 'POST', path, kind: 'write' },
        answer: inZone(({ body }) => create(body as Body)),
      },
      {
        ...{ method: 'PUT', path: `${path}/:id`, kind: 'write' },
        answer: inRecord((before, { source, target, ttl }) => {
          const record = {
            ...before,
            ...{ source: source ?? before.source, target: target ?? before.target },
            ttl: ttl ?? before.ttl,
          }
          const fault = faultOf(record)
          if (fault !== undefined) return fault
          records = records.map((one) => (one.id === before.id ? record : one))
          return ok(true)
        }),
      },
      {
        ...{ method: 'DELETE', path: `${path}/:id`, kind: 'write' },
        answer: inRecord(({ id }) => {
          records = records.filter((one) => one.id !== id)
          return ok(true)
        }),
      },
    ],
  })
  // What was recorded was a zone with nothing else in it.
  if (zoneName === 'example.test') {
    create({ source: '.', type: 'MX', ttl: 3600, target: 'mta-gw.infomaniak.ch' })
    create({ source: 'mail', type: 'A', ttl: 3600, target: '192.0.2.25' })
  }
  const bystanders = JSON.stringify(records)
  const nameOf = (name: string) => (name === zone ? '.' : name.slice(0, -zone.length - 1))
  const isOf = (name: string, type: string) => (one: InfomaniakRecord) =>
    one.source === nameOf(name) && one.type === type

  return {
    api,
    zone,
    secrets: [TOKEN],
    authorise: withHeaders({ authorization: `Bearer ${TOKEN}` }),
    load(answer) {
      const { data } = answer as { data: unknown }
      for (const one of [data].flat() as InfomaniakRecord[]) {
        if (one.target === undefined) continue
        const { id, source, type, ttl, target } = one
        records = records.filter((other) => other.id !== id)
        records.push({ id, source, type, ttl, target })
        count = Math.max(count, Number(id))
      }
    },
    seed({ name, type, ttl, values }) {
      records = records.filter((one) => !isOf(name, type)(one))
      for (const target of values) create({ source: nameOf(name), type, ttl, target })
    },
    look({ name, type }) {
      const found = records.filter(isOf(name, type))
      const [first] = found
      if (first === undefined) return null
      return { ttl: first.ttl, values: found.map(({ target }) => target).sort() }
    },
    errorAnswer: (status, text) => fail(status, 'some_code', text),
    errorInside: (text) => fail(200, 'some_code', text),
    bystander: () => JSON.stringify(records.slice(0, 2)) === bystanders,
  }
}

/** What cloud.yaml holds for it. */
export const infomaniakSettings = { type: 'infomaniak', token: TOKEN } as const
